"""Leads and events as messages for `followup.ingress`. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from followup_client.errors import TooLarge
from followup_client.leads import LeadEvent, NewLead
from followup_contracts import Message, encode
from followup_contracts.envelope import MAX_BYTES
from followup_contracts.ingress import LeadEventSubmitted, LeadSubmitted
from followup_contracts.payload import Lane, Payload


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose messages these are: a tenant, and a name for the publishing service."""

    tenant_id: UUID
    source: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to go, as often as needed: its id makes it count once.

    `external_id` is the one a lead is known by once intake has committed it, its own or one
    made of the id; None for an event.
    """

    id: UUID
    routing_key: str
    body: bytes
    external_id: str | None = None


def lead_letter(
    lead: NewLead, *, sender: Sender, letter_id: UUID, now: datetime, lane: Lane = "now"
) -> Letter:
    """A lead for intake; raises `TooLarge`."""
    fields = lead.model_dump(mode="json", exclude_none=True)
    name = lead.external_id or f"message:{letter_id}"
    data = LeadSubmitted(fields=fields, lane=lane)
    return _letter(data, sender, letter_id=letter_id, now=now, subject=name, external_id=name)


def event_letter(
    external_id: str, event: LeadEvent, *, sender: Sender, letter_id: UUID, now: datetime
) -> Letter:
    """Something that happened to the lead of this `external_id`; raises `TooLarge`."""
    data = LeadEventSubmitted(external_id=external_id, **event.model_dump())
    return _letter(data, sender, letter_id=letter_id, now=now, subject=external_id)


def _letter(
    data: Payload,
    sender: Sender,
    *,
    letter_id: UUID,
    now: datetime,
    subject: str,
    external_id: str | None = None,
) -> Letter:
    message = Message(letter_id, sender.tenant_id, sender.source, subject, now, data)
    body = encode(message)
    if len(body) > MAX_BYTES:
        raise TooLarge(f"the message has {len(body)} bytes, the limit is {MAX_BYTES}")
    return Letter(letter_id, message.routing_key, body, external_id)
