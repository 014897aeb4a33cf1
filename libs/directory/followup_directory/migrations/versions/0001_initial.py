"""Tenants, API keys, provider accounts, senders, templates."""

from alembic import op

from followup_database.roles import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE TABLE directory.tenants (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL CHECK (tenant_id = id),
        slug text NOT NULL UNIQUE,
        name text NOT NULL,
        state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'deleted')),
        settings jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    *protect("directory", "tenants", api="SELECT, UPDATE (name, settings)"),
    """
    CREATE TABLE directory.api_keys (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        name text NOT NULL,
        hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
        scopes text[] NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_used_at timestamptz,
        revoked_at timestamptz
    )
    """,
    "CREATE INDEX api_keys_tenant ON directory.api_keys (tenant_id)",
    *protect("directory", "api_keys", api="SELECT, INSERT, UPDATE (revoked_at)"),
    """
    CREATE TABLE directory.accounts (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        channel text NOT NULL CHECK (channel IN ('sms', 'email', 'voice')),
        provider text NOT NULL,
        name text NOT NULL,
        state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'stopped')),
        reason text,
        settings jsonb NOT NULL DEFAULT '{}',
        secrets bytea NOT NULL,
        priority integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        UNIQUE (tenant_id, channel, name)
    )
    """,
    *protect("directory", "accounts"),
    """
    CREATE TABLE directory.senders (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        account_id uuid NOT NULL REFERENCES directory.accounts (id) ON DELETE CASCADE,
        channel text NOT NULL CHECK (channel IN ('sms', 'email', 'voice')),
        address text NOT NULL,
        rate_per_second double precision CHECK (rate_per_second > 0),
        state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'stopped')),
        UNIQUE (account_id, channel, address)
    )
    """,
    # An inbound message is matched to its tenant by the address it was sent to.
    "CREATE INDEX senders_address ON directory.senders (tenant_id, channel, address)",
    *protect("directory", "senders"),
    # Bodies never change: they are found by what they say.
    """
    CREATE TABLE directory.templates (
        tenant_id uuid NOT NULL,
        hash text NOT NULL,
        channel text NOT NULL CHECK (channel IN ('sms', 'email', 'voice')),
        body jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant_id, hash)
    )
    """,
    *protect("directory", "templates", api="SELECT, INSERT", worker="SELECT, INSERT, DELETE"),
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
