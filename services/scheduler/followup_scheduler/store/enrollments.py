"""Statements on `scheduler.enrollments`."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_database.engine import to_json
from followup_scheduler.core.model import Enrollment

_COLUMNS = (
    "id, tenant_id, lead_id, person_id, sequence, version, state, lane, step,"
    " occurrence, epoch, anchor, resume_at, end_reason, memory"
)
_NAMES = tuple(name.strip() for name in _COLUMNS.split(","))

_INSERT = text(f"""
INSERT INTO scheduler.enrollments ({_COLUMNS})
SELECT {_COLUMNS} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id uuid, tenant_id uuid, lead_id uuid, person_id uuid, sequence text, version int,
  state text, lane text, step text, occurrence int, epoch int, anchor timestamptz,
  resume_at timestamptz, end_reason text, memory jsonb)
ORDER BY tenant_id, lead_id, sequence
ON CONFLICT (tenant_id, lead_id, sequence) DO NOTHING
RETURNING id
""")

_UPDATE = text("""
UPDATE scheduler.enrollments AS e
SET state = r.state, step = r.step, occurrence = r.occurrence, epoch = r.epoch,
    anchor = r.anchor, resume_at = r.resume_at, end_reason = r.end_reason, memory = r.memory,
    ended_at = CASE WHEN r.end_reason IS NULL THEN NULL
                    ELSE COALESCE(e.ended_at, CAST(:now AS timestamptz)) END,
    updated_at = clock_timestamp()
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id uuid, state text, step text, occurrence int, epoch int, anchor timestamptz,
  resume_at timestamptz, end_reason text, memory jsonb)
WHERE e.id = r.id AND e.state NOT IN ('halted', 'completed')
""")

_LOCK = text(f"""
SELECT {_COLUMNS} FROM scheduler.enrollments
WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
""")

_LOCK_FREE = text(f"""
SELECT {_COLUMNS} FROM scheduler.enrollments
WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE SKIP LOCKED
""")

_OF_PERSONS = text("""
SELECT id, person_id FROM scheduler.enrollments
WHERE person_id = ANY(CAST(:ids AS uuid[])) AND state IN ('active', 'paused', 'held')
""")

_OF_LEADS = text("""
SELECT id, lead_id FROM scheduler.enrollments
WHERE (tenant_id, lead_id) IN (
  SELECT tenant_id, lead_id FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    tenant_id uuid, lead_id uuid))
""")

_OF_LEAD = text("""
SELECT id FROM scheduler.enrollments
WHERE tenant_id = :tenant AND lead_id = :lead AND sequence = :sequence
""")

# One after the other in the same order everywhere, so that two batches never wait for
# each other in a circle.
_LOCK_PERSONS = text("""
SELECT count(pg_advisory_xact_lock(hashtextextended('scheduler.person:' || id, 0)))
FROM (SELECT id FROM unnest(CAST(:ids AS text[])) AS id ORDER BY id) AS ordered
""")

_READ = text("""
SELECT id, tenant_id, lead_id, person_id, sequence, version, state, lane, step, occurrence,
       anchor, resume_at, end_reason, ended_at, created_at
FROM scheduler.enrollments WHERE tenant_id = :tenant AND id = :id
""")

_EXISTING = text("SELECT id FROM scheduler.enrollments WHERE id = ANY(CAST(:ids AS uuid[]))")


async def insert(tx: Transaction, enrollments: Sequence[Enrollment]) -> set[UUID]:
    """Insert those whose lead is not in that sequence yet; returns the ids inserted."""
    rows = await tx.all(_INSERT, rows=to_json([_row(e) for e in enrollments]))
    return {row["id"] for row in rows}


async def update(tx: Transaction, enrollments: Sequence[Enrollment]) -> None:
    """Save what may change in enrollments that have not ended; their rows are locked."""
    await tx.run(_UPDATE, rows=to_json([_row(e) for e in enrollments]), now=tx.now)


async def lock(
    tx: Transaction, ids: Iterable[UUID], *, skip_locked: bool = False
) -> list[Enrollment]:
    """Lock and read in key order, without touches; `skip_locked` leaves out what others hold."""
    rows = await tx.all(_LOCK_FREE if skip_locked else _LOCK, ids=list(ids))
    return [Enrollment(**row) for row in rows]


async def lock_persons(tx: Transaction, persons: Iterable[UUID]) -> None:
    """Keep others from enrolling the same persons until this transaction ends."""
    await tx.scalar(_LOCK_PERSONS, ids=[str(person) for person in persons])


async def live_of_persons(tx: Transaction, persons: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
    """(enrollment, person) of what has not ended."""
    rows = await tx.all(_OF_PERSONS, ids=list(persons))
    return [(row["id"], row["person_id"]) for row in rows]


async def of_leads(tx: Transaction, leads: Iterable[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID]]:
    """(enrollment, lead) for (tenant, lead), ended ones too."""
    wanted = to_json([{"tenant_id": tenant, "lead_id": lead} for tenant, lead in leads])
    rows = await tx.all(_OF_LEADS, rows=wanted)
    return [(row["id"], row["lead_id"]) for row in rows]


async def of_lead(tx: Transaction, tenant_id: UUID, lead_id: UUID, sequence: str) -> UUID | None:
    """The enrollment of a lead in a sequence, whatever its state."""
    found: UUID | None = await tx.scalar(
        _OF_LEAD, tenant=tenant_id, lead=lead_id, sequence=sequence
    )
    return found


async def read(tx: Transaction, tenant_id: UUID, enrollment_id: UUID) -> dict[str, Any] | None:
    """What the API shows of an enrollment."""
    row = await tx.first(_READ, tenant=tenant_id, id=enrollment_id)
    return None if row is None else dict(row)


async def existing(tx: Transaction, ids: Iterable[UUID]) -> set[UUID]:
    """Those of these ids that are enrollments, whoever holds them."""
    if not (asked := list(ids)):
        return set()
    return {row["id"] for row in await tx.all(_EXISTING, ids=asked)}


def _row(enrollment: Enrollment) -> dict[str, Any]:
    row = {name: getattr(enrollment, name) for name in _NAMES}
    row["memory"] = dict(enrollment.memory)
    return row
