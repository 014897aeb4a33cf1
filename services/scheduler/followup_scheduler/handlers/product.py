"""Events of the product around: converted, appointments, deals, updated leads."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from followup_contracts import Message
from followup_contracts.events import DealStageChanged, LeadConverted, LeadUpdated
from followup_database import Transaction
from followup_scheduler.consequences import tell
from followup_scheduler.core.model import Converted, Happened
from followup_scheduler.facts import ids_of
from followup_scheduler.handlers.belonging import belongs
from followup_scheduler.handlers.news import (
    Appointment,
    Event,
    event_of,
    line_of,
    stimulus_of,
)
from followup_scheduler.runs import Run, RunStore
from followup_scheduler.starting import Happening, Starter
from followup_scheduler.store import enrollments, journal
from followup_scheduler.undecided import let_go


class ProductEvents:
    """Tells the sequences of a lead what the product says of it, and its journal too.

    Then the lead enters those that start by it. The hold that came with an event goes in the
    transaction that decides on it.
    """

    def __init__(self, runs: RunStore, starter: Starter) -> None:
        self._runs = runs
        self._starter = starter

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
        await journal.insert(
            tx, [line_of(event, tenant_id=tenant_id, at=tx.now) for tenant_id, event in events]
        )
        for tenant_id, event in events:
            stimulus = stimulus_of(event)
            if stimulus is not None:
                for run in _concerned(runs.values(), tenant_id, event, names):
                    tell(run, stimulus, now=tx.now)
        await self._runs.save(tx, runs.values())
        await self._starter.start(tx, _happenings(events))
        if held := _holds_of(messages):
            await let_go(tx, self._runs.outbox, held)


def _concerned(
    runs: Iterable[Run], tenant_id: UUID, event: Event, names: Mapping[UUID, frozenset[UUID]]
) -> list[Run]:
    """The runs that are told of an event: the lead's; of changed facts all of its person's."""
    if isinstance(event, LeadUpdated):  # what is known of a person holds for all theirs
        of_person = names[event.person_id]
        return [
            run for run in runs if run.enrollment.person_id in of_person and belongs(run, tenant_id)
        ]
    place = tenant_id, event.lead_id
    return [run for run in runs if (run.enrollment.tenant_id, run.enrollment.lead_id) == place]


def _happenings(events: Sequence[tuple[UUID, Event]]) -> list[Happening]:
    """What of these sequences may start by."""
    return [
        Happening(
            tenant_id, event.lead_id, told, stage=_stage(event), appointment=_appointment(event)
        )
        for tenant_id, event in events
        if isinstance(told := stimulus_of(event), Converted | Happened)
    ]


def _stage(event: Event) -> str | None:
    return event.stage if isinstance(event, DealStageChanged) else None


def _appointment(event: Event) -> str | None:
    return event.appointment_id if isinstance(event, Appointment) else None


async def _wait_for_enrolments(tx: Transaction, events: Sequence[Event]) -> None:
    """Let who is enrolling a person of these events commit first, and the others wait.

    A lead may be read as open by whoever enrolls it, sold, and only then be enrolled.
    """
    persons = {event.person_id for event in events if stimulus_of(event) is not None}
    if persons:
        names = await ids_of(tx, persons)
        await enrollments.lock_persons(tx, {id_ for ids in names.values() for id_ in ids})


def _holds_of(messages: Sequence[Message]) -> list[tuple[UUID, UUID]]:
    """The holds that came with these: they are decided on."""
    return [
        (event.person_id, message.id)
        for message in messages
        if isinstance(event := event_of(message), LeadConverted | Appointment)
    ]
