from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from followup_contracts.payload import CHANNELS
from followup_policy.zones import Place, Whereabouts, whereabouts
from followup_scheduler.core.model import Enrollment, Facts

PLACES = {
    "New York": Place("America/New_York", "US", "NY", "10001", phone="+12125550123"),
    "Chicago": Place("America/Chicago", "US", "IL", "60601", phone="+13125550123"),
    "Los Angeles": Place("America/Los_Angeles", "US", "CA", "90001", phone="+12135550123"),
    "Berlin": Place("Europe/Berlin", "DE", None, "10115", phone="+4930555123"),
    "somewhere in the US": Place(None, "US", None, None, phone="+18005550123"),
}


@pytest.fixture(scope="session")
def facts_in() -> Callable[..., Facts]:
    def make(place: str = "New York", *, without: str = "", audience: str = "b2c") -> Facts:
        missing = set(without.split())
        return Facts(
            where=whereabouts(PLACES[place]),
            source="web_form",
            asked=True,
            audience=audience,
            reachable=frozenset(CHANNELS) - missing,
            refused={channel: f"no way to reach by {channel}" for channel in missing},
        )

    return make


@pytest.fixture(scope="session")
def facts_nowhere() -> Facts:
    nowhere = Whereabouts(frozenset(), frozenset(), "nothing is known")
    return Facts(nowhere, "unknown", asked=True, audience="b2c", reachable=frozenset(CHANNELS))


@pytest.fixture(scope="session")
def enrolled() -> Callable[..., Enrollment]:
    def make(sequence: str = "d1", *, anchor: datetime, lane: str = "now") -> Enrollment:
        return Enrollment(
            id=UUID(int=1),
            tenant_id=UUID(int=2),
            lead_id=UUID(int=3),
            person_id=UUID(int=4),
            sequence=sequence,
            version=1,
            state="active",
            anchor=anchor,
            lane=lane,
        )

    return make


@pytest.fixture(scope="session")
def monday() -> datetime:
    """Monday 2 November 2026, 11:00 in New York, the day after clocks went back."""
    return datetime(2026, 11, 2, 16, 0, tzinfo=UTC)
