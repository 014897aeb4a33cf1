"""Who owns the schema `messaging`."""

from followup_database import Owner
from followup_database.personal import PersonalTable

OWNER = Owner("messaging", "followup_messaging")

PERSONAL: tuple[PersonalTable, ...] = ()
"""None by person: messages carry ids. A dead letter may hold a raw lead as another
service sent it; nobody knows its person yet, so it expires instead (`maintenance`)."""
