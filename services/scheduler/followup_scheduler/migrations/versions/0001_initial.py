"""Sequences, enrollments, touches, timers, tasks and the journal."""

from alembic import op

from followup_database.roles import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEQUENCES = """
CREATE TABLE scheduler.sequences (
  tenant_id uuid NOT NULL,
  key text NOT NULL,
  version int NOT NULL CHECK (version > 0),
  state text NOT NULL CHECK (state IN ('draft', 'published')),
  document jsonb NOT NULL,
  source text NOT NULL,
  contents jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, key, version)
)
"""

ENROLLMENTS = """
CREATE TABLE scheduler.enrollments (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  person_id uuid NOT NULL,
  sequence text NOT NULL,
  version int NOT NULL,
  state text NOT NULL CHECK (state IN ('active', 'paused', 'held', 'halted', 'completed')),
  lane text NOT NULL CHECK (lane IN ('now', 'later')),
  step text,
  occurrence int NOT NULL,
  epoch int NOT NULL,
  anchor timestamptz NOT NULL,
  resume_at timestamptz,
  end_reason text,
  memory jsonb NOT NULL,
  ended_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, lead_id, sequence),
  CHECK ((state IN ('halted', 'completed')) = (end_reason IS NOT NULL))
)
"""

TOUCHES = """
CREATE TABLE scheduler.touches (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  enrollment_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  person_id uuid NOT NULL,
  sequence text NOT NULL,
  version int NOT NULL,
  step text NOT NULL,
  occurrence int NOT NULL,
  channel text NOT NULL CHECK (channel IN ('sms', 'email', 'voice')),
  state text NOT NULL CHECK (state IN
    ('planned', 'commanded', 'sent', 'failed', 'skipped', 'unknown', 'cancelled')),
  round int NOT NULL,
  epoch int NOT NULL,
  lane text NOT NULL CHECK (lane IN ('now', 'later')),
  content text NOT NULL,
  template text NOT NULL,
  contact_round text NOT NULL,
  transactional boolean NOT NULL,
  wanted_at timestamptz,
  due_at timestamptz,
  not_after timestamptz,
  outstanding boolean NOT NULL,
  commanded_at timestamptz,
  settled_at timestamptz,
  call_result text,
  reason text,
  trace jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (enrollment_id, step, occurrence, channel)
)
"""

TIMERS = """
CREATE TABLE scheduler.timers (
  target uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  lane smallint NOT NULL CHECK (lane IN (0, 1)),
  kind text NOT NULL CHECK (kind IN ('touch', 'wake')),
  channel text,
  due_at timestamptz NOT NULL,
  reason text
)
"""

TASKS = """
CREATE TABLE scheduler.tasks (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  person_id uuid NOT NULL,
  enrollment_id uuid,
  kind text NOT NULL,
  reason text NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'done')),
  due_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  completed_at timestamptz,
  outcome text
)
"""

JOURNAL = """
CREATE TABLE scheduler.journal (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  person_id uuid NOT NULL,
  enrollment_id uuid,
  at timestamptz NOT NULL,
  what text NOT NULL,
  why jsonb NOT NULL
)
"""

INDEXES = (
    "CREATE INDEX enrollments_person ON scheduler.enrollments (person_id)",
    "CREATE INDEX touches_person ON scheduler.touches (person_id)",
    "CREATE INDEX touches_lead ON scheduler.touches (lead_id)",
    "CREATE INDEX touches_outstanding ON scheduler.touches (tenant_id, channel) WHERE outstanding",
    "CREATE INDEX touches_late ON scheduler.touches (commanded_at) WHERE state = 'commanded'",
    "CREATE INDEX timers_due ON scheduler.timers (lane, due_at)",
    "CREATE INDEX tasks_open ON scheduler.tasks (tenant_id, due_at, id) WHERE state = 'open'",
    "CREATE INDEX tasks_lead ON scheduler.tasks (lead_id)",
    "CREATE INDEX journal_lead ON scheduler.journal (lead_id, id)",
)

TABLES = ("sequences", "enrollments", "touches", "timers", "tasks", "journal")

STATEMENTS = (
    SEQUENCES,
    ENROLLMENTS,
    TOUCHES,
    TIMERS,
    TASKS,
    JOURNAL,
    *INDEXES,
    *(statement for table in TABLES for statement in protect("scheduler", table)),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
