"""Holds: what nobody has decided on yet. While one stands, its person hears nothing.

Replies places one for a reply, intake one for a product event that may forbid a send,
each before it answers; the scheduler removes it in the transaction that decides. A
hold is named by the reply's id, or by the id of the event's message. About one that
stands for long a person is asked, once; its age is machine time, for machines decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_database.engine import to_json

HELD_LONG = timedelta(minutes=1)
"""A hold that stands for longer waits for more than its turn: a person is asked about it, and
it is counted as late."""

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
    RETURNING h.reply_id, h.asked_on IS NOT NULL AS asked
""")

# What is being decided on at this moment is locked, and not asked about.
_ASK = text("""
    WITH old AS (
        SELECT person_id, reply_id FROM suppression.holds
        WHERE asked_on IS NULL AND placed_on < clock_timestamp() - CAST(:older AS interval)
        ORDER BY placed_on, person_id, reply_id LIMIT :most
        FOR UPDATE SKIP LOCKED
    )
    UPDATE suppression.holds h SET asked_on = clock_timestamp()
    FROM old WHERE h.person_id = old.person_id AND h.reply_id = old.reply_id
    RETURNING h.tenant_id, h.person_id, h.reply_id
""")

_OF = text("""
    SELECT person_id, reply_id FROM suppression.holds
    WHERE person_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY person_id, reply_id
""")

_STANDING = text("""
    SELECT count(*) AS standing,
        count(*) FILTER (WHERE age > CAST(:late AS interval)) AS late,
        COALESCE(max(age), interval '0') AS oldest
    FROM (
        SELECT clock_timestamp() - placed_on AS age FROM suppression.holds
        ORDER BY placed_on LIMIT :most
    ) AS counted
""")


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold: whose, and by which name."""

    tenant_id: UUID
    person_id: UUID
    reply_id: UUID


@dataclass(frozen=True, slots=True)
class Removed:
    """How many holds stood, and those of them that a person was asked about."""

    count: int
    asked: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class HoldsStanding:
    """How many stand, how many of them for longer than they should, the oldest for so long."""

    standing: int
    late: int
    oldest: timedelta


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


async def remove_holds(tx: Transaction, holds: Sequence[tuple[UUID, UUID]]) -> Removed:
    """Remove holds given as (person, reply or event)."""
    rows = await tx.all(_REMOVE, rows=to_json([{"person_id": p, "reply_id": r} for p, r in holds]))
    return Removed(len(rows), frozenset(row["reply_id"] for row in rows if row["asked"]))


async def ask_about_holds(tx: Transaction, *, older: timedelta, most: int) -> list[Hold]:
    """Holds that have stood for longer than that, each once: the caller asks a person.

    Oldest first, up to `most`; those that somebody decides on at this moment are left out.
    """
    return [Hold(**row) for row in await tx.all(_ASK, older=older, most=most)]


async def holds_of(tx: Transaction, person_ids: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """The replies and events that hold each person; a person without holds is not in the result."""
    found: dict[UUID, set[UUID]] = {}
    for row in await tx.all(_OF, ids=list(person_ids)):
        found.setdefault(row["person_id"], set()).add(row["reply_id"])
    return {person: frozenset(replies) for person, replies in found.items()}


async def holds_standing(tx: Transaction, *, late: timedelta, most: int) -> HoldsStanding:
    """How many holds stand, the oldest `most` counted, and how many for longer than `late`."""
    row = await tx.first(_STANDING, late=late, most=most)
    return HoldsStanding(0, 0, timedelta(0)) if row is None else HoldsStanding(**row)
