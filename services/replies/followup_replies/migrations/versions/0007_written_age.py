"""What is still held of written messages, by its age: for tenants that forget."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX written_held ON replies.written (tenant_id, at) WHERE body IS NOT NULL"
    )
