"""When a person last said that they are not interested."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE people.persons ADD COLUMN refused_at timestamptz")
