"""Chaos is over when nothing moves any more, also of what had been put off for long."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chaos.draining import WORTH_WAITING, drain
from chaos.evidence import Lead, Told
from followup_policy.zones import Place


def lead(name: str) -> Lead:
    return Lead(name, "steady", "+12122000001", Place(country="US", state="NY"))


def told(state: str, *, due_in: timedelta = timedelta()) -> Told:
    """A lead with one touch."""
    due = (datetime.now(UTC) + due_in).isoformat()
    return Told([], [{"touches": [{"state": state, "due_at": due}]}], [])


class Cell:
    """A healed system: each of its leads, as it is told look by look."""

    def __init__(self, **looks: list[Told]) -> None:
        self._looks = looks

    async def told(self, lead_id: str) -> Told:
        looks = self._looks[lead_id]
        return looks.pop(0) if len(looks) > 1 else looks[0]

    async def left(self) -> Mapping[str, float]:
        return {"outbox": 0.0}

    async def counts(self) -> Mapping[str, Any]:
        return {"reporting": 0}


@pytest.mark.parametrize("meanwhile", ["commanded", "planned", "unknown"])
async def test_what_was_put_off_for_long_and_falls_due_at_the_end_is_waited_for(meanwhile):
    """Its last word is not the one of a moment in which it was about to go out."""
    later = told("planned", due_in=WORTH_WAITING * 2)
    cell = Cell(settled=[told("sent")], late=[later, told(meanwhile), told("sent")])
    leads = [lead("settled"), lead("late")]
    after = await drain(cell, leads, lambda _: None, look_every=0)
    assert after["late"].enrollments[0]["touches"][0]["state"] == "sent"


async def test_what_is_put_off_beyond_the_end_is_not_waited_for():
    """It has its reason recorded, and that is what is checked."""
    cell = Cell(late=[told("planned", due_in=WORTH_WAITING * 2)])
    after = await drain(cell, [lead("late")], lambda _: None, look_every=0)
    assert after["late"].enrollments[0]["touches"][0]["state"] == "planned"
