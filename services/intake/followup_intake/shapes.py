"""What intake's answers look like, for their description.

Routes answer with values as they have them; that these fit is what the tests of the
description try with every route. A field here is a promise to whoever reads it.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from followup_directory.lead_rules import AttributeRule
from followup_intake.core.lead import Verdict
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


class ColumnShape(BaseModel):
    """A column of a file: the field it is read as, or the attribute it is kept under."""

    heading: str
    field: str | None
    attribute: str | None


class RowShape(BaseModel):
    """What would become of a row; `duplicate_of` is an earlier one of the same person."""

    row: int
    verdict: Verdict
    reason: str
    first_name: str | None
    last_name: str | None
    phone_e164: str | None
    email_normalized: str | None
    source: str | None
    country: str | None
    state: str | None
    postal_code: str | None
    zones: list[str]
    consent: str | None
    duplicate_of: int | None
    other_reasons: list[str]


class PreviewedFile(BaseModel):
    """How a file is read. `rows` are the first; verdicts and reasons count `counted` of them."""

    encoding: str
    delimiter: str
    columns: list[ColumnShape]
    rows: list[RowShape]
    counted: int
    verdicts: dict[str, int]
    reasons: dict[str, int]


class TenantDeleted(BaseModel):
    """A tenant that is no more; its rows are deleted by and by."""

    id: UUID
    state: Literal["deleted"]


class Turn(BaseModel):
    """What a value was and has become."""

    before: Any = Field(alias="from")
    after: Any = Field(alias="to")


class ChangeShape(BaseModel):
    """What was changed by hand at one time, by field."""

    at: datetime
    lead_id: UUID | None
    key_id: UUID | None
    changes: dict[str, Turn]


class MergeShape(BaseModel):
    """What was put together in a person: a lead of somebody known, or two who were one."""

    at: datetime
    lead_id: UUID | None
    absorbed_person_id: UUID | None
    matched: list[str]
    why: str
    undone_at: datetime | None


class HistoryShape(BaseModel):
    """Changes and merges of a lead's person, newest first."""

    changes: list[ChangeShape]
    merges: list[MergeShape]


class RoutingRuleShape(BaseModel):
    """Leads that fit everything named enter `sequence`; what is empty is not asked."""

    sequence: str
    name: str
    sources: list[str]
    countries: list[str]
    states: list[str]
    audiences: list[str]
    consents: list[str]
    need_words: list[str]
    value_from: str | None
    attributes: dict[str, str]


class RoutingShape(BaseModel):
    """Rules in order: the first that fits decides."""

    rules: list[RoutingRuleShape]


class RuleLooked(BaseModel):
    """Whether a rule fits a lead, and why."""

    rule: str
    fits: bool
    why: str


class RoutedShape(BaseModel):
    """Which sequence a lead would get, why, and the rules that were looked at."""

    sequence: str | None
    why: str | None
    rules: list[RuleLooked]


class AttributesShape(BaseModel):
    """Attributes by name. `strict`: others do not fit."""

    attributes: dict[str, AttributeRule]
    strict: bool


class FetchesQueued(BaseModel):
    """How many leads are to be fetched that were not known."""

    queued: int


class SubmissionTaken(BaseModel):
    """Whether a lead was made of what a vendor sent, and why."""

    accepted: bool
    reason: str | None


class FormTaken(BaseModel):
    """Whether somebody can be reached by what a form said."""

    accepted: bool


class FetchRetried(BaseModel):
    """A fetch that is tried again."""

    id: UUID
    state: Literal["open"]


class ConsentRecord(BaseModel):
    """What was said of being contacted, with what proves it; never changed."""

    id: UUID
    person_id: UUID
    lead_id: UUID | None
    channel: str
    state: str
    purpose: str
    seller: str | None
    addresses: list[str]
    wording: str | None
    wording_sha256: str | None
    method: str | None
    source: str | None
    page: str | None
    ip: str | None
    user_agent: str | None
    jurisdiction: str | None
    at: datetime
    confirmed_at: datetime | None
    recorded_at: datetime


class ConsentShape(BaseModel):
    """What holds for each channel, and the records it follows from, oldest first."""

    lead_id: UUID
    person_id: UUID
    at: datetime
    consent: dict[str, str]
    refused: dict[str, datetime]
    records: list[ConsentRecord]
    sha256: str


class ConfirmationLink(BaseModel):
    """A link by which its reader confirms a consent."""

    url: str
    expires_at: datetime


class EventShape(BaseModel):
    """An event with its number in its tenant's log, and the records it names."""

    id: UUID
    type: str
    timestamp: datetime
    sequence: int | None
    data: dict[str, Any]


class EventPage(BaseModel):
    """Events in the order of their numbers."""

    items: list[EventShape]
    next: str | None
