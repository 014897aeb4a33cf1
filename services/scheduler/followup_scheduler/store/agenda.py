"""Statements for the agenda: what is due next of a tenant, page by page.

Two partial indexes, `tasks_open` and `touches_planned`, hold exactly what is still to be
done in the order it is due: a page costs what it shows, however many leads there are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import TextClause, text

from followup_database import Transaction

Kind = Literal["task", "touch"]

_TASKS = """
(SELECT 'task' AS type, id, due_at, lead_id, person_id FROM scheduler.tasks
 WHERE tenant_id = :tenant AND state = 'open'{assignee}
   AND (due_at, id) > (CAST(:due_at AS timestamptz), CAST(:id AS uuid))
   AND due_at < CAST(:until AS timestamptz)
 ORDER BY due_at, id LIMIT :most)
"""
_TOUCHES = """
(SELECT 'touch' AS type, id, due_at, lead_id, person_id FROM scheduler.touches
 WHERE tenant_id = :tenant AND state = 'planned'
   AND (due_at, id) > (CAST(:due_at AS timestamptz), CAST(:id AS uuid))
   AND due_at < CAST(:until AS timestamptz)
 ORDER BY due_at, id LIMIT :most)
"""
_MINE = " AND assignee = :assignee"


def _page(*parts: str) -> TextClause:
    entries = " UNION ALL ".join(parts)
    return text(f"SELECT * FROM ({entries}) AS entries ORDER BY due_at, id LIMIT :most")


PAGES: Mapping[tuple[frozenset[Kind], bool], TextClause] = {
    (frozenset({"task"}), False): _page(_TASKS.format(assignee="")),
    (frozenset({"task"}), True): _page(_TASKS.format(assignee=_MINE)),
    (frozenset({"touch"}), False): _page(_TOUCHES),
    (frozenset({"task", "touch"}), False): _page(_TASKS.format(assignee=""), _TOUCHES),
}
"""(what is asked for, whether of one assignee) → statement. Touches are nobody's."""

_COUNT = text("""
SELECT count(*) FROM (
  SELECT FROM scheduler.tasks WHERE tenant_id = :tenant AND state = 'open'
    AND due_at >= CAST(:since AS timestamptz) AND due_at < CAST(:until AS timestamptz)
  LIMIT :most) AS counted
""")

_TOUCHES_BY_ID = text("""
SELECT id, enrollment_id, sequence, version, step, channel, content, due_at
FROM scheduler.touches WHERE tenant_id = :tenant AND id = ANY(CAST(:ids AS uuid[]))
""")

# What was last and what comes next, of each lead.
_CONTACTS = text("""
SELECT DISTINCT ON (lead_id, gone) lead_id, gone, id, channel, sequence, step, content, at
FROM (
  SELECT lead_id, state IN ('sent', 'unknown') AS gone, id, channel, sequence, step, content,
    CASE WHEN state IN ('sent', 'unknown') THEN settled_at ELSE due_at END AS at
  FROM scheduler.touches
  WHERE tenant_id = :tenant AND lead_id = ANY(CAST(:leads AS uuid[]))
    AND state IN ('sent', 'unknown', 'planned', 'commanded')
) AS known
ORDER BY lead_id, gone,
  CASE WHEN gone THEN at END DESC NULLS LAST, CASE WHEN NOT gone THEN at END
""")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something due of a lead: a task, or a touch that is planned."""

    type: Kind
    id: UUID
    due_at: datetime
    lead_id: UUID
    person_id: UUID


async def page(
    tx: Transaction,
    tenant_id: UUID,
    *,
    kinds: frozenset[Kind],
    assignee: str | None,
    after: tuple[datetime, UUID],
    until: datetime,
    most: int,
) -> list[Entry]:
    """What is due before `until` and comes after a (due_at, id), in that order."""
    asked = {} if assignee is None else {"assignee": assignee}
    rows = await tx.all(
        PAGES[kinds, assignee is not None],
        tenant=tenant_id,
        due_at=after[0],
        id=after[1],
        until=until,
        most=most,
        **asked,
    )
    return [Entry(**row) for row in rows]


async def count_tasks(
    tx: Transaction, tenant_id: UUID, *, since: datetime, until: datetime, most: int
) -> int:
    """How many open tasks are due in [since, until), counted up to `most`."""
    counted: int = await tx.scalar(_COUNT, tenant=tenant_id, since=since, until=until, most=most)
    return counted


async def touches_by_id(
    tx: Transaction, tenant_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, dict[str, Any]]:
    """What the agenda shows of planned touches."""
    rows = await tx.all(_TOUCHES_BY_ID, tenant=tenant_id, ids=list(ids))
    return {row["id"]: dict(row) for row in rows}


async def contacts_of(
    tx: Transaction, tenant_id: UUID, leads: Iterable[UUID]
) -> dict[tuple[UUID, bool], dict[str, Any]]:
    """(lead, True) → its last contact, (lead, False) → the next one planned."""
    rows = await tx.all(_CONTACTS, tenant=tenant_id, leads=list(leads))
    return {(row["lead_id"], row["gone"]): dict(row) for row in rows}
