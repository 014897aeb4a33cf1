"""Channels by any name: what there is stands in one table of the code."""

from alembic import op

from followup_database.names import any_name

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = [
    *any_name("directory.accounts", "channel"),
    *any_name("directory.senders", "channel"),
    *any_name("directory.templates", "channel"),
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
