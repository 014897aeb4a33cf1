from datetime import UTC, datetime

from alembic import op

from followup_database.partitions import create_months
from followup_database.roles import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = [
    # next_at is machine time: when the row is looked at again.
    """
    CREATE TABLE messaging.outbox (
      id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      type text NOT NULL,
      exchange text NOT NULL,
      routing_key text NOT NULL,
      consumers text[] NOT NULL,
      body bytea NOT NULL,
      next_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '30 seconds',
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (id)
    ) PARTITION BY RANGE (id)
    """,
    "CREATE INDEX outbox_next_at ON messaging.outbox (next_at)",
    """
    CREATE TABLE messaging.inbox (
      message_id uuid NOT NULL,
      consumer text NOT NULL,
      tenant_id uuid NOT NULL,
      handled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (message_id, consumer)
    ) PARTITION BY RANGE (message_id)
    """,
    # What cannot be read has no tenant and perhaps no id.
    """
    CREATE TABLE messaging.dead (
      id uuid PRIMARY KEY,
      tenant_id uuid,
      consumer text NOT NULL,
      queue text NOT NULL,
      message_id uuid,
      routing_key text NOT NULL,
      body bytea NOT NULL,
      error text NOT NULL,
      state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'dropped')),
      at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE UNIQUE INDEX dead_open ON messaging.dead (message_id, consumer) WHERE state = 'open'",
    "CREATE INDEX dead_message ON messaging.dead (message_id)",
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for table in ("outbox", "inbox"):
        for statement in create_months("messaging", table, start=datetime.now(UTC), count=4):
            op.execute(statement)
    protections = [
        *protect("messaging", "outbox", api="INSERT"),
        *protect("messaging", "inbox", api=""),
        *protect("messaging", "dead", api=""),
    ]
    for statement in protections:
        op.execute(statement)
