"""The ledger, caps, rates and the sandbox's record."""

from datetime import UTC, datetime

from alembic import op

from followup_database.partitions import create_months
from followup_database.roles import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Partitioned by the touch id, which is a UUIDv7: "at most one open attempt a touch"
# is a unique index, and it must not end at a partition's edge.
_ATTEMPTS = """
CREATE TABLE dispatcher.attempts (
  touch_id uuid NOT NULL,
  number smallint NOT NULL CHECK (number > 0),
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  enrollment_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  person_id uuid NOT NULL,
  channel text NOT NULL,
  lane text NOT NULL,
  round int NOT NULL,
  epoch int NOT NULL,
  step text NOT NULL,
  contact_round text NOT NULL,
  state text NOT NULL
    CHECK (state IN ('claimed', 'accepted', 'refused', 'retry_later', 'unknown')),
  account_id uuid NOT NULL,
  provider text NOT NULL,
  sender text NOT NULL,
  recipient text,
  subject text,
  body text,
  template text NOT NULL,
  segments int NOT NULL DEFAULT 1,
  provider_ref text,
  code text,
  reason text,
  settled_by text,
  asked int NOT NULL DEFAULT 0,
  trace jsonb NOT NULL DEFAULT '[]',
  claimed_at timestamptz NOT NULL,
  claimed_on timestamptz NOT NULL DEFAULT clock_timestamp(),
  started_on timestamptz,
  answered_on timestamptz,
  ask_on timestamptz,
  PRIMARY KEY (touch_id, number)
) PARTITION BY RANGE (touch_id)
"""

STATEMENTS = [
    _ATTEMPTS,
    *create_months("dispatcher", "attempts", start=datetime.now(UTC), count=4),
    """
    CREATE UNIQUE INDEX attempts_one_open ON dispatcher.attempts (touch_id)
      WHERE state NOT IN ('refused', 'retry_later')
    """,
    "CREATE INDEX attempts_claimed ON dispatcher.attempts (claimed_on) WHERE state = 'claimed'",
    "CREATE INDEX attempts_unknown ON dispatcher.attempts (ask_on) WHERE state = 'unknown'",
    """
    CREATE INDEX attempts_by_state ON dispatcher.attempts (tenant_id, state, touch_id)
      WHERE state <> 'accepted'
    """,
    "CREATE INDEX attempts_by_lead ON dispatcher.attempts (tenant_id, lead_id)",
    """
    CREATE TABLE dispatcher.usage (
      person_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      contacts jsonb NOT NULL DEFAULT '[]'
    )
    """,
    """
    CREATE TABLE dispatcher.rates (
      key text PRIMARY KEY,
      tenant_id uuid NOT NULL,
      next_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE dispatcher.sandbox (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      person_id uuid NOT NULL,
      touch_id uuid NOT NULL,
      attempt_id uuid NOT NULL,
      account_id uuid NOT NULL,
      channel text NOT NULL,
      recipient text,
      sender text NOT NULL,
      subject text,
      text text,
      html text,
      voicemail text,
      at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX sandbox_by_touch ON dispatcher.sandbox (touch_id)",
    "CREATE INDEX sandbox_by_tenant ON dispatcher.sandbox (tenant_id, id)",
    *protect("dispatcher", "attempts", api="SELECT, UPDATE"),
    *protect("dispatcher", "usage", api="SELECT, UPDATE"),
    *protect("dispatcher", "rates", api="SELECT"),
    *protect("dispatcher", "sandbox", api="SELECT"),
]


def upgrade() -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
