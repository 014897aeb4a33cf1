"""What templates can name.

    person.first_name  person.last_name  person.full_name  person.language  person.city
    lead.need  lead.source  lead.value  lead.currency  lead.received_at  lead.attributes.*
    lead.appointment.starts_at (and what else the appointment has)
    business.name  business.agent  business.phone  business.address
    links.book  links.unsubscribe  links.confirm
    step  sequence

A value that is not known, or is blank, is not there: a template that uses one without
`| default:` stops its touch with the variable's name, so nobody is greeted by "Hi ,".
Good use: `Hi {{ person.first_name | default: "there" }}`, or a sentence of its own inside
`{% if lead.need %}`. Moments are ISO 8601; `| date: "%A at %H:%M", "Europe/Berlin"` puts
them into words.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from followup_directory import TenantSettings
from followup_people import LeadView, PersonView

_DEEPEST = 6


def variables(
    *,
    person: PersonView,
    lead: LeadView,
    business: TenantSettings,
    links: Mapping[str, str | None],
    step: str,
    sequence: str,
) -> dict[str, Any]:
    """The mapping above, of text, numbers, booleans, lists and mappings only."""
    full_name = " ".join(part for part in (person.first_name, person.last_name) if part)
    return known(
        {
            "person": {
                **person.attributes,
                "first_name": person.first_name,
                "last_name": person.last_name,
                "full_name": full_name,
                "language": person.language,
                "city": person.place.get("city"),
            },
            "lead": {
                "need": lead.need,
                "source": lead.source,
                "value": lead.value,
                "currency": lead.currency,
                "received_at": lead.received_at,
                "attributes": lead.attributes,
                "appointment": lead.attributes.get("appointment"),
            },
            "business": {
                "name": business.business_name,
                "agent": business.agent_name,
                "phone": business.callback_number,
                "address": business.postal_address,
                "booking_link": business.booking_link,
            },
            "links": {"book": business.booking_link, **links},
            "step": step,
            "sequence": sequence,
        }
    )


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """What of a mapping has a value; the mappings inside stay, for `if` to look into."""
    return _known(values, 1)


def _known(values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in values.items():
        # Texts and nothing at all are most of it.
        if value is None or (type(value) is str and (not value or value.isspace())):
            continue
        plain = value if type(value) is str else _plain(value, depth)
        if plain is not None:
            kept[str(name)] = plain
    return kept


def _plain(value: Any, depth: int) -> Any:
    """The value as a template may see it, or None where there is nothing to say."""
    plain: Any = None
    match value:
        case str():
            plain = value if value.strip() else None
        case bool() | int() | float():
            plain = value
        case Decimal():
            plain = _number(value)
        case datetime() | date():
            plain = value.isoformat()
        case Mapping() if depth < _DEEPEST:
            plain = _known(value, depth + 1)
        case list() | tuple() if depth < _DEEPEST:
            plain = [held for held in (_plain(h, depth + 1) for h in value) if held is not None]
    return plain


def _number(value: Decimal) -> int | str:
    """As people write it: 1200, not 1200.00; 99.90 keeps its cents."""
    return int(value) if value == value.to_integral_value() else str(value)
