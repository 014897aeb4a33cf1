"""Timers by tenant and channel: what is due of one is found past all that is due of another."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ASKING = "CREATE INDEX timers_asking ON scheduler.timers (lane, due_at) WHERE channel IS NOT NULL"
LINE = """
CREATE INDEX timers_line ON scheduler.timers (lane, tenant_id, channel, due_at)
WHERE channel IS NOT NULL
"""
FREE = "CREATE INDEX timers_free ON scheduler.timers (lane, kind, due_at) WHERE channel IS NULL"


def upgrade() -> None:
    for statement in (ASKING, LINE, FREE, "DROP INDEX scheduler.timers_due"):
        op.execute(statement)
