"""Channels and kinds of addresses by any name; when somebody last wrote from one."""

from alembic import op

from followup_database.names import any_name

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = [
    *any_name("people.consents", "channel"),
    *any_name("people.contact_points", "kind"),
    "ALTER TABLE people.contact_points ADD COLUMN heard jsonb NOT NULL DEFAULT '{}'",
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
