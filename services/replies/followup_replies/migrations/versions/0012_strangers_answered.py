"""Answers to people nobody knows by their age: there are few within an hour, and none is paid
for twice."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS messages_strangers_answered"
        " ON replies.messages (tenant_id, at) INCLUDE (address_hash)"
        " WHERE lead_id IS NULL AND answer IS NOT NULL"
    )
