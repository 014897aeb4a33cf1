"""Answers that may be to another of several conversations."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE replies.messages ADD COLUMN guessed boolean NOT NULL DEFAULT false")
