"""Statements on `replies.deliveries`: how far each attempt has come."""

from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_replies.states import Heard, TouchIds

_RANK = text("""
SELECT rank, heard FROM replies.deliveries
WHERE attempt_id = :attempt AND tenant_id = :tenant FOR UPDATE
""")

_ADVANCE = text("""
INSERT INTO replies.deliveries AS d (attempt_id, tenant_id, person_id, state, rank, at)
VALUES (:attempt, :tenant, :person, :state, :rank, :now)
ON CONFLICT (attempt_id) DO UPDATE
SET state = excluded.state, rank = excluded.rank, at = excluded.at
WHERE d.rank < excluded.rank AND d.tenant_id = excluded.tenant_id
""")

_HEAR = text("""
INSERT INTO replies.deliveries AS d (attempt_id, tenant_id, person_id, state, rank, heard, at)
VALUES (:attempt, :tenant, :person, 'in_progress', :rank, :heard, :now)
ON CONFLICT (attempt_id) DO UPDATE
SET heard = COALESCE(d.heard, excluded.heard)
WHERE d.tenant_id = excluded.tenant_id
""")


async def standing(tx: Transaction, tenant_id: UUID, attempt_id: UUID) -> tuple[int, Heard | None]:
    """Its rank (0: nothing was told) and who heard it; the row is locked."""
    row = await tx.first(_RANK, tenant=tenant_id, attempt=attempt_id)
    return (0, None) if row is None else (row["rank"], row["heard"])


async def advance(
    tx: Transaction, tenant_id: UUID, ids: TouchIds, *, state: str, rank: int
) -> bool:
    """Move up to a state; False when the attempt stands as high already."""
    moved = await tx.run(
        _ADVANCE,
        tenant=tenant_id,
        attempt=ids.attempt_id,
        person=ids.person_id,
        state=state,
        rank=rank,
        now=tx.now,
    )
    return moved == 1


async def hear(tx: Transaction, tenant_id: UUID, ids: TouchIds, *, heard: Heard, rank: int) -> None:
    """Note who hears the call; the first word counts. `rank` is that of a call under way."""
    await tx.run(
        _HEAR,
        tenant=tenant_id,
        attempt=ids.attempt_id,
        person=ids.person_id,
        heard=heard,
        rank=rank,
        now=tx.now,
    )
