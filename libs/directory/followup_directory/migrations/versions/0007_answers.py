"""Answers that are kept for an `Idempotency-Key`, so that asking twice does once."""

from alembic import op

from followup_database.roles import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = [
    # Without `status` the request is under way. `sealed` is what was answered, under the
    # API key that asked: nobody else can read it. Machine time.
    """
    CREATE TABLE directory.answers (
        tenant_id uuid NOT NULL,
        key_id uuid NOT NULL,
        key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
        request bytea NOT NULL,
        asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        status integer CHECK (status BETWEEN 200 AND 399),
        sealed bytea,
        PRIMARY KEY (key_id, key),
        CHECK ((status IS NULL) = (sealed IS NULL))
    )
    """,
    "CREATE INDEX answers_asked ON directory.answers (asked_at)",
    *protect("directory", "answers"),
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
