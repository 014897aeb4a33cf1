"""Statements on `scheduler.moves`: runs on their way from version to version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction, new_id
from followup_database.engine import to_json

_COLUMNS = "id, tenant_id, key, version, steps, per_second, after, moved, started_at, finished_at"
_NOBODY = UUID(int=0)

_BEGIN = text("""
INSERT INTO scheduler.moves (id, tenant_id, key, version, steps, per_second, after)
VALUES (:id, :tenant, :key, :version, CAST(:steps AS jsonb), :per_second, :after)
""")

# A newer publication takes over from one that is still moving: both would end there.
_SUPERSEDE = text("""
UPDATE scheduler.moves SET finished_at = clock_timestamp()
WHERE tenant_id = :tenant AND key = :key AND finished_at IS NULL
""")

_UNFINISHED = text("""
SELECT id, per_second FROM scheduler.moves WHERE finished_at IS NULL
ORDER BY started_at LIMIT :most
""")

_LOCK = text(f"""
SELECT {_COLUMNS} FROM scheduler.moves WHERE id = :id AND finished_at IS NULL
FOR UPDATE SKIP LOCKED
""")

_PROGRESS = text("""
UPDATE scheduler.moves SET after = :after, moved = moved + :moved WHERE id = :id
""")

# Who was just entering when it was published is seen by a last look, a minute on.
_FINISH = text("""
UPDATE scheduler.moves
SET after = :nobody,
    finished_at = CASE WHEN started_at < clock_timestamp() - interval '1 minute'
                       THEN clock_timestamp() END
WHERE id = :id
""")

_OF_KEY = text(f"""
SELECT {_COLUMNS} FROM scheduler.moves
WHERE tenant_id = :tenant AND key = :key ORDER BY id DESC LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Move:
    """The runs of a sequence going over to a version, so many a second, behind an id."""

    id: UUID
    tenant_id: UUID
    key: str
    version: int
    steps: Mapping[str, str]
    per_second: int
    after: UUID
    moved: int
    started_at: datetime
    finished_at: datetime | None


async def begin(
    tx: Transaction,
    tenant_id: UUID,
    key: str,
    version: int,
    *,
    steps: Mapping[str, str],
    per_second: int,
) -> None:
    """Have every live run of earlier versions go over; one under way is superseded."""
    await stop(tx, tenant_id, key)
    await tx.run(
        _BEGIN,
        id=new_id(),
        tenant=tenant_id,
        key=key,
        version=version,
        steps=to_json(dict(steps)),
        per_second=per_second,
        after=_NOBODY,
    )


async def stop(tx: Transaction, tenant_id: UUID, key: str) -> None:
    """Leave runs that have not gone over where they are."""
    await tx.run(_SUPERSEDE, tenant=tenant_id, key=key)


async def unfinished(tx: Transaction, *, most: int) -> list[tuple[UUID, int]]:
    """Moves under way and how many runs a second each may move, the oldest first."""
    return [(row["id"], row["per_second"]) for row in await tx.all(_UNFINISHED, most=most)]


async def lock(tx: Transaction, move_id: UUID) -> Move | None:
    """A move under way, locked; None if it is over, or somebody works on it."""
    row = await tx.first(_LOCK, id=move_id)
    return None if row is None else Move(**row)


async def progress(tx: Transaction, move: Move, *, after: UUID, moved: int) -> None:
    """So many more have gone over, up to this id."""
    await tx.run(_PROGRESS, id=move.id, after=after, moved=moved)


async def finish(tx: Transaction, move: Move) -> None:
    """Nobody is left behind: the end, or in the first minute the beginning once more."""
    await tx.run(_FINISH, id=move.id, nobody=_NOBODY)


async def last_of(tx: Transaction, tenant_id: UUID, key: str) -> dict[str, Any] | None:
    """The newest move of a sequence."""
    row = await tx.first(_OF_KEY, tenant=tenant_id, key=key)
    return None if row is None else dict(row)
