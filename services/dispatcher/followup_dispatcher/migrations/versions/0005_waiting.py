"""Touches that a cap put off, with each person's contacts."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE dispatcher.usage ADD COLUMN waiting jsonb NOT NULL DEFAULT '[]'")
