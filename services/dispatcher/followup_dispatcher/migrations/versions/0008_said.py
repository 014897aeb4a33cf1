"""What went out, in its words, for whoever shows a conversation: a view, and no second copy.

It is looked at with the rights of whoever asks, so that a tenant's key sees its own rows.
"""

from alembic import op

from followup_database.roles import Role

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE VIEW dispatcher.said WITH (security_invoker = true) AS
    SELECT tenant_id, touch_id, id AS attempt_id, subject, body FROM dispatcher.attempts
    """,
    f"GRANT SELECT ON dispatcher.said TO {Role.API}, {Role.WORKER}",
)


def upgrade() -> None:
    """Add the view."""
    for statement in STATEMENTS:
        op.execute(statement)
