"""Tasks that are assigned, snoozed and remembered; what is planned, by when it is due."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE scheduler.tasks
      ADD COLUMN title text,
      ADD COLUMN step text,
      ADD COLUMN occurrence int NOT NULL DEFAULT 0,
      ADD COLUMN assignee text,
      ADD COLUMN outcomes jsonb NOT NULL DEFAULT '[]',
      ADD COLUMN note text,
      ADD COLUMN remind_at timestamptz,
      ADD COLUMN reminded_at timestamptz,
      ADD COLUMN snoozed int NOT NULL DEFAULT 0,
      DROP CONSTRAINT tasks_state_check,
      ADD CONSTRAINT tasks_state_check CHECK (state IN ('open', 'done', 'withdrawn'))
    """,
    """
    CREATE INDEX tasks_assignee ON scheduler.tasks (tenant_id, assignee, due_at, id)
    WHERE state = 'open' AND assignee IS NOT NULL
    """,
    """
    CREATE INDEX tasks_closed ON scheduler.tasks (tenant_id, state, due_at, id)
    WHERE state <> 'open'
    """,
    # The agenda pages through what is planned without looking at what has gone.
    """
    CREATE INDEX touches_planned ON scheduler.touches (tenant_id, due_at, id)
    WHERE state = 'planned'
    """,
    """
    ALTER TABLE scheduler.timers
      DROP CONSTRAINT timers_kind_check,
      ADD CONSTRAINT timers_kind_check CHECK (kind IN ('touch', 'wake', 'remind'))
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
