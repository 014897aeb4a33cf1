"""Emergency stops and exemptions: who closed or opened what, when and why."""

from alembic import op

from followup_database.roles import Role, protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What holds for every tenant of the installation stands under the nil UUID.
_EVERYBODY = "tenant_id = '00000000-0000-0000-0000-000000000000'"

STATEMENTS = [
    """
    CREATE TABLE directory.emergency_stops (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        jurisdiction text NOT NULL,
        reason text NOT NULL,
        declared_by text NOT NULL,
        declared_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        lifted_by text,
        lifted_at timestamptz
    )
    """,
    """
    CREATE UNIQUE INDEX emergency_stops_open
        ON directory.emergency_stops (tenant_id, jurisdiction) WHERE lifted_at IS NULL
    """,
    *protect("directory", "emergency_stops", api="SELECT, INSERT, UPDATE (lifted_by, lifted_at)"),
    f"""
    CREATE POLICY everybodys ON directory.emergency_stops FOR SELECT TO {Role.API}
        USING ({_EVERYBODY})
    """,
    """
    CREATE TABLE directory.exemptions (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        jurisdiction text NOT NULL,
        what text NOT NULL CHECK (what IN ('hours', 'caps')),
        channels text[] NOT NULL CHECK (cardinality(channels) > 0),
        reason text NOT NULL,
        granted_by text NOT NULL,
        granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        ends_at timestamptz NOT NULL,
        revoked_by text,
        revoked_at timestamptz
    )
    """,
    "CREATE INDEX exemptions_tenant ON directory.exemptions (tenant_id, id)",
    *protect("directory", "exemptions", api="SELECT, INSERT, UPDATE (revoked_by, revoked_at)"),
]


def upgrade() -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
