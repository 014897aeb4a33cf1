"""Statements on `scheduler.tasks`: what waits for a person."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_database.engine import to_json

_INSERT = text("""
INSERT INTO scheduler.tasks
  (id, tenant_id, lead_id, person_id, enrollment_id, kind, reason, state, due_at, created_at)
SELECT id, tenant_id, lead_id, person_id, enrollment_id, kind, reason, 'open', due_at, created_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id uuid, tenant_id uuid, lead_id uuid, person_id uuid, enrollment_id uuid, kind text,
  reason text, due_at timestamptz, created_at timestamptz)
""")

_COLUMNS = (
    "id, lead_id, person_id, enrollment_id, kind, reason, state, due_at, created_at,"
    " completed_at, outcome"
)

_PAGE = text(f"""
SELECT {_COLUMNS} FROM scheduler.tasks
WHERE tenant_id = :tenant AND state = :state
  AND (due_at, id) > (CAST(:due_at AS timestamptz), CAST(:id AS uuid))
  AND due_at <= CAST(:until AS timestamptz)
ORDER BY due_at, id LIMIT :most
""")

_READ = text(f"SELECT {_COLUMNS} FROM scheduler.tasks WHERE tenant_id = :tenant AND id = :id")

_OF_LEAD = text(f"""
SELECT {_COLUMNS} FROM scheduler.tasks
WHERE tenant_id = :tenant AND lead_id = :lead ORDER BY id
""")

_COMPLETE = text(f"""
UPDATE scheduler.tasks
SET state = 'done', completed_at = CAST(:at AS timestamptz), outcome = :outcome
WHERE tenant_id = :tenant AND id = :id AND state = 'open'
RETURNING {_COLUMNS}
""")


@dataclass(frozen=True, slots=True)
class NewTask:
    """Something for a person to do."""

    id: UUID
    tenant_id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None
    kind: str
    reason: str
    due_at: datetime
    created_at: datetime


async def insert(tx: Transaction, tasks: Sequence[NewTask]) -> None:
    """Open tasks."""
    await tx.run(_INSERT, rows=to_json([asdict(task) for task in tasks]))


async def page(
    tx: Transaction,
    tenant_id: UUID,
    *,
    state: str,
    after: tuple[datetime, UUID],
    until: datetime,
    most: int,
) -> list[dict[str, Any]]:
    """Tasks due up to `until` that come after a (due_at, id), in that order."""
    rows = await tx.all(
        _PAGE,
        tenant=tenant_id,
        state=state,
        due_at=after[0],
        id=after[1],
        until=until,
        most=most,
    )
    return [dict(row) for row in rows]


async def read(tx: Transaction, tenant_id: UUID, task_id: UUID) -> dict[str, Any] | None:
    """One task."""
    row = await tx.first(_READ, tenant=tenant_id, id=task_id)
    return None if row is None else dict(row)


async def of_lead(tx: Transaction, tenant_id: UUID, lead_id: UUID) -> list[dict[str, Any]]:
    """Every task about a lead, oldest first."""
    return [dict(row) for row in await tx.all(_OF_LEAD, tenant=tenant_id, lead=lead_id)]


async def complete(
    tx: Transaction, tenant_id: UUID, task_id: UUID, *, outcome: str
) -> dict[str, Any] | None:
    """Close an open task; None when there is no such open task."""
    row = await tx.first(_COMPLETE, tenant=tenant_id, id=task_id, outcome=outcome, at=tx.now)
    return None if row is None else dict(row)
