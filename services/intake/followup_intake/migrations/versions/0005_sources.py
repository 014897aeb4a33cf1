"""Where leads come from by themselves, and what has still to be fetched of them."""

from alembic import op

from followup_database.roles import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE TABLE intake.sources (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      kind text NOT NULL,
      name text NOT NULL,
      hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
      config jsonb NOT NULL,
      secrets bytea NOT NULL,
      state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'stopped')),
      created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX sources_tenant ON intake.sources (tenant_id, id)",
    *protect("intake", "sources"),
    # Machine time. A row that is done stays a while, for a webhook that comes again.
    """
    CREATE TABLE intake.fetches (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      source_id uuid NOT NULL REFERENCES intake.sources (id) ON DELETE CASCADE,
      external_id text NOT NULL,
      state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'refused', 'failed')),
      attempts int NOT NULL DEFAULT 0,
      error text,
      lead_id uuid,
      asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      UNIQUE (source_id, external_id)
    )
    """,
    "CREATE INDEX fetches_due ON intake.fetches (due_at) WHERE state = 'open'",
    *protect("intake", "fetches"),
]


def upgrade() -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
