"""Channels by any name: what there is stands in one table of the code."""

from alembic import op

from followup_database.names import any_name

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = [
    *any_name("scheduler.touches", "channel"),
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
