"""The list, holds, epochs."""

from alembic import op

from followup_database.roles import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE TABLE suppression.list (
        tenant_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('phone', 'email')),
        channel text NOT NULL CHECK (channel IN ('sms', 'voice', 'email', 'all')),
        hash bytea NOT NULL CHECK (octet_length(hash) = 32),
        reason text NOT NULL,
        via text NOT NULL,
        listed_at timestamptz NOT NULL,
        lifted_at timestamptz,
        lifted_via text,
        PRIMARY KEY (tenant_id, hash, channel)
    )
    """,
    # A listing is lifted, never forgotten.
    *protect("suppression", "list", api="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE"),
    """
    CREATE TABLE suppression.holds (
        tenant_id uuid NOT NULL,
        person_id uuid NOT NULL,
        reply_id uuid NOT NULL,
        placed_at timestamptz NOT NULL,
        PRIMARY KEY (person_id, reply_id)
    )
    """,
    *protect("suppression", "holds"),
    """
    CREATE TABLE suppression.epochs (
        tenant_id uuid NOT NULL,
        enrollment_id uuid PRIMARY KEY,
        epoch integer NOT NULL CHECK (epoch > 0)
    ) WITH (fillfactor = 80)
    """,
    *protect("suppression", "epochs"),
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
