"""Keys that end, are limited and are replaced; what they used; who did what."""

from alembic import op

from followup_database.roles import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    ALTER TABLE directory.api_keys
        ADD COLUMN expires_at timestamptz,
        ADD COLUMN per_minute integer CHECK (per_minute > 0),
        ADD COLUMN replaced_by uuid
    """,
    "GRANT UPDATE (expires_at, replaced_by) ON directory.api_keys TO followup_api",
    # One row a key: the minute that is being counted, and what was reserved of it.
    """
    CREATE TABLE directory.key_usage (
        key_id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        minute timestamptz NOT NULL,
        used integer NOT NULL
    )
    """,
    *protect("directory", "key_usage"),
    # Written and read, never changed; only a tenant's end deletes its entries.
    """
    CREATE TABLE directory.audit (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        actor text NOT NULL CHECK (actor IN ('key', 'command', 'service')),
        key_id uuid,
        action text NOT NULL,
        subjects uuid[] NOT NULL DEFAULT '{}',
        detail jsonb NOT NULL DEFAULT '{}',
        CHECK ((actor = 'key') = (key_id IS NOT NULL))
    )
    """,
    "CREATE INDEX audit_tenant ON directory.audit (tenant_id, id)",
    "CREATE INDEX audit_key ON directory.audit (key_id, id) WHERE key_id IS NOT NULL",
    "CREATE INDEX audit_subjects ON directory.audit USING gin (subjects)",
    *protect("directory", "audit", api="SELECT, INSERT", worker="SELECT, INSERT, DELETE"),
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
