"""What an import's result file tells of each row."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    ALTER TABLE intake.import_rows
      ADD COLUMN other_reasons text[] NOT NULL DEFAULT '{}',
      ADD COLUMN merged boolean NOT NULL DEFAULT false
    """,
    "ALTER TABLE intake.imports ADD COLUMN finished_at timestamptz",
    "CREATE INDEX imports_by_tenant ON intake.imports (tenant_id, id)",
]


def upgrade() -> None:
    """Add the columns."""
    for statement in STATEMENTS:
        op.execute(statement)
