"""A month goes by age only when nothing in it is needed; outbox months go too."""

from alembic import op

from followup_database.months import MonthlyTable, tending

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    # A row goes when its message was handled, so a month with a row in it is never dropped.
    MonthlyTable("outbox", kept_months=3, needed_by="outbox"),
    # What the inbox forgets could be handled twice: as long as one consumer has not
    # handled a message of that month, it is published again to all of them.
    MonthlyTable("inbox", kept_months=3, needed_by="outbox"),
)


def upgrade() -> None:
    for statement in tending("messaging", TABLES):
        op.execute(statement)
