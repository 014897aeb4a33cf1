"""Sent touches, deliveries, callbacks and messages."""

from alembic import op

from followup_database.roles import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Ids only, so that what comes back finds whom it is about.
SENT_TOUCHES = """
CREATE TABLE replies.sent_touches (
  attempt_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  touch_id uuid NOT NULL,
  enrollment_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  person_id uuid NOT NULL,
  channel text NOT NULL CHECK (channel IN ('sms', 'email', 'voice')),
  account_id uuid NOT NULL,
  provider text NOT NULL,
  provider_ref text,
  sender text,
  at timestamptz NOT NULL
)
"""

# How far an attempt has come by its provider's word; the rank only grows.
DELIVERIES = """
CREATE TABLE replies.deliveries (
  attempt_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  person_id uuid NOT NULL,
  state text NOT NULL,
  rank smallint NOT NULL,
  heard text CHECK (heard IN ('person', 'voicemail', 'machine')),
  at timestamptz NOT NULL
)
"""

CALLBACKS = """
CREATE TABLE replies.callbacks (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  account_id uuid NOT NULL,
  provider text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('message', 'call')),
  dedupe_key text NOT NULL,
  provider_ref text NOT NULL,
  state text NOT NULL,
  report jsonb NOT NULL,
  payload jsonb NOT NULL,
  matched boolean NOT NULL,
  attempt_id uuid,
  person_id uuid,
  at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (account_id, dedupe_key),
  CHECK (matched = (attempt_id IS NOT NULL))
)
"""

MESSAGES = """
CREATE TABLE replies.messages (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  account_id uuid NOT NULL,
  vendor_id text NOT NULL,
  person_id uuid,
  lead_id uuid,
  enrollment_id uuid,
  touch_id uuid,
  channel text NOT NULL CHECK (channel IN ('sms', 'email', 'voice')),
  direction text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
  our_address text,
  address text,
  address_hash bytea NOT NULL,
  subject text,
  body text,
  answer text,
  intent text NOT NULL,
  opt_out boolean NOT NULL,
  confidence double precision NOT NULL,
  until date,
  rules text[] NOT NULL,
  at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (account_id, vendor_id)
)
"""

INDEXES = (
    "CREATE INDEX sent_touches_ref ON replies.sent_touches (account_id, provider_ref)",
    "CREATE INDEX sent_touches_person ON replies.sent_touches (person_id, at)",
    "CREATE INDEX sent_touches_lead ON replies.sent_touches (lead_id, at)",
    """
    CREATE INDEX callbacks_parked ON replies.callbacks (account_id, provider_ref)
      WHERE NOT matched
    """,
    "CREATE INDEX callbacks_person ON replies.callbacks (person_id)",
    "CREATE INDEX messages_person ON replies.messages (person_id, at)",
    "CREATE INDEX messages_lead ON replies.messages (lead_id, at)",
    """
    CREATE INDEX messages_stray ON replies.messages (received_at)
      WHERE person_id IS NULL AND address IS NOT NULL
    """,
)

TABLES = ("sent_touches", "deliveries", "callbacks", "messages")

STATEMENTS = (
    SENT_TOUCHES,
    DELIVERIES,
    CALLBACKS,
    MESSAGES,
    *INDEXES,
    *(statement for table in TABLES for statement in protect("replies", table)),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
