"""Failed deliveries are found by the order they were made in."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE INDEX deliveries_failed_listed ON intake.deliveries (endpoint_id, id)
      WHERE state = 'failed'
    """,
    "DROP INDEX intake.deliveries_failed",
]


def upgrade() -> None:
    """Put one index in another's place."""
    for statement in STATEMENTS:
        op.execute(statement)
