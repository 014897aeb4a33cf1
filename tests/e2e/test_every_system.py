"""A1 to C3: every system of the library, as a calendar and as it runs, in one process.

The running product plays them all at once, for people in New York from a Friday morning
on; what a simulation of the same lead says is asked of the same process.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from followup_testkit.clocks import MovableClock
from followup_testkit.databases import PostgresForTests

pytestmark = pytest.mark.timeout(600)  # whichever comes first plays the whole season
NEW_YORK = ZoneInfo("America/New_York")
FRIDAY = datetime.fromisoformat("2026-03-06T10:00:00-05:00")
THURSDAY = "2026-03-12T18:00:00-04:00"
CURTAIN = FRIDAY + timedelta(days=130)
BOOKED = {"kind": "appointment.booked", "appointment_id": "v1", "starts_at": THURSDAY}
DONE = {
    "kind": "appointment.completed",
    "appointment_id": "v1",
    "starts_at": FRIDAY.isoformat(),
    "at": FRIDAY.isoformat(),
}

Calendar = list[tuple[int, str]]
"""Days after the Friday on New York's calendar, and channels."""


@dataclass(frozen=True)
class Case:
    """A lead for a sequence: what is known of it, what is reported at once, what it gets."""

    sequence: str
    expected: Calendar
    attributes: dict[str, str] = field(default_factory=dict)
    event: dict[str, str] | None = None
    known: dict[str, Any] = field(default_factory=dict)
    enters: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


APPOINTMENT = {"appointment": {"id": "v1", "starts_at": THURSDAY, "state": "booked"}}
CASES = {
    "A1": Case(
        "a1",
        [(0, "sms"), (2, "sms"), (4, "sms"), (7, "email"), (10, "sms"), (14, "sms")],
        {"offer_ends": "2026-03-30"},
        enters=("a2",),
    ),
    "A2": Case("a2", [(32, "email"), (61, "email"), (95, "email"), (123, "email")]),
    "A3": Case("a3", [(5, "sms"), (6, "sms")], event=BOOKED, known=APPOINTMENT),
    "A4": Case(
        "a4",
        [(0, "sms"), (18, "email"), (21, "sms")],
        event=DONE,
        known={
            "appointment": {
                "starts_at": FRIDAY.isoformat(),
                "completed_at": FRIDAY.isoformat(),
                "state": "completed",
            }
        },
    ),
    "A5": Case("a5", [(4, "email"), (32, "email"), (62, "email"), (95, "email"), (123, "email")]),
    "A6": Case("a6", [(14, "sms")], {"birthday": "1990-03-20"}),
    "A7": Case(
        "a7",
        [(0, "sms"), (5, "sms"), (6, "sms"), (7, "sms"), (20, "email")],
        event=BOOKED,
        known=APPOINTMENT,
    ),
    "A8": Case(
        "a8",
        [(0, "sms"), (5, "sms"), (7, "sms"), (27, "sms")],
        event=BOOKED,
        known=APPOINTMENT,
    ),
    "A9": Case(
        "a9",
        [(0, "sms"), (1, "sms"), (4, "email"), (8, "sms"), (15, "sms")],
        {"quote_sent_at": "2026-03-07T12:00:00-05:00", "quote_valid_until": "2026-03-20"},
        enters=("a2",),
        tasks=("write_quote",),
    ),
    "B1": Case(
        "b1",
        [(4, "email"), (6, "email"), (7, "voice"), (18, "email"), (25, "email"), (32, "email")],
        enters=("b2",),
    ),
    "B2": Case("b2", [(95, "email")]),
    "B3": Case(
        "b3",
        [(4, "email"), (11, "email"), (20, "email")],
        enters=("b2",),
        tasks=("handwritten_note", "personal_video", "call"),
    ),
    "C1": Case(
        "c1",
        [
            *((0, "voice"), (0, "sms"), (0, "email")),
            *((2, "sms"), (2, "email"), (4, "voice"), (4, "sms")),
            *((6, "sms"), (6, "email"), (8, "voice"), (8, "sms")),
        ],
    ),
}


@dataclass
class Season:
    """What was said on paper of each case, and what went out to its lead."""

    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: dict[str, list[Any]] = field(default_factory=dict)
    story: dict[str, list[Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def season(postgres_server: PostgresForTests, starting: Callable[..., Any]) -> Iterator[Season]:
    """All of it, played once."""
    with TemporaryDirectory(prefix="followup-", ignore_cleanup_errors=True) as folder:
        yield asyncio.run(_play(postgres_server, starting, Path(folder)))


async def _play(server: PostgresForTests, starting: Callable[..., Any], folder: Path) -> Season:
    url = await server.borrow()
    season = Season()
    async with starting(MovableClock(FRIDAY), database_url=url, folder=folder) as followup:
        leads = {}
        for row, case in CASES.items():
            lead = await followup.lead(sequence=case.sequence, attributes=case.attributes)
            leads[row] = lead
            if case.event is not None:
                await followup.ask("POST", f"/v1/leads/{lead.id}/events", json=case.event)
            known = {"attributes": {**case.attributes, **case.known}, "source": "facebook_lead_ad"}
            season.told[row] = await followup.simulate(
                case.sequence, start=FRIDAY.isoformat(), lead=known | {"postal_code": "10001"}
            )
        await followup.play(until=CURTAIN)
        for row, lead in leads.items():
            own = await _own_touches(followup, lead, CASES[row].sequence)
            season.story[row] = [(i["what"], i["why"]) for i in await followup.timeline(lead)]
            season.sent[row] = [e for e in followup.sent(lead) if e.touch_id in own]
    await server.give_back(url)
    return season


async def _own_touches(followup: Any, lead: Any, sequence: str) -> set[UUID]:
    """The touches of the lead's run of this sequence, not of what followed it."""
    ids = {i["enrollment_id"] for i in await followup.timeline(lead) if i["enrollment_id"]}
    runs = [await followup.ask("GET", f"/v1/enrollments/{each}") for each in sorted(ids)]
    return {UUID(t["id"]) for run in runs if run["sequence"] == sequence for t in run["touches"]}


def _calendar(moments: list[tuple[datetime, str]]) -> Calendar:
    first = FRIDAY.date()
    local = [(at.astimezone(NEW_YORK), channel) for at, channel in moments if at < CURTAIN]
    return sorted(((at.date() - first).days, channel) for at, channel in local)


def _row(row: str, via: str) -> Any:
    return pytest.param(row, marks=pytest.mark.mission(row, via=via), id=row)


@pytest.mark.parametrize("row", [_row(row, "simulation") for row in CASES])
def test_the_calendar_is_the_systems_own(season: Season, row: str) -> None:
    """Days and channels of the guides, what follows, and what is left to people."""
    told, case = season.told[row], CASES[row]
    touches = [(datetime.fromisoformat(t["due_at"]), t["channel"]) for t in told["touches"]]
    assert _calendar(touches) == sorted(case.expected)
    assert tuple(told["enters"]) == case.enters
    assert tuple(task["kind"] for task in told["tasks"]) == case.tasks


@pytest.mark.parametrize("row", [_row(row, "running") for row in CASES])
def test_what_goes_out_is_the_calendar(season: Season, row: str) -> None:
    """The same days and channels, in the running product, and every text its own."""
    sent = season.sent[row]
    found = _calendar([(entry.at, entry.channel) for entry in sent])
    assert found == sorted(CASES[row].expected), season.story[row]
    texts = [entry.text for entry in sent]
    assert len(set(texts)) == len(texts)
