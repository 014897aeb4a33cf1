"""Events that came before their lead wait here for it."""

from alembic import op

from followup_database.roles import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = [
    # Machine time: how long a lead may be under way has nothing to do with business hours.
    """
    CREATE TABLE intake.overtaken (
      message_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      lead_id uuid,
      external_id text,
      body bytea NOT NULL,
      next_on timestamptz NOT NULL DEFAULT clock_timestamp(),
      parked_on timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE INDEX overtaken_next ON intake.overtaken (next_on)",
    "CREATE INDEX overtaken_lead ON intake.overtaken (tenant_id, lead_id)",
    "CREATE INDEX overtaken_name ON intake.overtaken (tenant_id, external_id)",
    *protect("intake", "overtaken", api=""),
]


def upgrade() -> None:
    """Make the table."""
    for statement in STATEMENTS:
        op.execute(statement)
