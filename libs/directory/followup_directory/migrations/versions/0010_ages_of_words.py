"""Words for one person by their age: for tenants that forget."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS templates_words"
        " ON directory.templates (tenant_id, created_at, hash) WHERE person_id IS NOT NULL"
    )
