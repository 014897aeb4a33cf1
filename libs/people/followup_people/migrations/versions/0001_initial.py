"""Persons, contact points, leads, consents."""

from alembic import op

from followup_database.roles import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A row that moves to another person keeps everything else it says.
_HISTORY = "SELECT, INSERT, UPDATE (person_id), DELETE"

STATEMENTS = [
    """
    CREATE TABLE people.persons (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        first_name text,
        last_name text,
        language text,
        stated_zone text,
        country text,
        state text,
        postal_code text,
        city text,
        audience text NOT NULL CHECK (audience IN ('b2b', 'b2c')),
        attributes jsonb NOT NULL DEFAULT '{}',
        birthday date,
        consent jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL,
        merged_into uuid
    )
    """,
    # Erasure and `same_person` walk from the survivor to those it absorbed.
    """
    CREATE INDEX persons_merged_into ON people.persons (merged_into)
        WHERE merged_into IS NOT NULL
    """,
    *protect("people", "persons"),
    """
    CREATE TABLE people.contact_points (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        person_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('phone', 'email')),
        address text NOT NULL,
        match_key text NOT NULL,
        state text NOT NULL CHECK (state IN ('usable', 'possible', 'wrong', 'bounced')),
        created_at timestamptz NOT NULL,
        UNIQUE (tenant_id, kind, match_key)
    )
    """,
    "CREATE INDEX contact_points_person ON people.contact_points (person_id)",
    *protect("people", "contact_points"),
    """
    CREATE TABLE people.leads (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        person_id uuid NOT NULL,
        source text NOT NULL,
        external_id text,
        asked boolean NOT NULL,
        need text,
        value numeric,
        currency text,
        attributes jsonb NOT NULL DEFAULT '{}',
        received_at timestamptz NOT NULL,
        state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'converted', 'lost')),
        UNIQUE (tenant_id, external_id)
    )
    """,
    "CREATE INDEX leads_person ON people.leads (person_id)",
    "CREATE INDEX leads_received ON people.leads (tenant_id, received_at, id)",
    *protect("people", "leads"),
    """
    CREATE TABLE people.consents (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        person_id uuid NOT NULL,
        channel text NOT NULL CHECK (channel IN ('sms', 'email', 'voice', 'any')),
        state text NOT NULL CHECK (state IN ('yes', 'no', 'unknown')),
        wording text,
        method text,
        source text,
        page text,
        ip text,
        user_agent text,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX consents_person ON people.consents (person_id, channel, at)",
    *protect("people", "consents", api=_HISTORY, worker=_HISTORY),
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
