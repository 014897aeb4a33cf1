"""Workers may have the months of these tables made and dropped."""

from alembic import op

from followup_database.months import MonthlyTable, tending

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    # A row of the outbox goes when its message was handled; nothing is dropped.
    MonthlyTable("outbox"),
    # What the inbox forgets could be handled twice; nothing is under way that long.
    MonthlyTable("inbox", kept_months=3),
)


def upgrade() -> None:
    for statement in tending("messaging", TABLES):
        op.execute(statement)
