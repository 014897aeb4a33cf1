"""One lead from its cells: every field read, every warning named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from followup_intake.core.attributes import NO_SCHEMA, Schema, Unfit, fitted
from followup_intake.core.cells import has_control, is_placeholder, one_line, tidy
from followup_intake.core.columns import without_prefix
from followup_intake.core.consent import read_consent
from followup_intake.core.dates import Moment, read_moment
from followup_intake.core.emails import UNUSABLE as UNUSABLE_EMAIL
from followup_intake.core.emails import EmailReading, read_email
from followup_intake.core.lead import WARNINGS, LeadDraft
from followup_intake.core.names import NameReading, read_name, read_parts
from followup_intake.core.phones import NO_PHONE, PhoneReading, country_of, read_phone
from followup_intake.core.phones import UNUSABLE as UNUSABLE_PHONE
from followup_intake.core.places import PlaceReading, read_place
from followup_intake.core.sources import platform_source, read_source
from followup_intake.core.values import ValueReading, read_value
from followup_policy.zones import lead_zones

_TEST_LEAD = re.compile(r"<test lead:", re.IGNORECASE)
_ZONE = re.compile(r"[A-Za-z_]+(?:/[A-Za-z0-9_+-]+){1,2}")
_NANP_LENGTH = len("+12125550100")
_SHORT = 100
_ORDER = {name: at for at, name in enumerate(WARNINGS)}


@dataclass(frozen=True, slots=True)
class Judged:
    """A lead, its warnings in order of weight, and what was mended without a warning.

    Without a phone and an e-mail address `lead` is None and `notes` says what was unusable.
    """

    lead: LeadDraft | None
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    unfit: tuple[Unfit, ...] = ()


def judge(
    raw: Mapping[str, str],
    *,
    attributes: Mapping[str, str],
    today: date,
    default_country: str,
    schema: Schema = NO_SCHEMA,
) -> Judged:
    """Read the cells of one lead, by field; a field that is absent is not missed."""
    cells = {name: tidy(cell) for name, cell in raw.items()}
    place, phone = _reached(cells, default_country)
    email = read_email(cells.get("email", ""))
    if _is_test_lead(raw):
        phone = replace(UNUSABLE_PHONE, given=phone.given)
        email = replace(UNUSABLE_EMAIL, given=email.given)
    if phone.e164 is None and email.address is None:
        return Judged(lead=None, warnings=(), notes=_unusable(phone, email))
    written = cells.get("received_at")
    moment = Moment()
    if written is not None:
        moment = read_moment(written, today=today, country=place.country)
    value = read_value(cells.get("value", ""))
    name = _name(cells)
    fitting, unfit = fitted(schema, attributes)
    lead = LeadDraft(
        first_name=name.first,
        last_name=name.last,
        phone_e164=phone.e164,
        email_normalized=email.address,
        source=_source(cells),
        country=place.country,
        state=place.state,
        postal_code=place.postal_code,
        city=place.city,
        zones=_zones(cells, place, phone.e164),
        consent=read_consent(cells.get("consent", "")),
        consent_text=_text(cells, "consent_text"),
        need=_need(cells),
        received_at=moment.at,
        value=value.amount,
        currency=_text(cells, "currency") or value.currency,
        company=_text(cells, "company") or name.company,
        notes=_text(cells, "notes"),
        external_id=without_prefix("external_id", cells.get("external_id", "")) or None,
        attributes=fitting,
    )
    warnings = [
        *_contact_warnings(phone, email),
        *_content_warnings(lead, place=place, moment=moment, value=value),
    ]
    if any(map(has_control, (*raw.values(), *attributes.values()))):
        warnings.append("control_char")
    if unfit:
        warnings.append("bad_attribute")
    warnings.sort(key=_ORDER.__getitem__)
    return Judged(lead=lead, warnings=tuple(warnings), notes=_repairs(phone, email), unfit=unfit)


def _reached(cells: Mapping[str, str], default_country: str) -> tuple[PlaceReading, PhoneReading]:
    """Read address and phone, each of which may say what the other leaves open."""
    cell = without_prefix("phone", cells.get("phone", ""))
    phone = read_phone(cell, region=default_country, stated=False) if cell else NO_PHONE
    home = country_of(phone.e164) if phone.e164 else None
    place = _place(cells, country=cells.get("country", ""), abroad=home)
    if cell and place.country and not _plain_at_home(phone, place.country):
        return place, read_phone(cell, region=place.country)
    if place.country is None and home:
        place = _place(cells, country=home, abroad=home)
    return place, phone


def _place(cells: Mapping[str, str], *, country: str, abroad: str | None) -> PlaceReading:
    return read_place(
        country=country,
        state=cells.get("state", ""),
        postal_code=without_prefix("postal_code", cells.get("postal_code", "")),
        city=cells.get("city", ""),
        abroad=abroad,
    )


def _plain_at_home(phone: PhoneReading, country: str) -> bool:
    """Whether a number read without knowing the country is read the same knowing it."""
    return (
        phone.e164 is not None
        and not phone.possible_only
        and not phone.repaired
        and (country in {"US", "CA"} and phone.e164.startswith("+1"))
    )


def _zones(cells: Mapping[str, str], place: PlaceReading, phone: str | None) -> tuple[str, ...]:
    stated = cells.get("zone", "")
    if _ZONE.fullmatch(stated):
        return (stated,)
    if phone and len(phone) == _NANP_LENGTH and phone.startswith("+1"):
        # Area and exchange say all there is to say; so neighbours share what is remembered.
        phone = f"{phone[:8]}0100"
    # What nobody's city is called is not worth remembering.
    short = len(place.city or "") + len(place.state or "") <= _SHORT
    look_up = _zones_remembered if short else _zones_of
    return look_up(place.country, place.state, place.postal_code, place.city, phone)


def _zones_of(
    country: str | None,
    state: str | None,
    postal_code: str | None,
    city: str | None,
    phone: str | None,
) -> tuple[str, ...]:
    found = lead_zones(
        country=country, state=state, postal_code=postal_code, city=city, phone=phone
    )
    return tuple(sorted(found))


_zones_remembered = lru_cache(maxsize=65536)(_zones_of)


def _name(cells: Mapping[str, str]) -> NameReading:
    first, last = cells.get("first_name", ""), cells.get("last_name", "")
    if first or last:
        return read_parts(first, last)
    return read_name(cells.get("name", ""))


def _source(cells: Mapping[str, str]) -> str:
    source = read_source(cells.get("source", ""))
    if source == "unknown" and cells.get("platform"):
        return platform_source(cells["platform"])
    return source


def _need(cells: Mapping[str, str]) -> str | None:
    text = _text(cells, "need")
    # Ad forms export the key of an answer: "kitchen_remodel".
    return text.replace("_", " ") if text and " " not in text else text


def _text(cells: Mapping[str, str], field: str) -> str | None:
    text = cells.get(field, "")
    if is_placeholder(text):
        return None
    return text if field == "notes" else one_line(text)


def _contact_warnings(phone: PhoneReading, email: EmailReading) -> list[str]:
    found = []
    if phone.given and phone.e164 is None:
        found.append("bad_phone_kept_email")
    if email.given and email.address is None:
        found.append("bad_email_kept_phone")
    if phone.possible_only:
        found.append("phone_possible_only")
    if phone.several and phone.e164:
        found.append("two_phones")
    if email.several:
        found.append("two_emails")
    return found


def _content_warnings(
    lead: LeadDraft, *, place: PlaceReading, moment: Moment, value: ValueReading
) -> list[str]:
    found = []
    if not lead.first_name and not lead.last_name:
        found.append("no_name")
    if moment.fault:
        found.append(moment.fault)
    if place.at_odds:
        found.append("state_zip_mismatch")
    if place.bad_postal_code:
        found.append("bad_postal_code")
    if lead.source == "unknown":
        found.append("unknown_source")
    if value.fault:
        found.append("bad_value")
    # Mail needs no zone; a number that may ring does.
    if lead.phone_e164 and not lead.zones:
        found.append("no_zone")
    return found


def _repairs(phone: PhoneReading, email: EmailReading) -> tuple[str, ...]:
    marks = (("phone_repaired", phone.repaired), ("email_repaired", email.repaired))
    return tuple(name for name, mended in marks if mended)


def _unusable(phone: PhoneReading, email: EmailReading) -> tuple[str, ...]:
    marks = (("bad_phone", phone.given), ("bad_email", email.given))
    return tuple(name for name, given in marks if given)


def _is_test_lead(raw: Mapping[str, str]) -> bool:
    contact = (raw.get(field, "") for field in ("phone", "email", "name", "first_name"))
    return any("<" in cell and _TEST_LEAD.search(cell) for cell in contact)
