"""The schema this package owns; it holds nothing about leads but words written for one."""

from followup_database import Owner
from followup_database.personal import PersonalTable

OWNER = Owner("directory", "followup_directory")

PERSONAL: tuple[PersonalTable, ...] = (PersonalTable("directory", "templates", ("body",)),)
