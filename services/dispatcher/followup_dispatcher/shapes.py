"""What the dispatcher's answers look like, for their description.

Routes answer with values as they have them; that these fit is what the tests of the
description try with every route. A field here is a promise to whoever reads it.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from followup_contracts.payload import Channel
from followup_dispatcher.ledger import AttemptState
from followup_policy.house import HouseCap, Subject


class AttemptLine(BaseModel):
    """One call to a provider for a touch, and what came of it."""

    id: UUID
    touch_id: UUID
    number: int
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID
    channel: Channel
    state: AttemptState
    account_id: UUID
    provider: str
    provider_ref: str | None
    code: str | None
    reason: str | None
    claimed_at: datetime
    claimed_on: datetime
    answered_on: datetime | None
    asked: int


class AttemptShape(AttemptLine):
    """The same with what was said to whom, and its trace."""

    tenant_id: UUID
    lane: str
    round: int
    epoch: int
    step: str
    contact_round: str
    sender: str
    recipient: str | None
    subject: str | None
    body: str | None
    template: str
    segments: int
    settled_by: str | None
    trace: list[dict[str, Any]]
    started_on: datetime | None
    ask_on: datetime | None


class TouchShape(BaseModel):
    """Every attempt of a touch, oldest first."""

    touch_id: UUID
    attempts: list[AttemptShape]


class AttemptPage(BaseModel):
    """Attempts by touch."""

    items: list[AttemptLine]
    next: UUID | None


class AttemptSettled(BaseModel):
    """What an attempt has become by a person's word."""

    attempt_id: UUID
    state: AttemptState


class AccountShape(BaseModel):
    """An account, without its secrets.

    `health`: `ok`, `open` while it is not called because it does not answer, else why it
    cannot be used; `health_reason`: the same as its provider put it.
    """

    id: UUID
    channel: Channel
    provider: str
    name: str
    state: Literal["active", "stopped"]
    reason: str | None
    settings: dict[str, Any]
    priority: int
    health: str
    health_reason: str | None


class AccountList(BaseModel):
    """Every account of a tenant."""

    items: list[AccountShape]


class SandboxEntry(BaseModel):
    """What would have gone out."""

    id: UUID
    touch_id: UUID
    attempt_id: UUID
    account_id: UUID
    person_id: UUID
    channel: Channel
    recipient: str | None
    sender: str
    subject: str | None
    text: str | None
    html: str | None
    voicemail: str | None
    at: datetime


class SandboxPage(BaseModel):
    """What the sandbox has recorded, oldest first."""

    items: list[SandboxEntry]
    next: UUID | None


class VerdictShape(BaseModel):
    """Whether a touch would go out now, and by which rule it would not."""

    result: Literal["go", "wait", "never"]
    rule: str | None
    reason: str
    not_before: datetime | None


class PreviewShape(BaseModel):
    """A touch as it would go out. `segments` and `alphabet` are those of texts."""

    to: str
    sender: str
    account: str
    sandbox: bool
    subject: str | None
    text: str
    html: str | None
    voicemail: str | None
    template: str | None
    headers: dict[str, str]
    segments: int | None
    alphabet: Literal["GSM-7", "UCS-2"] | None
    verdict: VerdictShape


class ExemptionShape(BaseModel):
    """A law that does not bind some channels, on whose word and until when."""

    id: UUID
    tenant_id: UUID
    jurisdiction: str
    what: Subject
    channels: list[Channel]
    reason: str
    granted_by: str
    granted_at: datetime
    ends_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


class EmergencyStopShape(BaseModel):
    """A jurisdiction in which nobody is contacted; `everybody`: the operator's, for all."""

    id: UUID
    tenant_id: UUID
    jurisdiction: str
    reason: str
    declared_by: str
    declared_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None
    everybody: bool


class HoursShape(BaseModel):
    """Hours of a tenant's own, as `HH:MM-HH:MM`; a day that is left out has none."""

    channels: list[Channel]
    mon_fri: list[str] | None = None
    sat: list[str] | None = None
    sun: list[str] | None = None
    holiday: list[str] | None = None
    holidays: dict[str, Any] | None = None


class HouseShape(BaseModel):
    """The rules a tenant has given itself, as it wrote them."""

    hours: list[HoursShape] = Field(default_factory=list)
    caps: list[HouseCap] = Field(default_factory=list)


class RulesShape(BaseModel):
    """What binds a tenant's contacts beside the law, past exemptions and stops included."""

    rules: HouseShape
    exemptions: list[ExemptionShape]
    emergency_stops: list[EmergencyStopShape]
