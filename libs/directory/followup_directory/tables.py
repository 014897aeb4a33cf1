"""The schema this package owns; it holds nothing about leads."""

from followup_database import Owner
from followup_database.personal import PersonalTable

OWNER = Owner("directory", "followup_directory")

PERSONAL: tuple[PersonalTable, ...] = ()
