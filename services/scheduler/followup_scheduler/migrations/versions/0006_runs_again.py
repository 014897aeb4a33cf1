"""A lead may run through a sequence again; sequences have ranks; runs move between versions."""

from alembic import op

from followup_database.roles import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOVES = """
CREATE TABLE scheduler.moves (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  key text NOT NULL,
  version int NOT NULL,
  steps jsonb NOT NULL,
  per_second int NOT NULL CHECK (per_second > 0),
  after uuid NOT NULL,
  moved bigint NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz
)
"""

STATEMENTS = (
    """
    ALTER TABLE scheduler.enrollments
      ADD COLUMN run int NOT NULL DEFAULT 1 CHECK (run > 0),
      ADD CONSTRAINT enrollments_run UNIQUE (tenant_id, lead_id, sequence, run),
      DROP CONSTRAINT enrollments_tenant_id_lead_id_sequence_key
    """,
    # Who stands where when a version is published; a step forward touches no index.
    """
    CREATE INDEX enrollments_live ON scheduler.enrollments (tenant_id, sequence, id)
    WHERE state IN ('active', 'paused', 'held')
    """,
    "ALTER TABLE scheduler.touches ADD COLUMN priority smallint NOT NULL DEFAULT 50",
    """
    ALTER TABLE scheduler.sequences
      ADD COLUMN plan text NOT NULL DEFAULT 'pin' CHECK (plan IN ('pin', 'migrate', 'follow')),
      ADD COLUMN published_at timestamptz
    """,
    MOVES,
    "CREATE INDEX moves_unfinished ON scheduler.moves (started_at) WHERE finished_at IS NULL",
    "CREATE INDEX moves_of_key ON scheduler.moves (tenant_id, key, id)",
    *protect("scheduler", "moves"),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
