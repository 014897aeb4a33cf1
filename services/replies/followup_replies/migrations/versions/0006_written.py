"""What people of the tenant wrote themselves, and the letters that a letter names."""

from alembic import op

from followup_database.roles import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The id is the touch's too. `asked` is the request that a key stands for, hashed.
WRITTEN = """
CREATE TABLE replies.written (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  key text NOT NULL,
  asked bytea NOT NULL,
  lead_id uuid NOT NULL,
  person_id uuid NOT NULL,
  channel text NOT NULL CHECK (channel <> ''),
  subject text,
  body text,
  written_by text,
  state text NOT NULL CHECK (state IN ('waiting', 'sent', 'failed', 'skipped', 'unknown')),
  rule text,
  reason text,
  not_before timestamptz,
  at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (tenant_id, key)
)
"""

STATEMENTS = (
    WRITTEN,
    "CREATE INDEX written_lead ON replies.written (lead_id, at)",
    "CREATE INDEX written_person ON replies.written (person_id)",
    *protect("replies", "written"),
    # `Message-ID`s, oldest first, the letter's own last: what an answer to it names.
    "ALTER TABLE replies.messages ADD COLUMN thread text[]",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
