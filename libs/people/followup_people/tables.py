"""The schema this package owns, and which of its tables hold personal data."""

from followup_database import Owner
from followup_database.personal import PersonalTable

OWNER = Owner("people", "followup_people")

PERSONAL: tuple[PersonalTable, ...] = (
    PersonalTable(
        "people",
        "persons",
        (
            "first_name",
            "last_name",
            "language",
            "stated_zone",
            "country",
            "state",
            "postal_code",
            "city",
            "attributes",
            "birthday",
            "consent",
            "refused_at",
        ),
        person_column="id",
    ),
    PersonalTable("people", "contact_points", ("address", "match_key")),
    PersonalTable("people", "leads", ("external_id", "need", "value", "attributes")),
    PersonalTable("people", "consents", ("wording", "page", "ip", "user_agent", "addresses")),
    PersonalTable("people", "merges", ("kept",)),
    PersonalTable("people", "history", ("changes",)),
)
