"""Attempts by their own id, for a person who settles one: no scan of every month.

The ledger's key is the touch. One that is open is found by an index of the few that are.
Any other is found by the moment in its id (UUIDv7), about which it was claimed: rows stand
in that order, so a block-range index is enough, which a claim costs nothing.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE INDEX attempts_unknown_id ON dispatcher.attempts (id) WHERE state = 'unknown'",
    """
    CREATE INDEX attempts_claimed_about ON dispatcher.attempts
      USING brin (claimed_on) WITH (autosummarize = on, pages_per_range = 32)
    """,
)


def upgrade() -> None:
    """Add the indexes."""
    for statement in STATEMENTS:
        op.execute(statement)
