"""How long a hold has stood by machine time, and whether a person was asked about it."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    ALTER TABLE suppression.holds
        ADD COLUMN placed_on timestamptz NOT NULL DEFAULT clock_timestamp(),
        ADD COLUMN asked_on timestamptz
    """,
    # Few holds stand at any moment; of those somebody was asked about none is looked at again.
    """
    CREATE INDEX holds_unasked ON suppression.holds (placed_on) WHERE asked_on IS NULL
    """,
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
