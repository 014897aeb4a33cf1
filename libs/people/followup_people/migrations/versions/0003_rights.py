"""Consent as evidence, merges that can be undone, history, and what people ask for."""

from alembic import op

from followup_database.roles import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    ALTER TABLE people.consents
        ADD COLUMN lead_id uuid,
        ADD COLUMN purpose text NOT NULL DEFAULT 'marketing',
        ADD COLUMN seller text,
        ADD COLUMN addresses text[] NOT NULL DEFAULT '{}',
        ADD COLUMN wording_hash bytea,
        ADD COLUMN jurisdiction text,
        ADD COLUMN confirmed_at timestamptz,
        ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
    """,
    # `lead_id`: one more enquiry of somebody known; `absorbed`: two found to be one human.
    """
    CREATE TABLE people.merges (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        person_id uuid NOT NULL,
        lead_id uuid,
        absorbed uuid,
        matched text[] NOT NULL DEFAULT '{}',
        kept jsonb NOT NULL,
        at timestamptz NOT NULL,
        undone_at timestamptz,
        CHECK ((lead_id IS NULL) <> (absorbed IS NULL))
    )
    """,
    "CREATE INDEX merges_person ON people.merges (person_id)",
    "CREATE INDEX merges_lead ON people.merges (lead_id) WHERE lead_id IS NOT NULL",
    *protect("people", "merges"),
    """
    CREATE TABLE people.history (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        person_id uuid NOT NULL,
        lead_id uuid,
        key_id uuid,
        changes jsonb NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX history_person ON people.history (person_id, id)",
    *protect("people", "history", api="SELECT, INSERT, UPDATE (person_id), DELETE"),
    # What was asked for, and which services have not done their part. Addresses are kept
    # until all have, then emptied. Machine time.
    """
    CREATE TABLE people.rights (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('erase', 'export')),
        persons uuid[] NOT NULL,
        addresses text[] NOT NULL DEFAULT '{}',
        key_id uuid,
        waiting text[] NOT NULL,
        counts jsonb NOT NULL DEFAULT '{}',
        asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        finished_at timestamptz
    )
    """,
    "CREATE INDEX rights_open ON people.rights USING gin (waiting) WHERE finished_at IS NULL",
    "CREATE INDEX rights_tenant ON people.rights (tenant_id, id)",
    *protect("people", "rights"),
    """
    CREATE TABLE people.right_parts (
        right_id uuid NOT NULL,
        tenant_id uuid NOT NULL,
        service text NOT NULL,
        content jsonb NOT NULL,
        PRIMARY KEY (right_id, service)
    )
    """,
    *protect("people", "right_parts"),
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
