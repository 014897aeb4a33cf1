"""What persons answered, on which channel and to which touch."""

from alembic import op

from followup_database.roles import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ANSWERS = """
CREATE TABLE scheduler.answers (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  person_id uuid NOT NULL,
  lead_id uuid,
  touch_id uuid,
  channel text NOT NULL,
  intent text NOT NULL,
  at timestamptz NOT NULL
)
"""

STATEMENTS = (
    ANSWERS,
    "CREATE INDEX answers_lead ON scheduler.answers (lead_id, at)",
    "CREATE INDEX answers_person ON scheduler.answers (person_id)",
    *protect("scheduler", "answers"),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
