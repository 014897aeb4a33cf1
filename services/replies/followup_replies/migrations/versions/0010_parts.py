"""Parts of long texts, until they are read together; then what tells a repetition."""

from alembic import op

from followup_database.roles import protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Machine time: a person's phone and their vendor know nothing of business time.
PARTS = """
CREATE TABLE replies.parts (
  account_id uuid NOT NULL,
  vendor_id text NOT NULL,
  tenant_id uuid NOT NULL,
  text_id uuid NOT NULL,
  reply_id uuid NOT NULL,
  person_id uuid,
  channel text NOT NULL CHECK (channel <> ''),
  address text,
  our_address text NOT NULL,
  address_hash bytea NOT NULL,
  ref text NOT NULL,
  total smallint NOT NULL,
  number smallint NOT NULL,
  body text,
  payload jsonb,
  read boolean NOT NULL DEFAULT false,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (account_id, vendor_id),
  CHECK (number BETWEEN 1 AND total),
  CHECK (read OR (address IS NOT NULL AND body IS NOT NULL AND payload IS NOT NULL))
)
"""

STATEMENTS = (
    PARTS,
    "CREATE INDEX parts_text ON replies.parts (account_id, address_hash, ref, received_at)",
    "CREATE INDEX parts_reply ON replies.parts (reply_id)",
    "CREATE INDEX parts_person ON replies.parts (person_id) WHERE person_id IS NOT NULL",
    "CREATE INDEX parts_unread ON replies.parts (received_at) WHERE NOT read",
    "CREATE INDEX parts_read ON replies.parts (received_at) WHERE read",
    *protect("replies", "parts"),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
