"""Events for the products around: kept, with the change they tell of, for who follows them.

A followed tenant's events are written here by the statement that puts them into the
outbox, so there is one for each that was committed, and none for any other. Whoever numbers
them takes them away again. Nothing goes through the broker on this way.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction

# A day is enough to tell who is still interested, and spares a write a request.
_FOLLOW = text("""
    INSERT INTO messaging.followed AS f (tenant_id) VALUES (:tenant_id)
    ON CONFLICT (tenant_id) DO UPDATE SET asked_on = clock_timestamp()
    WHERE f.asked_on < statement_timestamp() - interval '1 day'
""")
_UNFOLLOW = text("""
    DELETE FROM messaging.followed
    WHERE tenant_id = ANY(CAST(:ids AS uuid[]))
      AND asked_on < statement_timestamp() - CAST(:silence AS interval)
""")
# One at a time: two who took from the same end would number them in turns.
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('messaging.feed'))")
_TAKE = text("""
    WITH taken AS (
      DELETE FROM messaging.feed WHERE place IN (
        SELECT place FROM messaging.feed ORDER BY place LIMIT :most)
      RETURNING place, body)
    SELECT body FROM taken ORDER BY place
""")
_WAITED = text("""
    SELECT COALESCE(extract(epoch FROM clock_timestamp()
      - (SELECT at FROM messaging.feed ORDER BY place LIMIT 1)), 0)::float
""")


@dataclass(frozen=True, slots=True)
class FedEvent:
    """An event as it was published. Its type may be one that only newer processes know."""

    id: UUID
    tenant_id: UUID
    type: str
    time: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken: events, each after those it may follow from; `full`: there may be more."""

    events: Sequence[FedEvent]
    full: bool


async def follow(tx: Transaction, tenant_id: UUID) -> None:
    """Have a tenant's events kept from now on, and note that somebody wants them."""
    await tx.run(_FOLLOW, tenant_id=tenant_id)


async def unfollow(tx: Transaction, tenant_ids: Sequence[UUID], *, silence: timedelta) -> int:
    """Keep no more events of those of them nobody asked for that long (a worker's); how many."""
    return await tx.run(_UNFOLLOW, ids=list(tenant_ids), silence=silence)


async def take(tx: Transaction, *, most: int) -> Taken | None:
    """Take the first away, in the caller's transaction (a worker's); None while another does.

    An event that was committed before another began is taken before it or with it, and
    stands before it.
    """
    if not await tx.scalar(_ALONE):
        return None
    rows = await tx.all(_TAKE, most=most)
    return Taken([_event(row["body"]) for row in rows], full=len(rows) == most)


async def longest_wait(tx: Transaction) -> float:
    """For how many seconds the first has waited to be taken; 0 when there is none."""
    waited: float = await tx.scalar(_WAITED)
    return max(0.0, waited)


def _event(body: bytes) -> FedEvent:
    event = json.loads(body)
    return FedEvent(
        UUID(event["id"]),
        UUID(event["tenantid"]),
        event["type"],
        datetime.fromisoformat(event["time"]),
        event["data"],
    )
