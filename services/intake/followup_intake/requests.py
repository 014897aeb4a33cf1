"""Requests with an `Idempotency-Key`: carried out once, answered as often as asked.

The key is taken in the transaction that does the work and its answer is kept there,
so either both are there or neither is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import text

from followup_database import Row, Transaction
from followup_database.engine import to_json
from followup_intake.errors import KeyReused, StillRunning

# The loser of a race waits here until the winner has committed or given up.
_TAKE = text("""
INSERT INTO intake.requests (tenant_id, key, body_hash)
SELECT CAST(:tenant AS uuid), key, hash
FROM unnest(CAST(:keys AS text[]), CAST(:hashes AS bytea[])) AS r(key, hash)
ORDER BY key COLLATE "C"
ON CONFLICT DO NOTHING
RETURNING key
""")
_KEPT = text("""
SELECT key, body_hash, status, answer FROM intake.requests
WHERE tenant_id = :tenant AND key = ANY(CAST(:keys AS text[]))
""")
_ANSWER = text("""
UPDATE intake.requests q SET status = r.status, answer = CAST(r.answer AS jsonb)
FROM unnest(CAST(:keys AS text[]), CAST(:statuses AS int[]), CAST(:answers AS text[]))
  AS r(key, status, answer)
WHERE q.tenant_id = :tenant AND q.key = r.key
""")
_FORGET = text("""
DELETE FROM intake.requests WHERE asked_on < statement_timestamp() - make_interval(hours => :hours)
""")

KEPT_HOURS = 48


@dataclass(frozen=True, slots=True)
class Answer:
    """A kept answer: status and body."""

    status: int
    body: Mapping[str, Any]


Kept = Answer | KeyReused | StillRunning


async def take(
    tx: Transaction, asked: Mapping[str, bytes], *, without: Collection[str | None] = ()
) -> dict[str, Kept]:
    """Take keys for the requests with these bodies; what there is for keys taken before.

    That is the kept answer, or why there is none for this request. Keys `without` are
    looked up and not taken.
    """
    hashes = {key: sha256(body).digest() for key, body in asked.items()}
    wanted = [key for key in asked if key not in without]
    taken = set()
    if wanted:
        rows = await tx.all(
            _TAKE, tenant=tx.tenant, keys=wanted, hashes=[hashes[key] for key in wanted]
        )
        taken = {row["key"] for row in rows}
    others = [key for key in asked if key not in taken]
    if not others:
        return {}
    known = {row["key"]: row for row in await tx.all(_KEPT, tenant=tx.tenant, keys=others)}
    found = {key: _kept(known.get(key), hashes[key]) for key in others}
    return {key: kept for key, kept in found.items() if key in known or key not in without}


def _kept(row: Row | None, hashed: bytes) -> Kept:
    if row is None or row["status"] is None:
        return StillRunning("a request with this Idempotency-Key is under way")
    if bytes(row["body_hash"]) != hashed:
        return KeyReused("this Idempotency-Key was used with another body")
    return Answer(row["status"], row["answer"])


async def keep(tx: Transaction, answers: Mapping[str, Answer]) -> None:
    """Keep the answers by key, with the work."""
    if answers:
        await tx.run(
            _ANSWER,
            tenant=tx.tenant,
            keys=list(answers),
            statuses=[answer.status for answer in answers.values()],
            answers=[to_json(dict(answer.body)) for answer in answers.values()],
        )


async def forget_old(tx: Transaction) -> int:
    """Forget answers older than two days."""
    return await tx.run(_FORGET, hours=KEPT_HOURS)
