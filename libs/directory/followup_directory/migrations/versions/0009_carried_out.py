"""Whether a request was carried out stands in the transaction that did: its answer may be lost."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE directory.answers ADD COLUMN done boolean NOT NULL DEFAULT false")
