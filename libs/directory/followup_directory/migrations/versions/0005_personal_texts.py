"""Texts written for one person go with that person."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE directory.templates ADD COLUMN person_id uuid",
    """
    CREATE INDEX templates_person ON directory.templates (person_id)
    WHERE person_id IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
