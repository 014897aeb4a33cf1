"""Workers may have the months of the ledger made; none is ever dropped."""

from alembic import op

from followup_database.months import MonthlyTable, tending

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the function."""
    for statement in tending("dispatcher", [MonthlyTable("attempts")]):
        op.execute(statement)
