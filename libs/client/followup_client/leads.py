"""Calls about leads: post, look, change, forget; what happened to them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from pydantic import AwareDatetime, Field

from followup_client.call import (
    JSON,
    Answer,
    Call,
    Given,
    Id,
    Page,
    Seen,
    asked,
    at,
    json_body,
    model,
)
from followup_client.errors import Unreadable
from followup_contracts.ingress import LeadEventKind

MOST_NAMED = 100
"""External ids that `named` takes at once."""
_EXPORT_SECONDS = 30.0
_IMPORT_SECONDS = 900.0
_ACCEPTED = 202


class NewLead(Given):
    """A lead. At least a usable phone or e-mail is needed to reach anybody.

    `external_id` is your own name for it: with one it can be sent as often as you like.
    """

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    email: str | None = None
    source: str | None = None
    need: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    zone: str | None = None
    consent: bool | Literal["yes", "no", "unknown"] | None = None
    consent_text: str | None = None
    consent_page: str | None = None
    value: float | str | None = None
    currency: str | None = None
    company: str | None = None
    notes: str | None = None
    audience: Literal["b2b", "b2c"] | None = None
    received_at: AwareDatetime | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    sequence: str | None = None
    attributes: Mapping[str, str | int | float | bool] = Field(default_factory=dict)


class Taken(Seen):
    """What became of a lead. `merged`: the person was known; `repeated`: the lead was too."""

    lead_id: UUID
    person_id: UUID
    verdict: str
    reason: str
    other_reasons: tuple[str, ...] = ()
    merged: bool
    repeated: bool


class ContactPoint(Seen):
    """A number in E.164 or an e-mail address, and whether it is of use."""

    address: str
    state: str


class Person(Seen):
    """One human of a tenant. `consent` has a state for each channel."""

    id: UUID
    first_name: str | None = None
    last_name: str | None = None
    language: str | None = None
    audience: str
    stated_zone: str | None = None
    country: str | None = None
    state: str | None = None
    postal_code: str | None = None
    city: str | None = None
    phones: tuple[ContactPoint, ...] = ()
    emails: tuple[ContactPoint, ...] = ()
    consent: dict[str, str] = Field(default_factory=dict)
    merged_persons: tuple[UUID, ...] = ()


class Lead(Seen):
    """One enquiry, with its person."""

    id: UUID
    person_id: UUID
    source: str
    asked: bool
    need: str | None = None
    value: str | None = None
    currency: str | None = None
    state: str
    external_id: str | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)
    received_at: datetime
    person: Person | None = None


class PersonChanges(Given):
    """What is to be otherwise about a person; `phone` and `email` are added."""

    first_name: str | None = None
    last_name: str | None = None
    language: str | None = None
    stated_zone: str | None = None
    country: str | None = None
    state: str | None = None
    postal_code: str | None = None
    city: str | None = None
    audience: Literal["b2b", "b2c"] = "b2c"
    birthday: date | None = None
    phone: str | None = None
    email: str | None = None


class LeadChanges(Given):
    """What is to be otherwise; what is not named stays, None empties."""

    need: str | None = None
    value: float | None = None
    currency: str | None = None
    state: Literal["open", "lost"] | None = None
    attributes: Mapping[str, str | int | float | bool | None] = Field(default_factory=dict)
    person: PersonChanges | None = None


class LeadEvent(Given):
    """Something the product knows about a lead."""

    kind: LeadEventKind
    appointment_id: str | None = None
    starts_at: AwareDatetime | None = None
    stage: str | None = None
    at: AwareDatetime | None = None


class Kept(Seen):
    """An event that is kept."""

    lead_id: UUID
    kind: LeadEventKind


class ErasureBegun(Seen):
    """Somebody is being forgotten; `erasure` tells how far."""

    erasure_id: UUID
    lead_id: UUID


class Erasure(Seen):
    """How an erasure stands; `waiting` names the services that have not done their part."""

    erasure_id: UUID
    state: Literal["running", "done"]
    waiting: tuple[str, ...]
    counts: dict[str, int]
    asked_at: datetime
    finished_at: datetime | None


class Exported(Seen):
    """Everything kept about a person, by service."""

    parts: dict[str, Any]


class ExportUnderWay(Seen):
    """Services are still handing in their parts: ask again with `exported`."""

    export_id: UUID


class ImportReport(Seen):
    """What became of a file. `refusals` has the first refused rows, `reasons` the counts."""

    import_id: UUID
    rows: int
    accepted: int
    merged: int
    refused: int
    reasons: dict[str, int]
    refusals: tuple[dict[str, Any], ...] = ()


def post(lead: NewLead, *, key: str | None = None) -> Call[Taken]:
    """Take one lead.

    The call has an `Idempotency-Key` of its own, or `key`, and keeps it however often it
    is sent.
    """
    headers = {**JSON, "Idempotency-Key": key or str(uuid4())}
    return Call(
        "intake", "POST", at("leads"), model(Taken), headers=headers, body=written(lead), again=True
    )


def written(lead: NewLead) -> bytes:
    """A lead as JSON, without what is not known."""
    return lead.model_dump_json(exclude_none=True).encode()


def get(lead_id: Id) -> Call[Lead]:
    """One lead, with its person."""
    return Call("intake", "GET", at("leads", lead_id), model(Lead))


def named(external_ids: Sequence[str]) -> Call[Page[Lead]]:
    """The leads among these (up to 100) that intake has committed, without their persons.

    That is how a publisher learns that a lead is Followup's now.
    """
    if not 0 < len(external_ids) <= MOST_NAMED:
        raise ValueError(f"1 to {MOST_NAMED} external ids are asked for at once")
    params = {"external_id": list(external_ids)}
    return Call("intake", "GET", at("leads"), model(Page[Lead]), params=params)


def change(lead_id: Id, changes: LeadChanges) -> Call[Lead]:
    """Change a lead and its person."""
    path = at("leads", lead_id)
    body = json_body(changes)
    return Call("intake", "PATCH", path, model(Lead), headers=JSON, body=body, again=True)


def tell(lead_id: Id, event: LeadEvent) -> Call[Kept]:
    """Tell of a booking, a sale or a change of stage.

    Not tried again once it may have been kept: sequences would hear of it twice.
    """
    path = at("leads", lead_id, "events")
    return Call("intake", "POST", path, model(Kept), headers=JSON, body=json_body(event))


def erase(lead_id: Id, *, suppress: bool = True) -> Call[ErasureBegun]:
    """Forget the person of this lead; answered once nothing can go to them any more."""
    params = {"suppress": "true" if suppress else "false"}
    return Call("intake", "DELETE", at("leads", lead_id), model(ErasureBegun), params=params)


def erasure(erasure_id: Id) -> Call[Erasure]:
    """How an erasure stands."""
    return Call("intake", "GET", at("erasures", erasure_id), model(Erasure))


def export(lead_id: Id) -> Call[Exported | ExportUnderWay]:
    """Everything kept about the person of this lead; the answer may take ten seconds."""
    path = at("leads", lead_id, "export")
    return Call("intake", "GET", path, _exported, seconds=_EXPORT_SECONDS)


def exported(export_id: Id) -> Call[Exported | ExportUnderWay]:
    """An export that was asked for."""
    return Call("intake", "GET", at("exports", export_id), _exported)


def import_file(
    file: bytes | Path, *, columns: Mapping[str, str] | None = None
) -> Call[ImportReport]:
    """Take a CSV, TSV or XLSX file, by its bytes or its path, in lane `later`.

    `columns` says by heading what a column is (`phone`, `attribute:colour`, `ignore`). Sent
    again, an import that was cut off goes on where it stopped.
    """
    pairs = [f"{heading}={what}" for heading, what in (columns or {}).items()]
    return Call(
        "intake",
        "POST",
        at("leads", "import"),
        model(ImportReport),
        params=asked(map=pairs or None),
        headers={"Content-Type": "application/octet-stream"},
        body=file,
        again=True,
        seconds=_IMPORT_SECONDS,
    )


def _exported(answer: Answer) -> Exported | ExportUnderWay:
    if answer.status == _ACCEPTED:
        return model(ExportUnderWay)(answer)
    try:
        return Exported.model_validate_json(b'{"parts":' + answer.content + b"}")
    except ValueError:
        raise Unreadable("an export that is no JSON object") from None
