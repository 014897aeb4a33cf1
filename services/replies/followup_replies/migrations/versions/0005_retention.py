"""What is still held of messages and callbacks, by its age: for tenants that forget."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE INDEX messages_held ON replies.messages (tenant_id, at) WHERE payload IS NOT NULL
    """,
    """
    CREATE INDEX callbacks_held ON replies.callbacks (tenant_id, at)
      WHERE matched AND (payload <> '{}' OR report <> '{}')
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
