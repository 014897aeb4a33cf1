"""Confirmations by their age: they are needed for minutes."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS templates_confirmations ON directory.templates (created_at)"
        " WHERE person_id IS NOT NULL AND body ? 'answers'"
    )
