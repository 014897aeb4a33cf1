"""Persons, leads, contact points, consent and attributes.

Intake writes them, replies writes what a reply changes, everybody may read. A person
who was merged into another is found under both ids: read `PersonView.id`, not the id
that was asked for, when looking for holds or caps.
"""

from followup_people.changes import (
    hear,
    mark_contact_point,
    set_appointment,
    set_deal,
    set_lead_state,
    update_lead,
    update_person,
)
from followup_people.consent import ConsentStatement, record_consent
from followup_people.errors import PeopleError, PersonContended
from followup_people.reading import (
    leads_by_external_id,
    leads_by_id,
    leads_of_persons,
    person_at,
    person_by_address,
    persons_by_addresses,
    persons_by_id,
    same_person,
    views,
)
from followup_people.records import (
    ContactPoint,
    LeadView,
    NewLead,
    PersonView,
    SavedLead,
)
from followup_people.saving import upsert_leads

__all__ = [
    "ConsentStatement",
    "ContactPoint",
    "LeadView",
    "NewLead",
    "PeopleError",
    "PersonContended",
    "PersonView",
    "SavedLead",
    "hear",
    "leads_by_external_id",
    "leads_by_id",
    "leads_of_persons",
    "mark_contact_point",
    "person_at",
    "person_by_address",
    "persons_by_addresses",
    "persons_by_id",
    "record_consent",
    "same_person",
    "set_appointment",
    "set_deal",
    "set_lead_state",
    "update_lead",
    "update_person",
    "upsert_leads",
    "views",
]
