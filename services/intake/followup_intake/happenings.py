"""What the product around knows of a lead: bookings, sales, stages. Checked, kept, announced."""

from typing import Any
from uuid import UUID

from followup_contracts import events
from followup_contracts.ingress import LeadEventKind, LeadEventSubmitted
from followup_contracts.payload import Payload
from followup_database import Transaction
from followup_messaging.outbox import Outbox
from followup_people import (
    leads_by_external_id,
    leads_by_id,
    set_appointment,
    set_deal,
    set_lead_state,
)
from followup_suppression import place_hold

APPOINTMENTS: dict[LeadEventKind, tuple[type[events._Appointment], str]] = {
    "appointment.booked": (events.AppointmentBooked, "booked"),
    "appointment.rescheduled": (events.AppointmentRescheduled, "booked"),
    "appointment.cancelled": (events.AppointmentCancelled, "cancelled"),
    "appointment.completed": (events.AppointmentCompleted, "completed"),
}

FORBIDDING: frozenset[LeadEventKind] = frozenset({"lead.converted", *APPOINTMENTS})
"""Upon these something planned may not go out any more: whoever answers for one answers
only after `StopFence.settle`."""


class UnknownLead(LookupError):
    """There is no such lead of this tenant."""


class IncompleteEvent(ValueError):
    """A field this kind of event needs is missing; `field` names it."""

    def __init__(self, field: str, kind: str) -> None:
        super().__init__(f"{kind} needs {field}")
        self.field = field


class Happenings:
    """Takes product events in, in the caller's transaction."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def take(self, tx: Transaction, tenant_id: UUID, event: LeadEventSubmitted) -> UUID:
        """Keep and announce it; returns the lead's id.

        One of `FORBIDDING` holds its person until the scheduler has decided on it. Raises
        `UnknownLead` or `IncompleteEvent`, and then nothing is done.
        """
        lead_id, person_id = await _lead(tx, tenant_id, event)
        ids = {"lead_id": lead_id, "person_id": person_id, "at": event.at or tx.now}
        payload = await _apply(tx, event, tenant_id=tenant_id, ids=ids)
        message = self._outbox.message(payload, tenant_id=tenant_id, subject=lead_id, time=tx.now)
        await self._outbox.add(tx, [message])
        if event.kind in FORBIDDING:
            await place_hold(tx, tenant_id, person_id, message.id)
        return lead_id


async def _lead(tx: Transaction, tenant_id: UUID, event: LeadEventSubmitted) -> tuple[UUID, UUID]:
    if event.lead_id is not None:
        lead = (await leads_by_id(tx, [event.lead_id])).get(event.lead_id)
    elif event.external_id is not None:
        known = await leads_by_external_id(tx, tenant_id, [event.external_id])
        lead = known.get(event.external_id)
    else:
        raise IncompleteEvent("lead_id", event.kind)
    if lead is None or lead.tenant_id != tenant_id:
        raise UnknownLead(str(event.lead_id or event.external_id))
    return lead.id, lead.person_id


async def _apply(
    tx: Transaction, event: LeadEventSubmitted, *, tenant_id: UUID, ids: dict[str, Any]
) -> Payload:
    match event.kind:
        case "lead.converted":
            await set_lead_state(tx, tenant_id, ids["lead_id"], "converted")
            return events.LeadConverted(**ids)
        case "lead.updated":
            return events.LeadUpdated(**ids, changed=("external",))
        case "deal.stage_changed":
            if event.stage is None:
                raise IncompleteEvent("stage", event.kind)
            await set_deal(tx, tenant_id, ids["lead_id"], {"stage": event.stage})
            return events.DealStageChanged(**ids, stage=event.stage)
        case kind:
            return await _appointment(tx, event, kind=kind, tenant_id=tenant_id, ids=ids)


async def _appointment(
    tx: Transaction,
    event: LeadEventSubmitted,
    *,
    kind: LeadEventKind,
    tenant_id: UUID,
    ids: dict[str, Any],
) -> Payload:
    if event.appointment_id is None:
        raise IncompleteEvent("appointment_id", kind)
    if event.starts_at is None:
        raise IncompleteEvent("starts_at", kind)
    cls, state = APPOINTMENTS[kind]
    appointment = {
        "id": event.appointment_id,
        "starts_at": event.starts_at.isoformat(),
        "state": state,
        f"{state}_at": ids["at"].isoformat(),
    }
    await set_appointment(tx, tenant_id, ids["lead_id"], appointment)
    return cls(**ids, appointment_id=event.appointment_id, starts_at=event.starts_at)
