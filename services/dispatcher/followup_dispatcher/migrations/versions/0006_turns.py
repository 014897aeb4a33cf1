"""How many wait for a later day of a budget."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("""
        ALTER TABLE dispatcher.rates
            ADD COLUMN line int NOT NULL DEFAULT 0 CHECK (line >= 0)
    """)
