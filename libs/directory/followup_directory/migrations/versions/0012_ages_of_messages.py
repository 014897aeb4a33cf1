"""Messages by hand by their age: words of sequences' touches are not kept by theirs."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE INDEX IF NOT EXISTS templates_written
        ON directory.templates (tenant_id, created_at, hash)
        WHERE person_id IS NOT NULL
          AND body ?| ARRAY['written', 'account', 'sender', 'thread', 'address', 'stranger',
                            'confirms', 'answers']
    """,
    "DROP INDEX directory.templates_words",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
