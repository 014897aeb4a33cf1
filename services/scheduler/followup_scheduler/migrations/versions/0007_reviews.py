"""Touches that wait for a person's approval, or for a draft."""

from alembic import op

from followup_database.roles import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

REVIEWS = """
CREATE TABLE scheduler.reviews (
  touch_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  person_id uuid NOT NULL,
  enrollment_id uuid NOT NULL,
  channel text NOT NULL,
  state text NOT NULL CHECK (state IN
    ('unasked', 'pending', 'approved', 'rejected', 'lapsed', 'withdrawn')),
  otherwise text NOT NULL CHECK (otherwise IN ('skip', 'send')),
  due_at timestamptz NOT NULL,
  lapses_at timestamptz,
  plain text NOT NULL,
  drafting text NOT NULL CHECK (drafting IN ('template', 'wanted', 'written', 'failed')),
  draft text,
  attempts int NOT NULL DEFAULT 0,
  try_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  decided_by text,
  decided_at timestamptz,
  reason text
)
"""

STATEMENTS = (
    REVIEWS,
    """
    CREATE INDEX reviews_pending ON scheduler.reviews (tenant_id, due_at, touch_id)
    WHERE state = 'pending'
    """,
    "CREATE INDEX reviews_wanted ON scheduler.reviews (try_at) WHERE drafting = 'wanted'",
    "CREATE INDEX reviews_person ON scheduler.reviews (person_id)",
    *protect("scheduler", "reviews"),
    """
    ALTER TABLE scheduler.timers
      DROP CONSTRAINT timers_kind_check,
      ADD CONSTRAINT timers_kind_check CHECK (kind IN ('touch', 'wake', 'remind', 'lapse'))
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
