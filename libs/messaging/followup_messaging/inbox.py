"""What a service has handled: the memory that makes handling idempotent."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from followup_contracts import Message
from followup_database import Transaction

_RECORD = text("""
    INSERT INTO messaging.inbox (message_id, consumer, tenant_id)
    SELECT id, :consumer, tenant_id
      FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[])) AS m(id, tenant_id)
     ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING message_id
""")


async def record(tx: Transaction, service: str, messages: Sequence[Message]) -> set[UUID]:
    """Note that `service` handles these in this transaction; the ids it had not handled before.

    Another transaction that is handling one of them is waited for; in key order, so
    that two consumers never wait for each other.
    """
    if not messages:
        return set()
    rows = await tx.all(
        _RECORD,
        consumer=service,
        ids=[message.id for message in messages],
        tenants=[message.tenant_id for message in messages],
    )
    return {row["message_id"] for row in rows}
