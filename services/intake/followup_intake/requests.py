"""Requests with an `Idempotency-Key`: carried out once, answered as often as asked.

The key is taken in the transaction that does the work and its answer is kept there,
so either both are there or neither is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import text

from followup_database import Transaction
from followup_database.engine import to_json
from followup_intake.errors import KeyReused, StillRunning

# The loser of a race waits here until the winner has committed or given up.
_TAKE = text("""
INSERT INTO intake.requests (tenant_id, key, body_hash) VALUES (:tenant, :key, :hash)
ON CONFLICT DO NOTHING
""")
_KEPT = text("""
SELECT body_hash, status, answer FROM intake.requests WHERE tenant_id = :tenant AND key = :key
""")
_ANSWER = text("""
UPDATE intake.requests SET status = :status, answer = CAST(:answer AS jsonb)
WHERE tenant_id = :tenant AND key = :key
""")
_FORGET = text("""
DELETE FROM intake.requests WHERE asked_on < clock_timestamp() - make_interval(hours => :hours)
""")

KEPT_HOURS = 48


@dataclass(frozen=True, slots=True)
class Answer:
    """A kept answer: status and body."""

    status: int
    body: Mapping[str, Any]


async def take(tx: Transaction, key: str, body: bytes) -> Answer | None:
    """Take the key for this request; the kept answer when it was carried out before.

    Raises `KeyReused` when the key came with another body.
    """
    hashed = sha256(body).digest()
    if await tx.run(_TAKE, tenant=tx.tenant, key=key, hash=hashed) == 1:
        return None
    row = await tx.first(_KEPT, tenant=tx.tenant, key=key)
    if row is None or row["status"] is None:
        raise StillRunning("a request with this Idempotency-Key is under way")
    if bytes(row["body_hash"]) != hashed:
        raise KeyReused("this Idempotency-Key was used with another body")
    return Answer(row["status"], row["answer"])


async def keep(tx: Transaction, key: str, answer: Answer) -> None:
    """Keep the answer with the work."""
    await tx.run(
        _ANSWER, tenant=tx.tenant, key=key, status=answer.status, answer=to_json(dict(answer.body))
    )


async def forget_old(tx: Transaction) -> int:
    """Forget answers older than two days."""
    return await tx.run(_FORGET, hours=KEPT_HOURS)
