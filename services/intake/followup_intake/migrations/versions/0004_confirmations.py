"""Consents that wait to be confirmed."""

from alembic import op

from followup_database.roles import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE TABLE intake.confirmations (
      id uuid PRIMARY KEY,
      hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
      tenant_id uuid NOT NULL,
      person_id uuid NOT NULL,
      lead_id uuid NOT NULL,
      channel text NOT NULL,
      wording text NOT NULL,
      seller text NOT NULL,
      page text,
      ip text,
      user_agent text,
      asked_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      confirmed_at timestamptz
    )
    """,
    "CREATE INDEX confirmations_person ON intake.confirmations (person_id)",
    *protect("intake", "confirmations"),
]


def upgrade() -> None:
    """Make the table."""
    for statement in STATEMENTS:
        op.execute(statement)
