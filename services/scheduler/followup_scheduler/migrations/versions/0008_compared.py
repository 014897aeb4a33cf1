"""Texts that are compared: how often each went out, and was answered."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE scheduler.touches ADD COLUMN compared boolean NOT NULL DEFAULT false",
    """
    CREATE INDEX touches_compared ON scheduler.touches (tenant_id, sequence, content)
    WHERE compared AND state = 'sent'
    """,
    "CREATE INDEX answers_touch ON scheduler.answers (touch_id) WHERE touch_id IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
