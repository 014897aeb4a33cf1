"""Limits by the day beside those by the second."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what was given out, and on which day."""
    op.execute("""
        ALTER TABLE dispatcher.rates
            ADD COLUMN day date, ADD COLUMN used int NOT NULL DEFAULT 0 CHECK (used >= 0)
    """)
