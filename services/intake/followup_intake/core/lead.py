"""What a row becomes: a draft of a lead, and the verdict on the row."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from followup_intake.core.attributes import Unfit

Verdict = Literal["accept", "accept_with_warning", "reject"]
ConsentAnswer = Literal["yes", "no", "unknown"]

WARNINGS = (
    "ragged_row",
    "duplicate",
    "bad_phone_kept_email",
    "bad_email_kept_phone",
    "phone_possible_only",
    "two_phones",
    "two_emails",
    "control_char",
    "no_name",
    "future_date",
    "ambiguous_date",
    "bad_date",
    "missing_date",
    "state_zip_mismatch",
    "bad_postal_code",
    "unknown_source",
    "bad_value",
    "no_zone",
    "bad_attribute",
)
"""Every warning, the one that is named first standing first."""


@dataclass(frozen=True, slots=True)
class LeadDraft:
    """One enquiry, normalised, not yet merged with what is known of the person.

    `phone_e164` is E.164 without an extension; `email_normalized` keeps the case of its
    local part; `country` is ISO 3166-1 alpha-2; `zones` are IANA names, sorted; `received_at`
    is UTC, an ambiguous date read the way the lead's country writes dates; `attributes` holds
    the columns nobody asked for, under their own headings, as their tenant's schema reads them.
    """

    first_name: str | None = None
    last_name: str | None = None
    phone_e164: str | None = None
    email_normalized: str | None = None
    source: str = "unknown"
    country: str | None = None
    state: str | None = None
    postal_code: str | None = None
    city: str | None = None
    zones: tuple[str, ...] = ()
    consent: ConsentAnswer = "unknown"
    consent_text: str | None = None
    need: str | None = None
    received_at: datetime | None = None
    value: Decimal | None = None
    currency: str | None = None
    company: str | None = None
    notes: str | None = None
    external_id: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowResult:
    """What was made of one row. `lead` is None exactly when the verdict is reject.

    `row` counts records from 1, the header not among them; `duplicate_of` is an earlier row
    of the same file that is the same person; `unfit` is what of its attributes does not fit
    the tenant's schema.
    """

    row: int
    verdict: Verdict
    reason: str
    other_reasons: tuple[str, ...] = ()
    lead: LeadDraft | None = None
    duplicate_of: int | None = None
    unfit: tuple[Unfit, ...] = ()
