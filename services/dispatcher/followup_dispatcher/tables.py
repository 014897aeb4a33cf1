"""The schema `dispatcher`: the ledger of attempts, caps, rates and the sandbox's record."""

from followup_database.migrations import Owner
from followup_database.personal import PersonalTable

OWNER = Owner("dispatcher", "followup_dispatcher")

PERSONAL = (
    PersonalTable("dispatcher", "attempts", ("recipient", "subject", "body"), keep_row=True),
    PersonalTable("dispatcher", "usage", ("contacts",), keep_row=True),
    PersonalTable("dispatcher", "sandbox", ("recipient", "subject", "text", "html", "voicemail")),
)
