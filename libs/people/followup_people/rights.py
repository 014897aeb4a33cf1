"""What people may ask for: everything about them, or to be forgotten.

Each service keeps what it keeps to itself, so a request names the services that have not
done their part yet; each takes what waits for it, does its part and says so in one
transaction. The last one finishes the request and empties the addresses it held.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from followup_database import Row, Transaction, new_id
from followup_database.engine import to_json

RightKind = Literal["erase", "export"]
SERVICES = ("intake", "scheduler", "dispatcher", "replies")
"""Whoever keeps something about people."""
EXPORTS_KEPT_HOURS = 24

_ASK = text("""
    INSERT INTO people.rights (id, tenant_id, kind, persons, addresses, key_id, waiting)
    VALUES (:id, :tenant_id, :kind, CAST(:persons AS uuid[]), CAST(:addresses AS text[]), :key_id,
        CAST(:waiting AS text[]))
""")
_OPEN = text("""
    SELECT id, tenant_id, kind, persons, addresses FROM people.rights
    WHERE waiting @> ARRAY[CAST(:service AS text)] AND finished_at IS NULL
      AND id <> ALL(CAST(:without AS uuid[]))
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_DONE = text("""
    UPDATE people.rights SET waiting = array_remove(waiting, :service),
        counts = counts || CAST(:counts AS jsonb),
        addresses = CASE WHEN waiting = ARRAY[CAST(:service AS text)] THEN '{}' ELSE addresses END,
        finished_at =
            CASE WHEN waiting = ARRAY[CAST(:service AS text)] THEN clock_timestamp() END
    WHERE id = :id
""")
_PART = text("""
    INSERT INTO people.right_parts (right_id, tenant_id, service, content)
    VALUES (:id, :tenant_id, :service, CAST(:content AS jsonb))
    ON CONFLICT (right_id, service) DO UPDATE SET content = excluded.content
""")
_COLUMNS = "id, kind, persons, waiting, counts, asked_at, finished_at"
_ONE = text(f"SELECT {_COLUMNS} FROM people.rights WHERE tenant_id = :tenant_id AND id = :id")
_LATEST_EXPORT = text(f"""
    SELECT {_COLUMNS} FROM people.rights
    WHERE tenant_id = :tenant_id AND kind = 'export' AND persons @> CAST(:persons AS uuid[])
      AND asked_at > statement_timestamp() - make_interval(secs => :seconds)
    ORDER BY id DESC LIMIT 1
""")
_PARTS = text("""
    SELECT service, content FROM people.right_parts
    WHERE tenant_id = :tenant_id AND right_id = :id ORDER BY service
""")
_FORGET_EXPORTS = text("""
    DELETE FROM people.right_parts p USING people.rights r
    WHERE r.id = p.right_id AND r.asked_at < statement_timestamp() - make_interval(hours => :hours)
""")
_FORGET_PARTS_OF = text("""
    DELETE FROM people.right_parts p USING people.rights r
    WHERE r.id = p.right_id AND r.tenant_id = :tenant_id AND r.persons && CAST(:persons AS uuid[])
""")


@dataclass(frozen=True, slots=True)
class RightAsked:
    """A request as a service sees it. `persons`: every id the person is or was known by."""

    id: UUID
    tenant_id: UUID
    kind: RightKind
    persons: tuple[UUID, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RightState:
    """How a request stands; `counts` are rows by table."""

    id: UUID
    kind: RightKind
    waiting: tuple[str, ...]
    counts: Mapping[str, int]
    asked_at: datetime
    finished_at: datetime | None


async def ask_right(
    tx: Transaction,
    tenant_id: UUID,
    kind: RightKind,
    persons: Sequence[UUID],
    *,
    addresses: Sequence[str] = (),
    key_id: UUID | None = None,
) -> UUID:
    """Ask every service for its part; the request's id."""
    asked = new_id()
    await tx.run(
        _ASK,
        id=asked,
        tenant_id=tenant_id,
        kind=kind,
        persons=list(persons),
        addresses=list(addresses),
        key_id=key_id,
        waiting=list(SERVICES),
    )
    return asked


async def open_right(
    tx: Transaction, service: str, *, without: Collection[UUID] = ()
) -> RightAsked | None:
    """The oldest request that waits for a service, locked (worker's transaction).

    Those `without` are passed over, and those that somebody else has locked.
    """
    row = await tx.first(_OPEN, service=service, without=list(without))
    if row is None:
        return None
    return RightAsked(
        id=row["id"],
        tenant_id=row["tenant_id"],
        kind=row["kind"],
        persons=tuple(row["persons"]),
        addresses=tuple(row["addresses"]),
    )


async def right_done(
    tx: Transaction,
    asked: RightAsked,
    service: str,
    *,
    counts: Mapping[str, int],
    content: Mapping[str, Any] | None = None,
) -> None:
    """Say that a service has done its part, and hand in what it found for an export."""
    if content is not None:
        await tx.run(
            _PART,
            id=asked.id,
            tenant_id=asked.tenant_id,
            service=service,
            content=to_json(dict(content)),
        )
    await tx.run(_DONE, id=asked.id, service=service, counts=to_json(dict(counts)))


async def right_state(tx: Transaction, tenant_id: UUID, right_id: UUID) -> RightState | None:
    """How a tenant's request stands."""
    row = await tx.first(_ONE, tenant_id=tenant_id, id=right_id)
    return None if row is None else _state(row)


async def recent_export(
    tx: Transaction, tenant_id: UUID, person_id: UUID, *, seconds: int
) -> RightState | None:
    """The newest export of a person asked for within so many seconds."""
    row = await tx.first(_LATEST_EXPORT, tenant_id=tenant_id, persons=[person_id], seconds=seconds)
    return None if row is None else _state(row)


async def right_parts(tx: Transaction, tenant_id: UUID, right_id: UUID) -> dict[str, Any]:
    """What services have handed in, by service."""
    rows = await tx.all(_PARTS, tenant_id=tenant_id, id=right_id)
    return {row["service"]: row["content"] for row in rows}


async def forget_parts(tx: Transaction, tenant_id: UUID, persons: Sequence[UUID]) -> int:
    """Delete what exports of these persons hold."""
    return await tx.run(_FORGET_PARTS_OF, tenant_id=tenant_id, persons=list(persons))


async def forget_old_exports(tx: Transaction) -> int:
    """Delete what exports hold a day after they were asked for."""
    return await tx.run(_FORGET_EXPORTS, hours=EXPORTS_KEPT_HOURS)


def _state(row: Row) -> RightState:
    return RightState(
        id=row["id"],
        kind=row["kind"],
        waiting=tuple(row["waiting"]),
        counts=row["counts"],
        asked_at=row["asked_at"],
        finished_at=row["finished_at"],
    )
