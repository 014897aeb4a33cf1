"""Ids of touches whose fate is unknown: without an account, until it is known."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE replies.sent_touches ALTER COLUMN account_id DROP NOT NULL",
    "ALTER TABLE replies.sent_touches ALTER COLUMN provider DROP NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
