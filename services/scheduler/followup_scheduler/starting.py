"""Leads that enter sequences by themselves, upon what the product says of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from followup_contracts.payload import Lane
from followup_database import Transaction
from followup_people import LeadView, leads_by_id
from followup_scheduler.book import SequenceBook
from followup_scheduler.core.format.reaction import ProductEvent
from followup_scheduler.core.format.start import Start, asked
from followup_scheduler.core.model import Converted, Happened
from followup_scheduler.enroller import Enroller, Entered, Entrance
from followup_scheduler.store import journal
from followup_scheduler.store.journal import Entry

FRESH = timedelta(hours=1)
"""Who did something within the hour may be waiting for the answer: that goes in lane `now`.
What is older comes of a backfill or of an outage, and goes ahead of nobody who is waiting."""
OLDEST = timedelta(days=7)
"""An event older than a week starts nothing: what would be said upon it comes too late, and a
history that is told once must not write to everybody in it."""

_WHY_NOT = {
    "running": "the lead is in it still",
    "never": "the lead has been in it",
    "too soon": "the lead has been in it lately",
}
_TOO_OLD = "it happened too long ago"
_WON_SINCE = "the lead has been won since"
_CALLED_OFF = "the appointment has been cancelled since"
_MADE = frozenset({"appointment.booked", "appointment.rescheduled"})


@dataclass(frozen=True, slots=True)
class Happening:
    """What the product said of a lead, of which stage or appointment, and what runs are told."""

    tenant_id: UUID
    lead_id: UUID
    told: Converted | Happened
    stage: str | None = None
    appointment: str | None = None

    @property
    def event(self) -> ProductEvent:
        """What documents call it."""
        return "lead.converted" if isinstance(self.told, Converted) else self.told.event


@dataclass(frozen=True, slots=True)
class _Way:
    """A sequence that an event opens to its lead."""

    by: Happening
    entrance: Entrance

    @property
    def place(self) -> tuple[UUID, str]:
        return self.entrance.lead_id, self.entrance.sequence


class Starter:
    """Enters leads into those sequences of their tenant that start by an event.

    Only what a tenant has published itself starts by anything: sequences of the library do
    not. Whoever has been in one enters again as its document allows. A run is told on
    entering what happened to its lead behind the event that started it.
    """

    def __init__(self, book: SequenceBook, enroller: Enroller) -> None:
        self._book = book
        self._enroller = enroller

    async def start(self, tx: Transaction, happened: Sequence[Happening]) -> None:
        """Enter the leads of these events, which are in the order in which they happened.

        Their persons are locked, and what else is decided on these events is saved.
        """
        tenants = {each.tenant_id for each in happened}
        starts = await self._book.starts(tx, tenants) if tenants else {}
        if not starts:
            return
        leads = await leads_by_id(tx, list({each.lead_id for each in happened}))
        ways = list(_ways(happened, starts, leads, now=tx.now))
        won = await _won(tx, ways, leads) if ways else {}
        open_: list[_Way] = []
        entries: list[Entry] = []
        for way in ways:
            why_not = _why_not(way, won, leads[way.by.lead_id], now=tx.now)
            if why_not is None:
                open_.append(way)
            else:
                entries.append(_not_entered(way.entrance, why_not, at=tx.now))
        entries += await self._enter(tx, open_)
        if entries:
            await journal.insert(tx, entries)

    async def _enter(self, tx: Transaction, ways: Sequence[_Way]) -> list[Entry]:
        """Enter by the first way to each sequence, and by the next where that one was none.

        A way is none if its conditions do not hold, or if what happened behind it has ended
        the run again: a table is booked, cancelled and booked once more.
        """
        entries: list[Entry] = []
        while ways:
            first: dict[tuple[UUID, str], _Way] = {}
            behind = [way for way in ways if first.setdefault(way.place, way) is not way]
            entered = await self._enroller.enroll(tx, [way.entrance for way in first.values()])
            entries += [
                _not_entered(each, _WHY_NOT[why.reason], at=tx.now)
                for each, why in entered.standing
            ]
            settled = _settled(entered)
            ways = [way for way in behind if way.place not in settled]
        return entries


def _settled(entered: Entered) -> set[tuple[UUID, str]]:
    """Lead and sequence where a run is under way now, or where none may be."""
    under_way = {
        (run.enrollment.lead_id, run.enrollment.sequence)
        for run in entered.runs
        if run.enrollment.end_reason is None
    }
    return under_way | {(each.lead_id, each.sequence) for each, _ in entered.standing}


def _ways(
    happened: Sequence[Happening],
    starts: Mapping[tuple[UUID, str], Sequence[Start]],
    leads: Mapping[UUID, LeadView],
    *,
    now: datetime,
) -> Iterator[_Way]:
    """The ways that these events open, in their order."""
    of_lead: dict[tuple[UUID, UUID], list[Happening]] = defaultdict(list)
    for each in happened:
        of_lead[each.tenant_id, each.lead_id].append(each)
    for (tenant_id, lead_id), several in of_lead.items():
        lead = leads.get(lead_id)
        if lead is None or lead.tenant_id != tenant_id:
            continue
        theirs = [(key, each) for (owner, key), each in starts.items() if owner == tenant_id]
        for number, by in enumerate(several, 1):
            for key, start in theirs:
                conditions = asked(start, by.event)
                if conditions is None:
                    continue
                entrance = Entrance(
                    tenant_id=tenant_id,
                    lead_id=lead_id,
                    person_id=lead.person_id,
                    sequence=key,
                    lane=_lane(by, now=now),
                    anchor=now,
                    missed=tuple(behind.told for behind in several[number:]),
                    started_by=by.event,
                    one_of=conditions,
                    stage=by.stage,
                )
                yield _Way(by, entrance)


def _lane(by: Happening, *, now: datetime) -> Lane:
    return "now" if now - by.told.at <= FRESH else "later"


async def _won(
    tx: Transaction, ways: Sequence[_Way], leads: Mapping[UUID, LeadView]
) -> dict[UUID, datetime]:
    """Lead → when it was won last, of those that are not open (again)."""
    closed = {
        (way.by.tenant_id, way.by.lead_id) for way in ways if leads[way.by.lead_id].state != "open"
    }
    return await journal.won(tx, closed) if closed else {}


def _why_not(
    way: _Way, won: Mapping[UUID, datetime], lead: LeadView, *, now: datetime
) -> str | None:
    """Why an event lets nobody in any more, or None.

    A sale that happened behind it and was heard of before it comes too late to be told to
    the run, and so does a cancellation; one that is heard of with it is told.
    """
    by = way.by
    if now - by.told.at > OLDEST:
        return _TOO_OLD
    if _is_called_off(way, lead):
        return _CALLED_OFF
    sale = won.get(by.lead_id)
    if sale is None or by.event == "lead.converted" or sale <= by.told.at:
        return None
    told = any(isinstance(each, Converted) for each in way.entrance.missed)
    return None if told else _WON_SINCE


def _is_called_off(way: _Way, lead: LeadView) -> bool:
    """Whether the appointment that was made is cancelled by now, and the run would not hear it."""
    known = lead.attributes.get("appointment")
    if way.by.event not in _MADE or not isinstance(known, Mapping):
        return False
    if (known.get("id"), known.get("state")) != (way.by.appointment, "cancelled"):
        return False
    return not any(
        isinstance(each, Happened) and each.event == "appointment.cancelled"
        for each in way.entrance.missed
    )


def _not_entered(entrance: Entrance, why: str, *, at: datetime) -> Entry:
    return Entry(
        entrance.tenant_id,
        entrance.lead_id,
        entrance.person_id,
        None,
        at,
        "not enrolled",
        {"sequence": entrance.sequence, "event": entrance.started_by, "reason": why},
    )
