"""The log of a tenant's events: numbered once, in an order in which they may have followed.

Numbers are a tenant's own, without gaps, and become visible in their order: whoever has
read one has seen all before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Row, Transaction
from followup_database.engine import to_json
from followup_intake.core.tellings import TOLD
from followup_messaging import feed

# A row is locked until its numbers are committed, so nobody sees a later one before.
_COUNT = text("""
INSERT INTO intake.streams AS s (tenant_id, last_sequence)
SELECT tenant_id, more FROM unnest(CAST(:tenants AS uuid[]), CAST(:counts AS bigint[]))
  AS c(tenant_id, more) ORDER BY tenant_id
ON CONFLICT (tenant_id) DO UPDATE SET last_sequence = s.last_sequence + EXCLUDED.last_sequence
RETURNING tenant_id, last_sequence
""")
_LOG = text("""
INSERT INTO intake.events
  (tenant_id, sequence, id, type, lead_id, person_id, data, occurred_at)
SELECT tenant_id, sequence, id, type, lead_id, person_id, data::jsonb, occurred_at
FROM unnest(CAST(:tenants AS uuid[]), CAST(:sequences AS bigint[]), CAST(:ids AS uuid[]),
    CAST(:types AS text[]), CAST(:leads AS uuid[]), CAST(:persons AS uuid[]),
    CAST(:datas AS text[]), CAST(:moments AS timestamptz[]))
  AS e(tenant_id, sequence, id, type, lead_id, person_id, data, occurred_at)
""")
_COLUMNS = "e.tenant_id, e.sequence, e.id, e.type, e.lead_id, e.person_id, e.data, e.occurred_at"
_AFTER = text(f"""
SELECT {_COLUMNS} FROM intake.events e
WHERE e.tenant_id = :tenant_id AND e.sequence > :after ORDER BY e.sequence LIMIT :most
""")
_NUMBERED = text(f"""
SELECT {_COLUMNS}
FROM unnest(CAST(:tenants AS uuid[]), CAST(:sequences AS bigint[])) AS r(tenant_id, sequence)
JOIN intake.events e ON e.tenant_id = r.tenant_id AND e.sequence = r.sequence
""")
_LAST = text("SELECT last_sequence FROM intake.streams WHERE tenant_id = :tenant_id")


@dataclass(frozen=True, slots=True)
class Event:
    """An event with its number; ids and no personal data."""

    tenant_id: UUID
    sequence: int | None
    id: UUID
    type: str
    lead_id: UUID | None
    person_id: UUID | None
    data: dict[str, Any]
    occurred_at: datetime


async def number(tx: Transaction, fed: Iterable[feed.FedEvent]) -> list[Event]:
    """Number events in the order given and log them (worker's transaction).

    Types that no product is told of are left out.
    """
    known = [each for each in fed if each.type in TOLD]
    if not known:
        return []
    counts: dict[UUID, int] = {}
    for each in known:
        counts[each.tenant_id] = counts.get(each.tenant_id, 0) + 1
    rows = await tx.all(_COUNT, tenants=list(counts), counts=list(counts.values()))
    last = {row["tenant_id"]: row["last_sequence"] - counts[row["tenant_id"]] for row in rows}
    numbered = []
    for each in known:
        last[each.tenant_id] += 1
        numbered.append(_event(each, last[each.tenant_id]))
    await _log(tx, numbered)
    return numbered


async def _log(tx: Transaction, numbered: Sequence[Event]) -> None:
    await tx.run(
        _LOG,
        tenants=[each.tenant_id for each in numbered],
        sequences=[each.sequence for each in numbered],
        ids=[each.id for each in numbered],
        types=[each.type for each in numbered],
        leads=[each.lead_id for each in numbered],
        persons=[each.person_id for each in numbered],
        datas=[to_json(each.data) for each in numbered],
        moments=[each.occurred_at for each in numbered],
    )


async def events_after(tx: Transaction, tenant_id: UUID, after: int, *, most: int) -> list[Event]:
    """A tenant's events with higher numbers, in their order."""
    rows = await tx.all(_AFTER, tenant_id=tenant_id, after=after, most=most)
    return [_of_row(row) for row in rows]


async def events_numbered(
    tx: Transaction, numbers: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], Event]:
    """Events by tenant and number; those past their keeping are left out."""
    tenants, sequences = [tenant for tenant, _ in numbers], [number for _, number in numbers]
    rows = await tx.all(_NUMBERED, tenants=tenants, sequences=sequences)
    return {(row["tenant_id"], row["sequence"]): _of_row(row) for row in rows}


async def last_number(tx: Transaction, tenant_id: UUID) -> int:
    """The highest number given to an event of a tenant; 0 before the first."""
    return int(await tx.scalar(_LAST, tenant_id=tenant_id) or 0)


def _event(fed: feed.FedEvent, sequence: int) -> Event:
    lead, person = fed.data.get("lead_id"), fed.data.get("person_id")
    return Event(
        tenant_id=fed.tenant_id,
        sequence=sequence,
        id=fed.id,
        type=fed.type,
        lead_id=None if lead is None else UUID(lead),
        person_id=None if person is None else UUID(person),
        data=dict(fed.data),
        occurred_at=fed.time,
    )


def _of_row(row: Row) -> Event:
    return Event(**dict(row))
