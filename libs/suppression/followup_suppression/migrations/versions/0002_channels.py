"""Channels and kinds of addresses by any name: the code keeps the tables."""

from alembic import op

from followup_database.names import any_name

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = [
    *any_name("suppression.list", "channel"),
    *any_name("suppression.list", "kind"),
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
