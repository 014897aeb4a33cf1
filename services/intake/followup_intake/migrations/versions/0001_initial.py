"""Answers kept for repeated requests, and imports."""

from alembic import op

from followup_database.roles import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE TABLE intake.requests (
      tenant_id uuid NOT NULL,
      key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
      body_hash bytea NOT NULL,
      status int,
      answer jsonb,
      asked_on timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (tenant_id, key)
    )
    """,
    "CREATE INDEX requests_by_age ON intake.requests (asked_on)",
    """
    CREATE TABLE intake.imports (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      file_hash bytea NOT NULL,
      state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
      rows_done int NOT NULL DEFAULT 0,
      accepted int NOT NULL DEFAULT 0,
      merged int NOT NULL DEFAULT 0,
      refused int NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL,
      UNIQUE (tenant_id, file_hash)
    )
    """,
    """
    CREATE TABLE intake.import_rows (
      import_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      number int NOT NULL,
      verdict text NOT NULL,
      reason text NOT NULL,
      lead_id uuid,
      duplicate_of int,
      PRIMARY KEY (import_id, number)
    )
    """,
    *protect("intake", "requests"),
    *protect("intake", "imports"),
    *protect("intake", "import_rows"),
]


def upgrade() -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
