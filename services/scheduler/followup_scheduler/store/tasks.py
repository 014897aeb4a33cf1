"""Statements on `scheduler.tasks`: what waits for a person."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_database.engine import to_json

_INSERT = text("""
INSERT INTO scheduler.tasks
  (id, tenant_id, lead_id, person_id, enrollment_id, kind, title, reason, step, occurrence,
   assignee, outcomes, state, due_at, remind_at, created_at)
SELECT id, tenant_id, lead_id, person_id, enrollment_id, kind, title, reason, step, occurrence,
   assignee, outcomes, 'open', due_at, remind_at, created_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id uuid, tenant_id uuid, lead_id uuid, person_id uuid, enrollment_id uuid, kind text,
  title text, reason text, step text, occurrence int, assignee text, outcomes jsonb,
  due_at timestamptz, remind_at timestamptz, created_at timestamptz)
""")

COLUMNS = (
    "id, lead_id, person_id, enrollment_id, kind, title, reason, step, occurrence, assignee,"
    " outcomes, state, due_at, remind_at, reminded_at, created_at, completed_at, outcome, note"
)

# What is not asked is not in the statement, so that each is planned for the index it has.
_FILTERS = {
    "kind": "kind = :kind",
    "lead": "lead_id = CAST(:lead AS uuid)",
    "assignee": "assignee = :assignee",
    "since": "due_at >= CAST(:since AS timestamptz)",
    "until": "due_at < CAST(:until AS timestamptz)",
}

_WRITTEN = {"open": "'open'", "done": "'done'", "withdrawn": "'withdrawn'"}

_READ = text(f"SELECT {COLUMNS} FROM scheduler.tasks WHERE tenant_id = :tenant AND id = :id")

_BY_ID = text(f"""
SELECT {COLUMNS} FROM scheduler.tasks
WHERE tenant_id = :tenant AND id = ANY(CAST(:ids AS uuid[]))
""")

_OF_LEAD = text(f"""
SELECT {COLUMNS} FROM scheduler.tasks
WHERE tenant_id = :tenant AND lead_id = :lead ORDER BY id
""")

_COMPLETE = text(f"""
UPDATE scheduler.tasks
SET state = 'done', completed_at = CAST(:at AS timestamptz), outcome = :outcome, note = :note
WHERE tenant_id = :tenant AND id = :id AND state = 'open'
RETURNING {COLUMNS}
""")

_SNOOZE = text(f"""
UPDATE scheduler.tasks
SET due_at = CAST(:until AS timestamptz), remind_at = CAST(:remind_at AS timestamptz),
    reminded_at = NULL, snoozed = snoozed + 1
WHERE tenant_id = :tenant AND id = :id AND state = 'open'
RETURNING {COLUMNS}
""")

_ASSIGN = text(f"""
UPDATE scheduler.tasks SET assignee = :assignee
WHERE tenant_id = :tenant AND id = :id AND state = 'open'
RETURNING {COLUMNS}
""")

# What a document asked a person to do goes with its run; what a reply or a person asked
# for stays, whatever became of the sequence.
_WITHDRAW = text(f"""
UPDATE scheduler.tasks
SET state = 'withdrawn', completed_at = CAST(:at AS timestamptz), outcome = 'withdrawn'
WHERE enrollment_id = ANY(CAST(:ids AS uuid[])) AND lead_id = ANY(CAST(:leads AS uuid[]))
  AND step IS NOT NULL AND state = 'open'
RETURNING tenant_id, {COLUMNS}
""")

_WITHDRAW_THESE = text(f"""
UPDATE scheduler.tasks
SET state = 'withdrawn', completed_at = CAST(:at AS timestamptz), outcome = 'withdrawn'
WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'open'
RETURNING tenant_id, {COLUMNS}
""")

_REMIND = text(f"""
UPDATE scheduler.tasks AS t SET reminded_at = CAST(:at AS timestamptz)
FROM (
  SELECT id FROM scheduler.tasks WHERE id = ANY(CAST(:ids AS uuid[]))
  ORDER BY id FOR UPDATE
) AS due
WHERE t.id = due.id AND t.state = 'open'
RETURNING t.tenant_id, {", ".join(f"t.{name.strip()}" for name in COLUMNS.split(","))}
""")


@dataclass(frozen=True, slots=True)
class NewTask:
    """Something for a person to do.

    `step` and `occurrence` say which step of its run asked for it (None: none did).
    `outcomes` are the only ones it may be closed with; empty allows any.
    """

    id: UUID
    tenant_id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None
    kind: str
    reason: str
    due_at: datetime
    created_at: datetime
    title: str | None = None
    step: str | None = None
    occurrence: int = 0
    assignee: str | None = None
    outcomes: tuple[str, ...] = ()
    remind_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks are asked for; None does not ask. `until` is exclusive."""

    state: str = "open"
    kind: str | None = None
    lead: UUID | None = None
    assignee: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def given(self) -> dict[str, Any]:
        """What is asked, by the names of the filters."""
        values = {name: getattr(self, name) for name in _FILTERS}
        return {name: value for name, value in values.items() if value is not None}


