"""What intake's answers look like, for their description.

Routes answer with values as they have them; that these fit is what the tests of the
description try with every route. A field here is a promise to whoever reads it.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from followup_intake.sources import SourceConfig, SourceKind


class ContactShape(BaseModel):
    """An address of a person, in its normal form."""

    address: str
    state: str


class PersonShape(BaseModel):
    """A person. `merged_persons` are ids they were known by before."""

    id: UUID
    first_name: str | None
    last_name: str | None
    language: str | None
    audience: Literal["b2b", "b2c"]
    stated_zone: str | None
    country: str | None
    state: str | None
    postal_code: str | None
    city: str | None
    phones: list[ContactShape]
    emails: list[ContactShape]
    consent: dict[str, str]
    merged_persons: list[UUID]


class LeadShape(BaseModel):
    """A lead, with its person's id alone."""

    id: UUID
    person_id: UUID
    source: str
    asked: bool | None
    need: str | None
    value: str | None
    currency: str | None
    state: str
    external_id: str | None
    attributes: dict[str, Any]
    received_at: datetime


class WholeLeadShape(LeadShape):
    """A lead with its person."""

    person: PersonShape | None


class LeadPage(BaseModel):
    """Leads."""

    items: list[LeadShape]
    next: str | None


class EventTaken(BaseModel):
    """What was told of a lead and is kept."""

    lead_id: UUID
    kind: str


class ImportShape(BaseModel):
    """How far an import is, and what became of its rows so far."""

    import_id: UUID
    state: Literal["running", "done"]
    rows_done: int
    accepted: int
    merged: int
    refused: int
    created_at: datetime
    finished_at: datetime | None


class ImportPage(BaseModel):
    """Imports, newest first."""

    imports: list[ImportShape]
    next: UUID | None


class RefusedRow(BaseModel):
    """A row of which no lead was made."""

    row: int
    reason: str


class ImportDone(BaseModel):
    """What an import came to; `refusals` are the first of them."""

    import_id: UUID
    rows: int
    accepted: int
    merged: int
    refused: int
    reasons: dict[str, int]
    refusals: list[RefusedRow]


class KeyMade(BaseModel):
    """A key, shown this once."""

    id: UUID
    key: str


class KeyShape(BaseModel):
    """A key, without what opens."""

    id: UUID
    name: str
    scopes: list[str]
    per_minute: int | None
    replaced_by: UUID | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    expires_at: datetime | None


class KeyList(BaseModel):
    """Every key of a tenant."""

    keys: list[KeyShape]


class TenantShape(BaseModel):
    """A tenant with all its settings."""

    id: UUID
    slug: str
    name: str
    state: Literal["active", "suspended", "deleted"]
    settings: dict[str, Any]


class TenantPage(BaseModel):
    """Tenants in the order they were made."""

    tenants: list[TenantShape]
    next: UUID | None


class SourceShape(BaseModel):
    """A source, without its secrets and its address."""

    id: UUID
    kind: SourceKind
    name: str
    state: Literal["active", "stopped"]
    config: SourceConfig
    created_at: datetime


class SourceMade(SourceShape):
    """A source with its address, shown this once."""

    url: str


class SourceList(BaseModel):
    """Every source of a tenant."""

    sources: list[SourceShape]


class FetchShape(BaseModel):
    """A lead that has to be fetched, and how that stands."""

    id: UUID
    external_id: str
    state: str
    attempts: int
    error: str | None
    lead_id: UUID | None
    asked_at: datetime
    due_at: datetime


class SourceWithFetches(SourceShape):
    """A source with its latest fetches."""

    fetches: list[FetchShape]


class ErasureAsked(BaseModel):
    """An erasure, to be followed by its id."""

    erasure_id: UUID
    lead_id: UUID


class ErasureShape(BaseModel):
    """How an erasure stands; `counts` are rows by table."""

    erasure_id: UUID
    state: Literal["running", "done"]
    waiting: list[str]
    counts: dict[str, int]
    asked_at: datetime
    finished_at: datetime | None


class AuditShape(BaseModel):
    """An entry of the record: who did what, to whom, when."""

    id: UUID
    at: datetime
    actor: str
    key_id: UUID | None
    action: str
    subjects: list[UUID]
    detail: dict[str, Any]


class AuditPage(BaseModel):
    """Entries, newest first."""

    entries: list[AuditShape]
    next: UUID | None
