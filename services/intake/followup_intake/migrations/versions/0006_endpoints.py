"""Events for a tenant's product: their numbers, who is told of them, and what came of it."""

from alembic import op

from followup_database.roles import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# All moments but `occurred_at` are machine time.
STATEMENTS = [
    """
    CREATE TABLE intake.streams (
      tenant_id uuid PRIMARY KEY,
      last_sequence bigint NOT NULL
    )
    """,
    # Ids and no personal data, as on the bus.
    """
    CREATE TABLE intake.events (
      tenant_id uuid NOT NULL,
      sequence bigint NOT NULL,
      id uuid NOT NULL,
      type text NOT NULL,
      lead_id uuid,
      person_id uuid,
      data jsonb NOT NULL,
      occurred_at timestamptz NOT NULL,
      logged_on timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (tenant_id, sequence)
    )
    """,
    "CREATE INDEX events_by_age ON intake.events (logged_on)",
    # `work_on`: when there may be something to deliver; `rest_on`: until when a failing one
    # is left alone. No types: all of them.
    """
    CREATE TABLE intake.endpoints (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      url text NOT NULL,
      types text[] NOT NULL DEFAULT '{}',
      description text NOT NULL DEFAULT '',
      state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
      reason text,
      secrets bytea NOT NULL,
      former_until timestamptz,
      failures int NOT NULL DEFAULT 0,
      failing_since timestamptz,
      disabled_on timestamptz,
      rest_on timestamptz,
      work_on timestamptz NOT NULL DEFAULT 'infinity',
      created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX endpoints_tenant ON intake.endpoints (tenant_id, id)",
    "CREATE INDEX endpoints_work ON intake.endpoints (work_on) WHERE state = 'active'",
    # `waiting`: an earlier event of its lead is not done with at this endpoint. `due_on` of a
    # claimed one is the end of its lease. No `sequence`: an event made to try the endpoint out.
    """
    CREATE TABLE intake.deliveries (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      endpoint_id uuid NOT NULL,
      event_id uuid NOT NULL,
      sequence bigint,
      type text NOT NULL,
      lead_id uuid,
      person_id uuid,
      state text NOT NULL
        CHECK (state IN ('waiting', 'pending', 'delivered', 'failed')),
      attempts int NOT NULL DEFAULT 0,
      tries int NOT NULL DEFAULT 0,
      token uuid,
      due_on timestamptz NOT NULL DEFAULT clock_timestamp(),
      opened_on timestamptz NOT NULL DEFAULT clock_timestamp(),
      finished_on timestamptz,
      created_on timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    (
        "CREATE INDEX deliveries_due ON intake.deliveries (endpoint_id, due_on)"
        " WHERE state = 'pending'"
    ),
    "CREATE INDEX deliveries_claimed ON intake.deliveries (endpoint_id) WHERE token IS NOT NULL",
    (
        "CREATE INDEX deliveries_unfinished ON intake.deliveries (endpoint_id, lead_id, sequence)"
        " WHERE state IN ('waiting', 'pending')"
    ),
    (
        "CREATE INDEX deliveries_failed ON intake.deliveries (endpoint_id, created_on)"
        " WHERE state = 'failed'"
    ),
    "CREATE INDEX deliveries_listed ON intake.deliveries (tenant_id, endpoint_id, id)",
    "CREATE INDEX deliveries_by_age ON intake.deliveries (created_on)",
    # What an endpoint answers may repeat what it was sent: it goes when its person does.
    """
    CREATE TABLE intake.delivery_attempts (
      delivery_id uuid NOT NULL REFERENCES intake.deliveries (id) ON DELETE CASCADE,
      number int NOT NULL,
      tenant_id uuid NOT NULL,
      person_id uuid,
      began_on timestamptz NOT NULL,
      milliseconds int NOT NULL,
      status int,
      error text,
      answer text,
      PRIMARY KEY (delivery_id, number)
    )
    """,
    "CREATE INDEX delivery_attempts_person ON intake.delivery_attempts (person_id)",
    *protect("intake", "streams"),
    *protect("intake", "events"),
    *protect("intake", "endpoints"),
    *protect("intake", "deliveries"),
    *protect("intake", "delivery_attempts"),
]


def upgrade() -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
