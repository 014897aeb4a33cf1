"""Room for more vendors: raw messages, one planted id, events without a meaning, replays."""

from alembic import op

from followup_database.roles import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE replies.messages ADD COLUMN payload jsonb",
    # The attempt that a vendor echoes where it has room for one id only.
    "ALTER TABLE replies.callbacks ADD COLUMN planted uuid",
    """
    CREATE INDEX callbacks_planted ON replies.callbacks (planted)
      WHERE NOT matched AND planted IS NOT NULL
    """,
    # Of kind `other`: kept as it came, about nothing of ours and waiting for nothing.
    "ALTER TABLE replies.callbacks DROP CONSTRAINT callbacks_kind_check",
    """
    ALTER TABLE replies.callbacks ADD CONSTRAINT callbacks_kind_check
      CHECK (kind IN ('message', 'call', 'other'))
    """,
    "ALTER TABLE replies.callbacks DROP CONSTRAINT callbacks_check",
    """
    ALTER TABLE replies.callbacks ADD CONSTRAINT callbacks_check
      CHECK (kind = 'other' OR matched = (attempt_id IS NOT NULL))
    """,
    # Machine time: a vendor's clock knows nothing of business time.
    """
    CREATE TABLE replies.spent (
      account_id uuid NOT NULL,
      word text NOT NULL,
      tenant_id uuid NOT NULL,
      until timestamptz NOT NULL,
      PRIMARY KEY (account_id, word)
    )
    """,
    "CREATE INDEX spent_until ON replies.spent (until)",
    *protect("replies", "spent"),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
