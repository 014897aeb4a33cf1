"""Clicks by whose they are and by their age: they are erased and forgotten like what is said."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE INDEX clicks_person ON replies.clicks (person_id)",
    "CREATE INDEX clicks_age ON replies.clicks (tenant_id, at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
