"""Channels by any name: what there is stands in one table of the code."""

from alembic import op

from followup_database.names import any_name

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = [
    *any_name("replies.sent_touches", "channel"),
    *any_name("replies.messages", "channel"),
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
