"""Persons, leads, contact points, consent and attributes.

Intake writes them, replies writes what a reply changes, everybody may read. A person
who was merged into another is found under both ids: read `PersonView.id`, not the id
that was asked for, when looking for holds or caps.
"""

from followup_people.changes import (
    hear,
    mark_contact_point,
    note_refusal,
    set_appointment,
    set_deal,
    set_lead_state,
    update_lead,
    update_person,
)
from followup_people.consent import ConsentStatement, consent_history, record_consent
from followup_people.errors import PeopleError, PersonContended
from followup_people.history import changes_of, note_change
from followup_people.matches import (
    NeverMerged,
    NothingOfItsOwn,
    Parted,
    merges_of,
    part_lead,
)
from followup_people.reading import (
    leads_by_external_id,
    leads_by_id,
    leads_of_persons,
    person_at,
    person_by_address,
    persons_by_addresses,
    persons_by_id,
    present,
    same_person,
    stays,
    views,
)
from followup_people.records import (
    ContactPoint,
    LeadView,
    NewLead,
    PersonView,
    SavedLead,
)
from followup_people.rights import (
    RightAsked,
    RightState,
    ask_right,
    forget_old_exports,
    forget_parts,
    open_right,
    recent_export,
    right_done,
    right_parts,
    right_state,
)
from followup_people.saving import upsert_leads

__all__ = [
    "ConsentStatement",
    "ContactPoint",
    "LeadView",
    "NeverMerged",
    "NewLead",
    "NothingOfItsOwn",
    "Parted",
    "PeopleError",
    "PersonContended",
    "PersonView",
    "RightAsked",
    "RightState",
    "SavedLead",
    "ask_right",
    "changes_of",
    "consent_history",
    "forget_old_exports",
    "forget_parts",
    "hear",
    "leads_by_external_id",
    "leads_by_id",
    "leads_of_persons",
    "mark_contact_point",
    "merges_of",
    "note_change",
    "note_refusal",
    "open_right",
    "part_lead",
    "person_at",
    "person_by_address",
    "persons_by_addresses",
    "persons_by_id",
    "present",
    "recent_export",
    "record_consent",
    "right_done",
    "right_parts",
    "right_state",
    "same_person",
    "set_appointment",
    "set_deal",
    "set_lead_state",
    "stays",
    "update_lead",
    "update_person",
    "upsert_leads",
    "views",
]
