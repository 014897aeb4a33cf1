"""Holds: what nobody has decided on yet. While one stands, its person hears nothing.

Replies places one for a reply, intake one for a product event that may forbid a send,
each before it answers; the scheduler removes it in the transaction that decides. A
hold is named by the reply's id, or by the id of the event's message.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_database.engine import to_json

_PLACE = text("""
    INSERT INTO suppression.holds (tenant_id, person_id, reply_id, placed_at)
    SELECT r.tenant_id, r.person_id, r.reply_id, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS r(tenant_id uuid, person_id uuid, reply_id uuid)
    ORDER BY r.person_id, r.reply_id
    ON CONFLICT (person_id, reply_id) DO NOTHING
""")

_REMOVE = text("""
    WITH locked AS (
        SELECT h.person_id, h.reply_id
        FROM suppression.holds h
        JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(person_id uuid, reply_id uuid)
          ON h.person_id = r.person_id AND h.reply_id = r.reply_id
        ORDER BY h.person_id, h.reply_id
        FOR UPDATE OF h
    )
    DELETE FROM suppression.holds h USING locked
    WHERE h.person_id = locked.person_id AND h.reply_id = locked.reply_id
""")

_OF = text("""
    SELECT person_id, reply_id FROM suppression.holds
    WHERE person_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY person_id, reply_id
""")

_OLDEST = text("SELECT min(placed_at) FROM suppression.holds")

_COUNT = text("SELECT count(*) FROM (SELECT FROM suppression.holds LIMIT :most) AS counted")


async def place_hold(tx: Transaction, tenant_id: UUID, person_id: UUID, reply_id: UUID) -> bool:
    """Put the hold of a reply or an event on its person; False when it stands already."""
    return await place_holds(tx, [(tenant_id, person_id, reply_id)]) == 1


async def place_holds(tx: Transaction, holds: Sequence[tuple[UUID, UUID, UUID]]) -> int:
    """Place holds given as (tenant, person, reply or event); returns how many are new.

    One seen before must not be placed again after its hold was removed: the caller
    knows from its own ledger which replies are new.
    """
    rows = [{"tenant_id": t, "person_id": p, "reply_id": r} for t, p, r in holds]
    return await tx.run(_PLACE, rows=to_json(rows), now=tx.now)


async def remove_holds(tx: Transaction, holds: Sequence[tuple[UUID, UUID]]) -> int:
    """Remove holds given as (person, reply or event); returns how many stood."""
    rows = [{"person_id": p, "reply_id": r} for p, r in holds]
    return await tx.run(_REMOVE, rows=to_json(rows))


async def holds_of(tx: Transaction, person_ids: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """The replies and events that hold each person; a person without holds is not in the result."""
    found: dict[UUID, set[UUID]] = {}
    for row in await tx.all(_OF, ids=list(person_ids)):
        found.setdefault(row["person_id"], set()).add(row["reply_id"])
    return {person: frozenset(replies) for person, replies in found.items()}


async def oldest_hold(tx: Transaction) -> datetime | None:
    """Since when (business time) the oldest hold has stood; None without any."""
    oldest: datetime | None = await tx.scalar(_OLDEST)
    return oldest


async def count_holds(tx: Transaction, *, most: int) -> int:
    """How many holds stand, counted up to `most`."""
    counted: int = await tx.scalar(_COUNT, most=most)
    return counted
