"""`lead.captured`: which sequence a lead enters, and whether it enters one at all."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from followup_contracts import Message
from followup_contracts.events import LeadCaptured
from followup_database import Transaction, new_id, together
from followup_messaging.outbox import Outbox
from followup_people import LeadView, views
from followup_scheduler.assigning import assign
from followup_scheduler.core.model import Converted, Happened
from followup_scheduler.core.routing import route
from followup_scheduler.enroller import Enroller, Entrance
from followup_scheduler.facts import Seen, around_of, houses_of, ids_of
from followup_scheduler.handlers.news import read_back
from followup_scheduler.store import enrollments, journal
from followup_scheduler.store.journal import Entry
from followup_scheduler.store.tasks import NewTask

Missed = tuple[Converted | Happened, ...]

_KEPT = frozenset({"appointment", "deal"})
"""Under these names a lead keeps what the product said of it, beside its state."""


class CapturedLeads:
    """Enrolls captured leads, in batches.

    A person who is being followed up already is not entered a second time: the lead's
    journal says so, and the run under way goes on. A booking or a sale that was heard of
    before its lead is told to the sequence on entering, so that either order comes to the
    same calendar.
    """

    def __init__(self, enroller: Enroller, outbox: Outbox) -> None:
        self._enroller = enroller
        self._outbox = outbox

    async def handle(self, tx: Transaction, messages: Sequence[Message]) -> None:
        """Enroll the leads of these messages."""
        captured = _distinct(messages)
        names = await ids_of(tx, {lead.person_id for _, lead in captured})
        everybody = {id_ for ids in names.values() for id_ in ids}
        await enrollments.lock_persons(tx, everybody)
        entering = {lead.lead_id for _, lead in captured}
        pairs = [(lead.lead_id, lead.person_id) for _, lead in captured]
        busy, people, around, houses = await together(
            tx,
            lambda t: enrollments.followed_up(t, everybody, entering=entering),
            lambda t: views(t, pairs),
            lambda t: around_of(t, everybody),
            lambda t: houses_of(t, {tenant_id for tenant_id, _ in captured}),
        )
        known = {lead_id: lead for lead_id, (_, lead) in people.items()}
        missed = await _missed(tx, known.values())
        entrances: list[Entrance] = []
        entries: list[Entry] = []
        for tenant_id, lead in captured:
            told = missed.get(lead.lead_id, ())
            why_not = _why_not(
                known.get(lead.lead_id), told, busy=bool(busy & names[lead.person_id])
            )
            if why_not is None:
                busy |= names[lead.person_id]
                entrances.append(replace(_entrance(tenant_id, lead, at=tx.now), missed=told))
            else:
                entries.append(_not_enrolled(tenant_id, lead, why_not, at=tx.now))
        if entries:
            await journal.insert(tx, entries)
        entered = None
        if entrances:
            entered = await self._enroller.enroll(tx, entrances, seen=Seen(people, around, houses))
        if entered is not None and entered.unknown:
            await self._ask_a_person(tx, entered.unknown)

    async def _ask_a_person(self, tx: Transaction, unknown: Sequence[Entrance]) -> None:
        """A lead whose sequence nobody knows is a person's to decide, not lost."""
        await assign(tx, self._outbox, [_task(entrance, at=tx.now) for entrance in unknown])


async def _missed(tx: Transaction, leads: Iterable[LeadView]) -> dict[UUID, Missed]:
    """Lead → what the product said of it before it could enter anything, in order.

    What was said and not heard yet by the scheduler is told when it is, as to everybody;
    until then its hold keeps the lead's touches back.
    """
    marked = {(lead.tenant_id, lead.id) for lead in leads if _bears_news(lead)}
    found: dict[UUID, Missed] = {}
    for line in await journal.before_entering(tx, marked) if marked else ():
        stimulus = read_back(line)
        if stimulus is not None:
            found[line.lead_id] = (*found.get(line.lead_id, ()), stimulus)
    return found


def _bears_news(lead: LeadView) -> bool:
    """Whether the product may have said something: whatever it says is kept with the lead."""
    return lead.state != "open" or not _KEPT.isdisjoint(lead.attributes)


def _distinct(messages: Sequence[Message]) -> list[tuple[UUID, LeadCaptured]]:
    """(tenant, lead) in the order they came in, each lead once."""
    found: dict[UUID, tuple[UUID, LeadCaptured]] = {}
    for message in messages:
        if not isinstance(message.data, LeadCaptured):
            raise TypeError(f"{message.type} is not for this handler")
        found.setdefault(message.data.lead_id, (message.tenant_id, message.data))
    return sorted(found.values(), key=lambda pair: (pair[1].received_at, pair[1].lead_id))


def _entrance(tenant_id: UUID, lead: LeadCaptured, *, at: datetime) -> Entrance:
    # Counted from now: a lead that reached us late, such as an imported one, has missed
    # nothing of its sequence.
    return Entrance(
        tenant_id=tenant_id,
        lead_id=lead.lead_id,
        person_id=lead.person_id,
        sequence=lead.sequence or route(lead.source, asked=lead.asked, audience=lead.audience),
        lane=lead.lane,
        anchor=at,
    )


def _why_not(lead: LeadView | None, missed: Missed, *, busy: bool) -> str | None:
    """Why a lead is not entered, or None.

    One that was won enters if its sequence is to be told so: it may be one for customers.
    """
    if lead is None:
        return "the lead is not known any more"
    is_told = lead.state == "converted" and any(isinstance(each, Converted) for each in missed)
    if lead.state != "open" and not is_told:
        return f"the lead is {lead.state}"
    return "this person is being followed up already" if busy else None


def _not_enrolled(tenant_id: UUID, lead: LeadCaptured, why: str, *, at: datetime) -> Entry:
    return Entry(tenant_id, lead.lead_id, lead.person_id, None, at, "not enrolled", {"reason": why})


def _task(entrance: Entrance, *, at: datetime) -> NewTask:
    return NewTask(
        id=new_id(),
        tenant_id=entrance.tenant_id,
        lead_id=entrance.lead_id,
        person_id=entrance.person_id,
        enrollment_id=None,
        kind="choose_sequence",
        reason=f"there is no sequence {entrance.sequence!r}",
        due_at=at,
        created_at=at,
    )
