"""Deliveries: an event for an endpoint, and each attempt to hand it over.

    waiting → pending → delivered | failed

One of a lead's at an endpoint is pending at a time; the others wait for it. Who adds,
claims or records holds the endpoint's row, so that none is overlooked. A claim is a lease
with a token: a process that goes loses nothing, and what it handed over without recording
is handed over again under the same id.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from followup_database import Row, Transaction, new_id
from followup_directory import tenants_by_id
from followup_intake.core.tellings import TESTED
from followup_intake.outgoing.endpoints import COLUMNS as ENDPOINT
from followup_intake.outgoing.endpoints import Endpoint, endpoint_of
from followup_intake.outgoing.log import Event

DeliveryState = Literal["waiting", "pending", "delivered", "failed"]

LEASE = timedelta(seconds=60)
"""Longer than a call may take, with what is done before and after it."""
UNSERVED = timedelta(minutes=5)
"""How soon it is seen that a suspended tenant has been resumed."""

# Whoever rests goes on resting; everybody else is looked at again.
_WAKE = text("""
UPDATE intake.endpoints
SET work_on = LEAST(work_on, GREATEST(clock_timestamp(), COALESCE(rest_on, '-infinity')))
WHERE id IN (SELECT id FROM intake.endpoints
  WHERE tenant_id = ANY(CAST(:tenants AS uuid[])) AND state = 'active' ORDER BY id FOR UPDATE)
RETURNING id, tenant_id, types
""")
_ADD = text("""
INSERT INTO intake.deliveries
  (id, tenant_id, endpoint_id, event_id, sequence, type, lead_id, person_id, state)
SELECT r.id, r.tenant_id, r.endpoint_id, r.event_id, r.sequence, r.type, r.lead_id, r.person_id,
  CASE WHEN r.lead_id IS NOT NULL AND (r.earlier OR EXISTS (
      SELECT FROM intake.deliveries d WHERE d.endpoint_id = r.endpoint_id
        AND d.lead_id = r.lead_id AND d.state IN ('waiting', 'pending')))
    THEN 'waiting' ELSE 'pending' END
FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:endpoints AS uuid[]),
    CAST(:events AS uuid[]), CAST(:sequences AS bigint[]), CAST(:types AS text[]),
    CAST(:leads AS uuid[]), CAST(:persons AS uuid[]), CAST(:earlier AS boolean[]))
  AS r(id, tenant_id, endpoint_id, event_id, sequence, type, lead_id, person_id, earlier)
""")
_DUE = text(f"""
SELECT {ENDPOINT}, former_until > clock_timestamp() AS former FROM intake.endpoints
WHERE state = 'active' AND work_on <= statement_timestamp()
  AND (failures >= :resting) = :failing AND tenant_id <> ALL(CAST(:full AS uuid[]))
ORDER BY work_on LIMIT :most FOR UPDATE SKIP LOCKED
""")
_CLAIM = text("""
UPDATE intake.deliveries d SET token = :token, attempts = d.attempts + 1, tries = d.tries + 1,
  due_on = clock_timestamp() + CAST(:lease AS interval)
FROM unnest(CAST(:endpoints AS uuid[]), CAST(:rooms AS int[])) AS r(endpoint_id, room)
CROSS JOIN LATERAL (
  SELECT p.id FROM intake.deliveries p
  WHERE p.endpoint_id = r.endpoint_id AND p.state = 'pending'
    AND p.due_on <= statement_timestamp()
  ORDER BY p.due_on
  LIMIT GREATEST(0, r.room - (SELECT count(*) FROM intake.deliveries c
    WHERE c.endpoint_id = r.endpoint_id AND c.token IS NOT NULL
      AND c.due_on > statement_timestamp()))
) AS due
WHERE d.id = due.id
RETURNING d.id, d.tenant_id, d.endpoint_id, d.event_id, d.sequence, d.type, d.person_id,
  d.attempts, d.tries, d.created_on, clock_timestamp() - d.opened_on AS age
""")
# One whose room is full is looked at when a lease runs out, or when one is recorded.
_NEXT = text("""
UPDATE intake.endpoints e SET work_on = CASE WHEN r.room <= (
    SELECT count(*) FROM intake.deliveries c WHERE c.endpoint_id = r.endpoint_id
      AND c.token IS NOT NULL AND c.due_on > statement_timestamp())
  THEN clock_timestamp() + CAST(:lease AS interval)
  ELSE COALESCE((SELECT min(p.due_on) FROM intake.deliveries p
    WHERE p.endpoint_id = r.endpoint_id AND p.state = 'pending'), 'infinity') END
FROM unnest(CAST(:endpoints AS uuid[]), CAST(:rooms AS int[])) AS r(endpoint_id, room)
WHERE e.id = r.endpoint_id
""")
_STILL = text("""
UPDATE intake.endpoints SET work_on = clock_timestamp() + CAST(:pause AS interval)
WHERE id = ANY(CAST(:endpoints AS uuid[]))
""")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is this process's to hand over, until its lease ends."""

    id: UUID
    tenant_id: UUID
    endpoint: Endpoint
    former_secret: bool
    event_id: UUID
    sequence: int | None
    type: str
    person_id: UUID | None
    token: UUID
    attempt: int
    tries: int
    created_on: datetime
    age: timedelta


