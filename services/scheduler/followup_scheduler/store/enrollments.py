"""Statements on `scheduler.enrollments`."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_database.engine import to_json
from followup_scheduler.core.model import Enrollment
from followup_scheduler.core.reenrolling import LastRun

Lead = tuple[UUID, UUID, str]
"""Tenant, lead, sequence."""

_COLUMNS = (
    "id, tenant_id, lead_id, person_id, sequence, version, state, lane, step,"
    " occurrence, epoch, anchor, resume_at, end_reason, memory, run"
)
_NAMES = tuple(name.strip() for name in _COLUMNS.split(","))

_INSERT = text(f"""
INSERT INTO scheduler.enrollments ({_COLUMNS})
SELECT {_COLUMNS} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id uuid, tenant_id uuid, lead_id uuid, person_id uuid, sequence text, version int,
  state text, lane text, step text, occurrence int, epoch int, anchor timestamptz,
  resume_at timestamptz, end_reason text, memory jsonb, run int)
ORDER BY tenant_id, lead_id, sequence, run
ON CONFLICT (tenant_id, lead_id, sequence, run) DO NOTHING
RETURNING id
""")

_UPDATE = text("""
UPDATE scheduler.enrollments AS e
SET version = r.version, state = r.state, step = r.step, occurrence = r.occurrence, epoch = r.epoch,
    anchor = r.anchor, resume_at = r.resume_at, end_reason = r.end_reason, memory = r.memory,
    ended_at = CASE WHEN r.end_reason IS NULL THEN NULL
                    ELSE COALESCE(e.ended_at, CAST(:now AS timestamptz)) END,
    updated_at = clock_timestamp()
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id uuid, version int, state text, step text, occurrence int, epoch int,
  anchor timestamptz, resume_at timestamptz, end_reason text, memory jsonb)
WHERE e.id = ANY(CAST(:ids AS uuid[])) AND e.id = r.id AND e.state NOT IN ('halted', 'completed')
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

# A run that began by an event of the product says so in its memory.
_FOLLOWED = text("""
SELECT person_id, lead_id, memory ? 'started_by' AS by_event FROM scheduler.enrollments
WHERE person_id = ANY(CAST(:ids AS uuid[])) AND state IN ('active', 'paused', 'held')
""")

_OF_LEADS = text("""
SELECT id, lead_id FROM scheduler.enrollments
WHERE tenant_id = ANY(CAST(:tenants AS uuid[])) AND lead_id = ANY(CAST(:leads AS uuid[]))
  AND (tenant_id, lead_id) IN (
    SELECT * FROM unnest(CAST(:tenants AS uuid[]), CAST(:leads AS uuid[])))
""")

_LAST_RUNS = text("""
SELECT DISTINCT ON (e.tenant_id, e.lead_id, e.sequence)
  e.tenant_id, e.lead_id, e.sequence, e.id, e.run, e.ended_at
FROM scheduler.enrollments AS e
JOIN unnest(CAST(:tenants AS uuid[]), CAST(:leads AS uuid[]), CAST(:sequences AS text[]))
    AS r(tenant_id, lead_id, sequence)
  USING (tenant_id, lead_id, sequence)
WHERE e.tenant_id = ANY(CAST(:tenants AS uuid[])) AND e.lead_id = ANY(CAST(:leads AS uuid[]))
ORDER BY e.tenant_id, e.lead_id, e.sequence, e.run DESC
""")

_STANDING = text("""
SELECT version, step, state, count(*) AS leads FROM scheduler.enrollments
WHERE tenant_id = :tenant AND sequence = :sequence AND state IN ('active', 'paused', 'held')
GROUP BY version, step, state ORDER BY version, step, state
""")

_BEHIND = text("""
SELECT id FROM scheduler.enrollments
WHERE tenant_id = :tenant AND sequence = :sequence AND state IN ('active', 'paused', 'held')
  AND version < :version AND id > :after
ORDER BY id LIMIT :most
""")

# One after the other in the same order everywhere, so that two batches never wait for
# each other in a circle.
_LOCK_PERSONS = text("""
SELECT count(pg_advisory_xact_lock(hashtextextended('scheduler.person:' || id, 0)))
FROM (SELECT id FROM unnest(CAST(:ids AS text[])) AS id ORDER BY id) AS ordered
""")

_READ = text("""
SELECT id, tenant_id, lead_id, person_id, sequence, version, run, state, lane, step,
       occurrence, anchor, resume_at, end_reason, ended_at, created_at
FROM scheduler.enrollments WHERE tenant_id = :tenant AND id = :id
""")

_EXISTING = text("SELECT id FROM scheduler.enrollments WHERE id = ANY(CAST(:ids AS uuid[]))")


async def insert(tx: Transaction, enrollments: Sequence[Enrollment]) -> set[UUID]:
    """Insert those whose lead has no run of that number there; returns the ids inserted."""
    rows = await tx.all(_INSERT, rows=to_json([_row(e) for e in enrollments]))
    return {row["id"] for row in rows}


async def update(tx: Transaction, enrollments: Sequence[Enrollment]) -> None:
    """Save what may change in enrollments that have not ended; their rows are locked."""
    rows = to_json([_row(e) for e in enrollments])
    await tx.run(_UPDATE, rows=rows, ids=[e.id for e in enrollments], now=tx.now)


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


async def followed_up(
    tx: Transaction, persons: Iterable[UUID], *, entering: Collection[UUID]
) -> set[UUID]:
    """Those persons who are being followed up.

    What an event has begun for one of the leads that are only now `entering` does not count:
    it would have been beside what that lead enters, had the event come second.
    """
    rows = await tx.all(_FOLLOWED, ids=list(persons))
    return {
        row["person_id"] for row in rows if not (row["by_event"] and row["lead_id"] in entering)
    }


async def of_leads(tx: Transaction, leads: Iterable[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID]]:
    """(enrollment, lead) for (tenant, lead), ended ones too."""
    asked = list(leads)
    rows = await tx.all(
        _OF_LEADS,
        tenants=[tenant for tenant, _ in asked],
        leads=[lead for _, lead in asked],
    )
    return [(row["id"], row["lead_id"]) for row in rows]


async def last_runs(tx: Transaction, wanted: Iterable[Lead]) -> dict[Lead, LastRun]:
    """(tenant, lead, sequence) → its newest run, whatever its state."""
    asked = list(wanted)
    rows = await tx.all(
        _LAST_RUNS,
        tenants=[tenant for tenant, _, _ in asked],
        leads=[lead for _, lead, _ in asked],
        sequences=[sequence for _, _, sequence in asked],
    )
    return {
        (row["tenant_id"], row["lead_id"], row["sequence"]): LastRun(
            row["id"], row["run"], row["ended_at"]
        )
        for row in rows
    }


async def standing(tx: Transaction, tenant_id: UUID, sequence: str) -> list[dict[str, Any]]:
    """How many live runs of a sequence stand where, by version, step and state."""
    rows = await tx.all(_STANDING, tenant=tenant_id, sequence=sequence)
    return [dict(row) for row in rows]


async def behind(
    tx: Transaction, tenant_id: UUID, sequence: str, *, version: int, after: UUID, most: int
) -> list[UUID]:
    """Live runs of earlier versions than this that come after an id, in the order of ids."""
    rows = await tx.all(
        _BEHIND, tenant=tenant_id, sequence=sequence, version=version, after=after, most=most
    )
    return [row["id"] for row in rows]


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
