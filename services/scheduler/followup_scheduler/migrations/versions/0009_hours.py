"""Hours that are compared: on whose clock a touch went out."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE scheduler.touches ADD COLUMN utc_offset smallint",
    """
    CREATE INDEX touches_timed ON scheduler.touches (tenant_id, settled_at DESC)
    WHERE utc_offset IS NOT NULL AND state = 'sent'
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
