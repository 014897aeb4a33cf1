"""The schema this package owns.

It holds no personal data: addresses stand in it as keyed hashes, so that who said
stop stays stopped after everything else about them was erased.
"""

from followup_database import Owner
from followup_database.personal import PersonalTable

OWNER = Owner("suppression", "followup_suppression")

PERSONAL: tuple[PersonalTable, ...] = ()