async def insert(tx: Transaction, tasks: Sequence[NewTask]) -> None:
    """Open tasks."""
    await tx.run(_INSERT, rows=to_json([asdict(task) for task in tasks]))


async def page(
    tx: Transaction, tenant_id: UUID, wanted: Filter, *, after: tuple[datetime, UUID], most: int
) -> list[dict[str, Any]]:
    """Tasks that come after a (due_at, id), in that order."""
    given = wanted.given()
    asked = "".join(f" AND {_FILTERS[name]}" for name in given)
    # Written out, not a parameter: a partial index serves only what the planner can see.
    statement = text(f"""
SELECT {COLUMNS} FROM scheduler.tasks
WHERE tenant_id = :tenant AND state = {_WRITTEN[wanted.state]}{asked}
  AND (due_at, id) > (CAST(:due_at AS timestamptz), CAST(:id AS uuid))
ORDER BY due_at, id LIMIT :most
""")
    rows = await tx.all(
        statement, tenant=tenant_id, due_at=after[0], id=after[1], most=most, **given
    )
    return [dict(row) for row in rows]


async def read(tx: Transaction, tenant_id: UUID, task_id: UUID) -> dict[str, Any] | None:
    """One task."""
    row = await tx.first(_READ, tenant=tenant_id, id=task_id)
    return None if row is None else dict(row)


async def by_id(
    tx: Transaction, tenant_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, dict[str, Any]]:
    """Tasks by their ids."""
    rows = await tx.all(_BY_ID, tenant=tenant_id, ids=list(ids))
    return {row["id"]: dict(row) for row in rows}


async def of_lead(tx: Transaction, tenant_id: UUID, lead_id: UUID) -> list[dict[str, Any]]:
    """Every task about a lead, oldest first."""
    return [dict(row) for row in await tx.all(_OF_LEAD, tenant=tenant_id, lead=lead_id)]


async def complete(
    tx: Transaction, tenant_id: UUID, task_id: UUID, *, outcome: str, note: str | None
) -> dict[str, Any] | None:
    """Close an open task; None when there is no such open task."""
    row = await tx.first(
        _COMPLETE, tenant=tenant_id, id=task_id, outcome=outcome, note=note, at=tx.now
    )
    return None if row is None else dict(row)


async def snooze(
    tx: Transaction, tenant_id: UUID, task_id: UUID, *, until: datetime, remind_at: datetime | None
) -> dict[str, Any] | None:
    """Have an open task be due later; None when there is no such open task."""
    row = await tx.first(_SNOOZE, tenant=tenant_id, id=task_id, until=until, remind_at=remind_at)
    return None if row is None else dict(row)


async def assign(
    tx: Transaction, tenant_id: UUID, task_id: UUID, *, assignee: str | None
) -> dict[str, Any] | None:
    """Give an open task to somebody, or to nobody; None when there is no such open task."""
    row = await tx.first(_ASSIGN, tenant=tenant_id, id=task_id, assignee=assignee)
    return None if row is None else dict(row)


async def withdraw(tx: Transaction, runs: Iterable[tuple[UUID, UUID]]) -> list[dict[str, Any]]:
    """Close the open tasks that steps of these (enrollment, lead) asked for; returns them."""
    pairs = list(runs)
    rows = await tx.all(
        _WITHDRAW, ids=[run for run, _ in pairs], leads=[lead for _, lead in pairs], at=tx.now
    )
    return [dict(row) for row in rows]


async def withdraw_these(tx: Transaction, ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Close those of these tasks that are open: nobody need do them; returns them."""
    return [dict(row) for row in await tx.all(_WITHDRAW_THESE, ids=list(ids), at=tx.now)]


async def remind(tx: Transaction, ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Mark those of these tasks that are still open as reminded of; returns them."""
    return [dict(row) for row in await tx.all(_REMIND, ids=list(ids), at=tx.now)]