@dataclass(frozen=True, slots=True)
class Left:
    """What a tenant may have of this process's calls, and what tenants have of them."""

    share: int
    held: Mapping[UUID, int] = field(default_factory=dict)

    def of(self, tenant_id: UUID) -> int:
        """How many more a tenant may have."""
        return self.share - self.held.get(tenant_id, 0)

    def nothing(self) -> list[UUID]:
        """Tenants that may have no more."""
        return [tenant_id for tenant_id, held in self.held.items() if held >= self.share]


async def add_deliveries(tx: Transaction, numbered: Sequence[Event]) -> int:
    """Have events delivered to every endpoint of their tenants that wants them; how many."""
    if not numbered:
        return 0
    tenants = list({each.tenant_id for each in numbered})
    wanting: dict[UUID, list[Row]] = {}
    for row in await tx.all(_WAKE, tenants=tenants):
        wanting.setdefault(row["tenant_id"], []).append(row)
    pairs = [
        (row["id"], event)
        for event in numbered
        for row in wanting.get(event.tenant_id, ())
        if not row["types"] or event.type in row["types"]
    ]
    return await _add(tx, pairs)


async def _add(tx: Transaction, pairs: Sequence[tuple[UUID, Event]]) -> int:
    if not pairs:
        return 0
    seen: set[tuple[UUID, UUID | None]] = set()
    earlier = []
    for endpoint_id, event in pairs:
        earlier.append((endpoint_id, event.lead_id) in seen)
        seen.add((endpoint_id, event.lead_id))
    return await tx.run(
        _ADD,
        ids=[new_id() for _ in pairs],
        tenants=[event.tenant_id for _, event in pairs],
        endpoints=[endpoint_id for endpoint_id, _ in pairs],
        events=[event.id for _, event in pairs],
        sequences=[event.sequence for _, event in pairs],
        types=[event.type for _, event in pairs],
        leads=[event.lead_id for _, event in pairs],
        persons=[event.person_id for _, event in pairs],
        earlier=earlier,
    )


async def add_trial(tx: Transaction, endpoint: Endpoint) -> UUID:
    """Have an event delivered that tells of nothing; the delivery's id."""
    made = new_id()
    await tx.all(_WAKE, tenants=[endpoint.tenant_id])
    await tx.run(
        _ADD,
        ids=[made],
        tenants=[endpoint.tenant_id],
        endpoints=[endpoint.id],
        events=[made],
        sequences=[None],
        types=[TESTED],
        leads=[None],
        persons=[None],
        earlier=[False],
    )
    return made


async def claim(
    tx: Transaction, *, most: int, each: int, failing: bool, resting: int, left: Left
) -> list[Claimed]:
    """Claim up to `most` deliveries that are due, up to `each` at once of one endpoint.

    `failing`: of endpoints that failed `resting` times in a row, else of all others. An
    endpoint that another process claims for is passed over, and one whose tenant has nothing
    `left`; of a tenant's endpoints each may have one.
    """
    if most <= 0:
        return []
    rows = await tx.all(_DUE, most=most, failing=failing, resting=resting, full=left.nothing())
    endpoints = {row["id"]: _due(row) for row in await _of_active(tx, rows)}
    if not endpoints:
        return []
    # What one does not use of its share waits for the next round, which comes at once.
    room = min(each, max(1, most // len(endpoints)))
    tenants = Counter(endpoint.tenant_id for endpoint, _ in endpoints.values())
    rooms = [
        min(room, max(1, left.of(endpoint.tenant_id) // tenants[endpoint.tenant_id]))
        for endpoint, _ in endpoints.values()
    ]
    token = new_id()
    params = {"endpoints": list(endpoints), "rooms": rooms, "lease": LEASE}
    claimed = await tx.all(_CLAIM, token=token, **params)
    await tx.run(_NEXT, **params)
    return [_claimed(row, token, endpoints[row["endpoint_id"]]) for row in claimed]


async def _of_active(tx: Transaction, rows: Sequence[Row]) -> list[Row]:
    """Those whose tenant is served; the others are looked at again in a while."""
    if not rows:
        return []
    tenants = await tenants_by_id(tx, list({row["tenant_id"] for row in rows}))
    active = {id_ for id_, tenant in tenants.items() if tenant.state == "active"}
    still = [row["id"] for row in rows if row["tenant_id"] not in active]
    if still:
        await tx.run(_STILL, endpoints=still, pause=UNSERVED)
    return [row for row in rows if row["tenant_id"] in active]


def _due(row: Row) -> tuple[Endpoint, bool]:
    found: dict[str, Any] = dict(row)
    former = bool(found.pop("former"))
    return endpoint_of(found), former


def _claimed(row: Row, token: UUID, due: tuple[Endpoint, bool]) -> Claimed:
    endpoint, former = due
    return Claimed(
        id=row["id"],
        tenant_id=row["tenant_id"],
        endpoint=endpoint,
        former_secret=former,
        event_id=row["event_id"],
        sequence=row["sequence"],
        type=row["type"],
        person_id=row["person_id"],
        token=token,
        attempt=row["attempts"],
        tries=row["tries"],
        created_on=row["created_on"],
        age=row["age"],
    )
