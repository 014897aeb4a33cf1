"""Months of the ledger go after five years, unless an attempt in them is open."""

from alembic import op

from followup_database.months import MonthlyTable, tending

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Records of calls and messages are kept for five years (16 CFR 310.5(a)). `core/memory.py`
# refuses touches that old, so that a forgotten attempt is never repeated.
TABLES = (
    MonthlyTable(
        "attempts",
        kept_months=61,
        needed_by="attempts",
        needed_if="state IN ('claimed', 'unknown')",
    ),
)


def upgrade() -> None:
    """Make the function anew."""
    for statement in tending("dispatcher", TABLES):
        op.execute(statement)
