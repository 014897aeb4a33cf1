"""Events of the product around: converted, appointments, deals, updated leads."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from followup_contracts import Message
from followup_contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCompleted,
    AppointmentRescheduled,
    DealStageChanged,
    LeadConverted,
    LeadUpdated,
)
from followup_database import Transaction
from followup_scheduler.consequences import tell
from followup_scheduler.core.format.reaction import ProductEvent
from followup_scheduler.core.model import Converted, FactsChanged, Happened
from followup_scheduler.facts import ids_of
from followup_scheduler.handlers.belonging import belongs
from followup_scheduler.runs import Run, RunStore
from followup_scheduler.store import enrollments, journal
from followup_scheduler.store.journal import Entry
from followup_suppression import remove_holds

Appointment = (
    AppointmentBooked | AppointmentRescheduled | AppointmentCancelled | AppointmentCompleted
)
Event = LeadConverted | Appointment | DealStageChanged | LeadUpdated


class ProductEvents:
    """Tells the sequences of a lead what the product says of it, and its journal too.

    The hold that came with an event goes in the transaction that decides on it.
    """

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs

    async def handle(self, tx: Transaction, messages: Sequence[Message]) -> None:
        """Apply these events in the order in which they happened."""
        events = sorted(
            ((message.tenant_id, event_of(message)) for message in messages),
            key=lambda pair: pair[1].at,
        )
        await _wait_for_enrolments(tx, [event for _, event in events])
        known = await enrollments.of_leads(
            tx, {(tenant_id, event.lead_id) for tenant_id, event in events}
        )
        updated = {e.person_id for _, e in events if isinstance(e, LeadUpdated)}
        names = await ids_of(tx, updated) if updated else {}
        everybody = {id_ for ids in names.values() for id_ in ids}
        live = await enrollments.live_of_persons(tx, everybody) if everybody else []
        ids = {enrollment_id for enrollment_id, _ in (*known, *live)}
        runs = await self._runs.load(tx, ids)
        by_lead: dict[tuple[UUID, UUID], list[Run]] = {}
        for run in runs.values():
            of = run.enrollment
            by_lead.setdefault((of.tenant_id, of.lead_id), []).append(run)
        await journal.insert(tx, [_entry(tx, tenant_id, event) for tenant_id, event in events])
        for tenant_id, event in events:
            stimulus = _stimulus(event)
            if stimulus is None:
                continue
            told = by_lead.get((tenant_id, event.lead_id), [])
            if isinstance(event, LeadUpdated):  # what is known of a person holds for all theirs
                of_person = names[event.person_id]
                told = [
                    run
                    for run in runs.values()
                    if run.enrollment.person_id in of_person and belongs(run, tenant_id)
                ]
            for run in told:
                tell(run, stimulus, now=tx.now)
        await self._runs.save(tx, runs.values())
        await _let_go(tx, messages)


async def _wait_for_enrolments(tx: Transaction, events: Sequence[Event]) -> None:
    """Let who is enrolling a person of these events commit first, and the others wait.

    A lead may be read as open by whoever enrolls it, sold, and only then be enrolled.
    """
    persons = {event.person_id for event in events if _stimulus(event) is not None}
    if persons:
        names = await ids_of(tx, persons)
        await enrollments.lock_persons(tx, {id_ for ids in names.values() for id_ in ids})


async def _let_go(tx: Transaction, messages: Sequence[Message]) -> None:
    """Remove the holds that came with these: they are decided on."""
    held = [
        (event.person_id, message.id)
        for message in messages
        if isinstance(event := event_of(message), LeadConverted | Appointment)
    ]
    if held:
        await remove_holds(tx, held)


def event_of(message: Message) -> Event:
    """The event in a message; anything else has no business in this queue."""
    if not isinstance(message.data, Event):
        raise TypeError(f"{message.type} is not for this handler")
    return message.data


_HAPPENED: Mapping[type[Event], ProductEvent] = {
    AppointmentBooked: "appointment.booked",
    AppointmentRescheduled: "appointment.rescheduled",
    AppointmentCancelled: "appointment.cancelled",
    AppointmentCompleted: "appointment.completed",
    DealStageChanged: "deal.stage_changed",
}


def _stimulus(event: Event) -> Converted | Happened | FactsChanged | None:
    match event:
        case LeadConverted():
            return Converted(event.kind, event.at)
        case LeadUpdated(changed=("repeated",)):
            return None  # one more enquiry changes nothing that a sequence counts from
        case LeadUpdated():
            return FactsChanged(event.at)
        case _:
            return Happened(_HAPPENED[type(event)], event.at)


def _entry(tx: Transaction, tenant_id: UUID, event: Event) -> Entry:
    what = event.type_name.removeprefix("followup.").rsplit(".", 1)[0].replace(".", " ")
    return Entry(
        tenant_id, event.lead_id, event.person_id, None, tx.now, what.replace("_", " "), _why(event)
    )


def _why(event: Event) -> dict[str, Any]:
    match event:
        case LeadConverted():
            return {"kind": event.kind}
        case DealStageChanged():
            return {"stage": event.stage}
        case LeadUpdated():
            return {"changed": list(event.changed)}
        case _:
            return {
                "appointment": event.appointment_id,
                "starts_at": event.starts_at.isoformat(),
            }
