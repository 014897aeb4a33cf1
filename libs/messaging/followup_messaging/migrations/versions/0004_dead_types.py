"""A dead letter's type, to find letters by; unknown of those buried before."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE messaging.dead ADD COLUMN type text")
