"""Raw messages from other services to intake. These may carry personal data."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from followup_contracts.payload import Lane, Moment, Payload

LeadEventKind = Literal[
    "lead.converted",
    "lead.updated",
    "appointment.booked",
    "appointment.rescheduled",
    "appointment.cancelled",
    "appointment.completed",
    "deal.stage_changed",
]


class LeadSubmitted(Payload):
    """A lead as another service knows it; `fields` as in `POST /v1/leads`.

    It is its publisher's until intake has committed it. The envelope's id is the
    idempotency key.
    """

    type_name: ClassVar[str] = "followup.lead.submitted.v1"

    fields: dict[str, Any]
    lane: Lane = "now"


class LeadEventSubmitted(Payload):
    """Something the product around knows about a lead, named by our id or by its own."""

    type_name: ClassVar[str] = "followup.lead.event_submitted.v1"

    kind: LeadEventKind
    lead_id: UUID | None = None
    external_id: str | None = None
    appointment_id: str | None = None
    starts_at: Moment | None = None
    stage: str | None = None
    at: Moment | None = None
