"""What is told of a lead and its person, in JSON values: by the API and in events."""

from typing import Any

from followup_people import LeadView, PersonView


def lead_portrait(lead: LeadView) -> dict[str, Any]:
    """A lead, with its person's id alone."""
    return {
        "id": str(lead.id),
        "person_id": str(lead.person_id),
        "source": lead.source,
        "asked": lead.asked,
        "need": lead.need,
        "value": None if lead.value is None else str(lead.value),
        "currency": lead.currency,
        "state": lead.state,
        "external_id": lead.external_id,
        "attributes": dict(lead.attributes),
        "received_at": lead.received_at.isoformat(),
    }


def person_portrait(person: PersonView) -> dict[str, Any]:
    """A person, with where they are reached and what they agreed to."""
    return {
        "id": str(person.id),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "language": person.language,
        "audience": person.audience,
        **person.place,
        "phones": [{"address": p.address, "state": p.state} for p in person.phones],
        "emails": [{"address": p.address, "state": p.state} for p in person.emails],
        "consent": dict(person.consent),
        "merged_persons": [str(former) for former in person.former],
    }
