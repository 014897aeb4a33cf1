"""What the products of some tenants are told of: whose, and what nobody has numbered yet."""

from alembic import op

from followup_database.roles import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE TABLE messaging.followed (
      tenant_id uuid PRIMARY KEY,
      asked_on timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    # A row stays for the second until it is numbered, so there are few; `place` is the order
    # of the inserts: what was committed before another began has the lower one.
    """
    CREATE TABLE messaging.feed (
      place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      tenant_id uuid NOT NULL,
      body bytea NOT NULL,
      at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    *protect("messaging", "followed", api="SELECT, INSERT, UPDATE"),
    *protect("messaging", "feed", api="INSERT"),
]


def upgrade() -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
