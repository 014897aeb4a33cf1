"""Deleting a tenant: at once what lets it act, and every service's tables after it.

A service's part is a row that says how far it has come, so that any replica goes on from
there. It is walked again until a round that began `SETTLED_AFTER` the deletion finds
nothing: what was on its way when the tenant was deleted is found, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_database.engine import to_json

SCHEMAS: Mapping[str, tuple[str, ...]] = {
    "intake": ("intake", "people", "directory", "suppression", "messaging"),
    "scheduler": ("scheduler",),
    "dispatcher": ("dispatcher",),
    "replies": ("replies",),
}
"""Whose part which schemas are; those of libraries are intake's."""
KEPT = frozenset({"directory.tenants", "directory.removals", "suppression.list"})
"""What outlasts a tenant: its id without a name, the record of its deletion, and whom it
may never write to again, as keyed hashes. An opt-out binds whoever was told it for years (South
Carolina 5, Code 37-21-70; Virginia 10), this installation's being without them or not."""

BEGINS_AFTER = timedelta(seconds=15)
"""Calls that were claimed are over by then, and their answers recorded."""
SETTLED_AFTER = timedelta(hours=1)
"""By then a broker has handed over what it held, or it comes back from the outbox."""
_AGAIN_AFTER = timedelta(minutes=1)

_END = text("""
    UPDATE directory.tenants SET state = 'deleted', name = '', settings = '{}',
        slug = 'deleted-' || id
    WHERE id = :id AND state <> 'deleted'
""")
_KEYS = text("DELETE FROM directory.api_keys WHERE tenant_id = :id")
_ASK = text("""
    INSERT INTO directory.removals (tenant_id, service, asked_by, next_at)
    SELECT :id, s.name, :asked_by, clock_timestamp() + CAST(:after AS interval)
    FROM unnest(CAST(:services AS text[])) AS s(name)
    ON CONFLICT DO NOTHING
""")
_OPEN = text("""
    SELECT tenant_id, service, place, page, found, counts FROM directory.removals
    WHERE service = :service AND finished_at IS NULL AND next_at <= clock_timestamp()
    ORDER BY next_at, tenant_id LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_REACHED = text("""
    UPDATE directory.removals
    SET place = :place, page = :page, found = :found, counts = CAST(:counts AS jsonb)
    WHERE tenant_id = :tenant_id AND service = :service
""")
_ROUND_OVER = text("""
    UPDATE directory.removals
    SET place = NULL, page = 0, found = 0, counts = CAST(:counts AS jsonb),
        finished_at = CASE WHEN CAST(:found AS bigint) = 0
            AND next_at >= asked_at + CAST(:settled AS interval) THEN clock_timestamp() END,
        next_at = GREATEST(asked_at + CAST(:settled AS interval),
            clock_timestamp() + CAST(:again AS interval))
    WHERE tenant_id = :tenant_id AND service = :service
""")
_STANDING = text("""
    SELECT service, asked_at, counts, finished_at FROM directory.removals
    WHERE tenant_id = :id ORDER BY service
""")


@dataclass(frozen=True, slots=True)
class Part:
    """A service's part as it stands: the table and page its walk has reached.

    `found`: rows that went in this round; `counts`: in all, by table.
    """

    tenant_id: UUID
    service: str
    place: str | None
    page: int
    found: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Removal:
    """How a tenant's deletion stands. `counts` are rows by table."""

    asked_at: datetime
    waiting: tuple[str, ...]
    counts: Mapping[str, int]
    finished_at: datetime | None


async def delete_tenant(tx: Transaction, tenant_id: UUID, *, asked_by: UUID | None) -> bool:
    """Delete a tenant for good (worker's transaction); False when it was, or is unknown.

    Its name, settings and keys go now, so its slug and the keys' words may be used anew;
    everything else it has is deleted by and by. Answer for it only after
    `StopFence.settle`: from then on nothing of it goes out.
    """
    if await tx.run(_END, id=tenant_id) != 1:
        return False
    await tx.run(_KEYS, id=tenant_id)
    await tx.run(
        _ASK, id=tenant_id, asked_by=asked_by, services=sorted(SCHEMAS), after=BEGINS_AFTER
    )
    return True


async def open_part(tx: Transaction, service: str) -> Part | None:
    """What waits longest of a service's parts, locked (worker's transaction)."""
    row = await tx.first(_OPEN, service=service)
    return None if row is None else Part(**row)


async def part_reached(tx: Transaction, part: Part) -> None:
    """Note how far a part has come."""
    await tx.run(
        _REACHED,
        tenant_id=part.tenant_id,
        service=part.service,
        place=part.place,
        page=part.page,
        found=part.found,
        counts=to_json(dict(part.counts)),
    )


async def round_over(tx: Transaction, part: Part) -> None:
    """Note that a round is over: the part is done, or walked again later."""
    await tx.run(
        _ROUND_OVER,
        tenant_id=part.tenant_id,
        service=part.service,
        found=part.found,
        counts=to_json(dict(part.counts)),
        settled=SETTLED_AFTER,
        again=_AGAIN_AFTER,
    )


async def removal_of(tx: Transaction, tenant_id: UUID) -> Removal | None:
    """How the deletion of a tenant stands (worker's transaction); None for one that is not."""
    rows = await tx.all(_STANDING, id=tenant_id)
    if not rows:
        return None
    waiting = tuple(row["service"] for row in rows if row["finished_at"] is None)
    ended = [row["finished_at"] for row in rows if row["finished_at"] is not None]
    counts = {table: count for row in rows for table, count in row["counts"].items()}
    return Removal(rows[0]["asked_at"], waiting, counts, None if waiting else max(ended))
