"""What is left to do for tenants that were deleted, and what was done."""

from alembic import op

from followup_database.roles import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = [
    # One row for each service's part. `place` and `page`: where its walk stands. `found`:
    # rows of the round under way. Machine time.
    """
    CREATE TABLE directory.removals (
        tenant_id uuid NOT NULL,
        service text NOT NULL,
        asked_by uuid,
        asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        next_at timestamptz NOT NULL,
        place text,
        page bigint NOT NULL DEFAULT 0,
        found bigint NOT NULL DEFAULT 0,
        counts jsonb NOT NULL DEFAULT '{}',
        finished_at timestamptz,
        PRIMARY KEY (tenant_id, service)
    )
    """,
    """
    CREATE INDEX removals_open ON directory.removals (service, next_at)
        WHERE finished_at IS NULL
    """,
    *protect("directory", "removals", api=""),
    """
    INSERT INTO directory.removals (tenant_id, service, next_at)
    SELECT t.id, s.name, clock_timestamp()
    FROM directory.tenants t,
        unnest(ARRAY['intake', 'scheduler', 'dispatcher', 'replies']) AS s(name)
    WHERE t.state = 'deleted'
    """,
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
