"""Answers kept for an `Idempotency-Key`: a request that comes twice is carried out once.

    taken ── done (with the work) ── answered

A key belongs to the API key that sent it. It is taken before the work and its answer kept
behind it, each in a transaction of its own; that something was done is committed with it.
What is left by a process that died may be taken over after `LEASE` seconds, if nothing was
done; if something was, it is not done again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction

LEASE = 120
"""Seconds after which a request without an answer is taken for lost."""
KEPT_HOURS = 48

_TAKE = text("""
    INSERT INTO directory.answers AS a (tenant_id, key_id, key, request)
    VALUES (:tenant_id, :key_id, :key, :request)
    ON CONFLICT (key_id, key) DO UPDATE SET asked_at = clock_timestamp()
        WHERE a.status IS NULL AND NOT a.done AND a.request = excluded.request
          AND a.asked_at < clock_timestamp() - make_interval(secs => :lease)
    RETURNING key
""")
_KEPT = text("""
    SELECT request, status, sealed,
        done AND asked_at < clock_timestamp() - make_interval(secs => :lease) AS lost
    FROM directory.answers
    WHERE tenant_id = :tenant_id AND key_id = :key_id AND key = :key
""")
# What has only read has no transaction's number.
_DONE = text("""
    UPDATE directory.answers SET done = true
    WHERE tenant_id = :tenant_id AND key_id = :key_id AND key = :key
        AND status IS NULL AND NOT done AND pg_current_xact_id_if_assigned() IS NOT NULL
""")
_KEEP = text("""
    UPDATE directory.answers SET status = :status, sealed = :sealed
    WHERE tenant_id = :tenant_id AND key_id = :key_id AND key = :key AND status IS NULL
""")
_DROP = text("""
    DELETE FROM directory.answers
    WHERE tenant_id = :tenant_id AND key_id = :key_id AND key = :key AND status IS NULL
""")
_FAILED = text("""
    WITH free AS (
        DELETE FROM directory.answers
        WHERE tenant_id = :tenant_id AND key_id = :key_id AND key = :key
            AND status IS NULL AND NOT done)
    UPDATE directory.answers SET asked_at = asked_at - make_interval(secs => :lease)
    WHERE tenant_id = :tenant_id AND key_id = :key_id AND key = :key
        AND status IS NULL AND done
""")
_FORGET = text("""
    DELETE FROM directory.answers
    WHERE asked_at < clock_timestamp() - make_interval(hours => :hours)
""")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be carried out once. `request` is a hash of all of it."""

    tenant_id: UUID
    key_id: UUID
    key: str
    request: bytes

    @property
    def place(self) -> Mapping[str, UUID | str]:
        """Where its answer stands."""
        return {"tenant_id": self.tenant_id, "key_id": self.key_id, "key": self.key}


@dataclass(frozen=True, slots=True)
class Taken:
    """It is the caller's to carry out, and to `keep_answer`, `drop_request` or `give_up`."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Somebody is carrying it out."""


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """It was carried out, at least in part, by a process that did not come to answer."""


@dataclass(frozen=True, slots=True)
class AnotherRequest:
    """The key stands for another request."""


@dataclass(frozen=True, slots=True)
class Answered:
    """It was carried out; what was answered, as it was sealed."""

    status: int
    sealed: bytes


Repeat = Taken | UnderWay | AnswerLost | AnotherRequest | Answered


async def take_request(tx: Transaction, asked: Asked) -> Repeat:
    """Take a request to be carried out, or learn what became of it."""
    taken = await tx.first(_TAKE, **asked.place, request=asked.request, lease=LEASE)
    if taken is not None:
        return Taken()
    row = await tx.first(_KEPT, **asked.place, lease=LEASE)
    if row is None:  # dropped in this very moment: whoever asks again may have it
        return UnderWay()
    if bytes(row["request"]) != asked.request:
        return AnotherRequest()
    if row["status"] is None:
        return AnswerLost() if row["lost"] else UnderWay()
    return Answered(row["status"], bytes(row["sealed"]))


async def note_done(tx: Transaction, asked: Asked) -> None:
    """Commit with what this transaction wrote that it was done; nothing with none."""
    await tx.run(_DONE, **asked.place)


async def keep_answer(tx: Transaction, asked: Asked, *, status: int, sealed: bytes) -> None:
    """Keep what was answered, for two days."""
    await tx.run(_KEEP, **asked.place, status=status, sealed=sealed)


async def drop_request(tx: Transaction, asked: Asked) -> None:
    """Give a request back that was refused: it may be asked again at once."""
    await tx.run(_DROP, **asked.place)


async def give_up(tx: Transaction, asked: Asked) -> None:
    """Give a request back that failed; what it did before it did stays done, unanswered."""
    await tx.run(_FAILED, **asked.place, lease=LEASE)


async def forget_answers(tx: Transaction) -> int:
    """Forget answers older than two days (worker's transaction)."""
    return await tx.run(_FORGET, hours=KEPT_HOURS)
