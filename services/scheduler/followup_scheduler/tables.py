"""The schema the scheduler owns, and where it keeps personal data."""

from followup_database.migrations import Owner
from followup_database.personal import PersonalTable

SCHEMA = "scheduler"
OWNER = Owner(SCHEMA, "followup_scheduler")

PERSONAL: tuple[PersonalTable, ...] = (
    PersonalTable(SCHEMA, "enrollments", ("memory",)),
    # The ledger of touches counts for caps and figures after its person is gone.
    PersonalTable(SCHEMA, "touches", ("trace", "reason"), keep_row=True),
    PersonalTable(SCHEMA, "tasks", ("reason", "title", "outcome", "note", "assignee")),
    PersonalTable(SCHEMA, "answers", ("intent",)),
    PersonalTable(SCHEMA, "reviews", ("decided_by", "reason", "draft")),
    PersonalTable(SCHEMA, "journal", ("what", "why")),
)
