"""Where the words of a written message are kept for whoever sends them: they go with it."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE replies.written ADD COLUMN template text",
    """
    CREATE INDEX written_template ON replies.written (tenant_id, template)
        WHERE body IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
