"""A tenant's persons by their age: for tenants that forget whom nobody has heard of."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS persons_age ON people.persons (tenant_id, created_at, id)"
        " WHERE merged_into IS NULL"
    )
