"""Clicks on counted links, with the touch that the link was in."""

from alembic import op

from followup_database.roles import protect

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# `link` is a digest of the link's token: ids and times, and nothing that somebody said.
CLICKS = """
CREATE TABLE replies.clicks (
  touch_id uuid NOT NULL,
  link bytea NOT NULL,
  minute timestamptz NOT NULL,
  tenant_id uuid NOT NULL,
  person_id uuid NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (touch_id, link, minute)
)
"""

STATEMENTS = (CLICKS, *protect("replies", "clicks"))


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
