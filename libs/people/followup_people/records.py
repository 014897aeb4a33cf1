"""What is known of people and their enquiries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from followup_contracts.channels import TRAITS, AddressKind, Channel

PointKind = AddressKind
PointState = Literal["usable", "possible", "wrong", "bounced"]
LeadState = Literal["open", "converted", "lost"]
Audience = Literal["b2b", "b2c"]
ConsentState = Literal["yes", "no", "unknown"]
ConsentChannel = Channel | Literal["any"]

Key = tuple[UUID, PointKind, str]
"""Tenant, kind and match key: what makes two contact points the same."""


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """An address of a person. `possible`: well-formed, but in no range known to be in use.

    `heard`: when they last wrote from it, by channel.
    """

    kind: PointKind
    address: str
    state: PointState
    created_at: datetime
    heard: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PersonView:
    """One human of a tenant.

    `place` has stated_zone, country, state, postal_code and city, each perhaps None.
    `points` holds no wrong or bounced ones; usable before possible, then newest first.
    `consent` has a state for each channel, `any` already applied. `former`: the ids of
    persons merged into this one, by which older work may still name it. `refused`: when they
    last said they were not interested, for each channel they have not agreed to since.
    """

    id: UUID
    tenant_id: UUID
    first_name: str | None
    last_name: str | None
    language: str | None
    audience: Audience
    place: Mapping[str, str | None]
    attributes: Mapping[str, Any]
    points: tuple[ContactPoint, ...]
    consent: Mapping[Channel, ConsentState]
    former: tuple[UUID, ...] = ()
    refused: Mapping[Channel, datetime] = field(default_factory=dict)

    @property
    def phones(self) -> tuple[ContactPoint, ...]:
        """Their numbers."""
        return self._of("phone")

    @property
    def emails(self) -> tuple[ContactPoint, ...]:
        """Their e-mail addresses."""
        return self._of("email")

    def reached_by(self, channel: Channel) -> tuple[ContactPoint, ...]:
        """Where a channel reaches them, the best first."""
        return self._of(TRAITS[channel].address)

    def _of(self, kind: PointKind) -> tuple[ContactPoint, ...]:
        return tuple(point for point in self.points if point.kind == kind)


@dataclass(frozen=True, slots=True)
class LeadView:
    """One enquiry of a person."""

    id: UUID
    tenant_id: UUID
    person_id: UUID
    source: str
    external_id: str | None
    asked: bool
    need: str | None
    value: Decimal | None
    currency: str | None
    attributes: Mapping[str, Any]
    received_at: datetime
    state: LeadState


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLead:
    """A lead to be saved, normalised.

    `person_id` is taken only if nobody known has one of its contact points.
    `email_match_key` is the address in the form that makes two of them the same.
    """

    tenant_id: UUID
    lead_id: UUID
    person_id: UUID
    source: str
    received_at: datetime
    asked: bool = True
    audience: Audience = "b2c"
    first_name: str | None = None
    last_name: str | None = None
    language: str | None = None
    phone_e164: str | None = None
    phone_state: Literal["usable", "possible"] = "usable"
    email: str | None = None
    email_match_key: str | None = None
    stated_zone: str | None = None
    country: str | None = None
    state: str | None = None
    postal_code: str | None = None
    city: str | None = None
    need: str | None = None
    value: Decimal | None = None
    currency: str | None = None
    external_id: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    consent: ConsentState = "unknown"
    consent_wording: str | None = None
    consent_method: str | None = None
    seller: str | None = None
    page: str | None = None
    ip: str | None = None
    user_agent: str | None = None

    def match_keys(self) -> tuple[Key, ...]:
        """What it can be recognised by; empty when it has no contact point."""
        phone: tuple[Key, ...] = ()
        email: tuple[Key, ...] = ()
        if self.phone_e164:
            phone = ((self.tenant_id, "phone", self.phone_e164),)
        if self.email:
            email = ((self.tenant_id, "email", self.email_match_key or self.email),)
        return phone + email


@dataclass(frozen=True, slots=True)
class SavedLead:
    """What became of a `NewLead`.

    `new_person`: nobody known, and the first of its batch. `merged`: one more enquiry
    of a person who had one. `duplicate_of_lead`: nothing was saved, the lead is there
    already (its `external_id` or `lead_id`). `absorbed`: persons found to be the same
    human and merged into `person_id` on the way.
    """

    lead_id: UUID
    person_id: UUID
    new_person: bool
    merged: bool
    duplicate_of_lead: UUID | None = None
    absorbed: tuple[UUID, ...] = ()
