"""What intake reads and answers over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from followup_contracts.ingress import LeadEventKind, LeadEventSubmitted
from followup_contracts.payload import Moment
from followup_policy.zonenames import ZoneName

Text = Annotated[str, Field(max_length=1_000)]


_APART = frozenset({"consent_page", "audience", "sequence", "zone"})


class LeadIn(BaseModel):
    """One lead. At least a usable phone or e-mail is needed to reach anybody."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    phone: Text | None = None
    email: Text | None = None
    source: Text | None = None
    need: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None
    zone: ZoneName | None = Field(default=None, description="IANA zone the person stated")
    consent: bool | Literal["yes", "no", "unknown"] | None = None
    consent_text: Annotated[str, Field(max_length=10_000)] | None = None
    consent_page: Text | None = None
    value: float | Text | None = None
    currency: Annotated[str, Field(max_length=3)] | None = None
    company: Text | None = None
    notes: Annotated[str, Field(max_length=10_000)] | None = None
    audience: Literal["b2b", "b2c"] | None = None
    received_at: datetime | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    sequence: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] | None = None
    attributes: Annotated[dict[str, Text | int | float | bool], Field(max_length=100)] = Field(
        default_factory=dict
    )

    def fields(self) -> dict[str, Any]:
        """What the normaliser reads."""
        return {
            name: value
            for name, value in self.__dict__.items()
            if value is not None and name not in _APART
        }


class LeadOut(BaseModel):
    """What became of a lead. `merged`: the person was known; `repeated`: the lead was too."""

    lead_id: UUID
    person_id: UUID
    verdict: Literal["accept", "accept_with_warning"]
    reason: str
    other_reasons: tuple[str, ...] = ()
    merged: bool
    repeated: bool


class LeadEventIn(BaseModel):
    """Something the product around knows about a lead."""

    model_config = ConfigDict(extra="forbid")

    kind: LeadEventKind
    appointment_id: Text | None = None
    starts_at: Moment | None = None
    stage: Text | None = None
    at: Moment | None = None

    def submitted(self, lead_id: UUID) -> LeadEventSubmitted:
        """The same as it would come over the bus."""
        return LeadEventSubmitted(lead_id=lead_id, **self.model_dump())
