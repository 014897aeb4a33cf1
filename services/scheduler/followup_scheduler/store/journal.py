"""Statements on `scheduler.journal`: what was decided about a lead, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction, new_id
from followup_database.engine import to_json

_INSERT = text("""
INSERT INTO scheduler.journal (id, tenant_id, lead_id, person_id, enrollment_id, at, what, why)
SELECT id, tenant_id, lead_id, person_id, enrollment_id, at, what, why
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id uuid, tenant_id uuid, lead_id uuid, person_id uuid, enrollment_id uuid,
  at timestamptz, what text, why jsonb)
""")

_OF_LEAD = text("""
SELECT id, enrollment_id, at, what, why FROM scheduler.journal
WHERE tenant_id = :tenant AND lead_id = :lead ORDER BY id
""")

_BEFORE_ENTERING = text("""
SELECT j.tenant_id, j.lead_id, j.person_id, j.at, j.what, j.why
FROM unnest(CAST(:tenants AS uuid[]), CAST(:leads AS uuid[])) AS r(tenant_id, lead_id)
JOIN scheduler.journal j ON j.tenant_id = r.tenant_id AND j.lead_id = r.lead_id
WHERE j.enrollment_id IS NULL
  AND NOT EXISTS (SELECT FROM scheduler.enrollments e
                  WHERE e.tenant_id = r.tenant_id AND e.lead_id = r.lead_id
                    AND NOT e.memory ? 'started_by')
ORDER BY j.id
""")

# The line about a sale says when that happened (older ones do not); the row, when it was
# heard of.
_WON = text("""
SELECT j.lead_id, max(COALESCE(CAST(j.why ->> 'happened_at' AS timestamptz), j.at)) AS at
FROM unnest(CAST(:tenants AS uuid[]), CAST(:leads AS uuid[])) AS r(tenant_id, lead_id)
JOIN scheduler.journal j ON j.tenant_id = r.tenant_id AND j.lead_id = r.lead_id
WHERE j.enrollment_id IS NULL AND j.what = 'lead converted'
GROUP BY j.lead_id
""")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line about a lead. `why` holds JSON values, no personal data."""

    tenant_id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None
    at: datetime
    what: str
    why: dict[str, Any] = field(default_factory=dict)


async def insert(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Write lines down, in their order."""
    rows = [
        {
            "id": new_id(),
            "tenant_id": entry.tenant_id,
            "lead_id": entry.lead_id,
            "person_id": entry.person_id,
            "enrollment_id": entry.enrollment_id,
            "at": entry.at,
            "what": entry.what,
            "why": entry.why,
        }
        for entry in entries
    ]
    await tx.run(_INSERT, rows=to_json(rows))


async def of_lead(tx: Transaction, tenant_id: UUID, lead_id: UUID) -> list[dict[str, Any]]:
    """Every line about a lead, in the order they were written."""
    return [dict(row) for row in await tx.all(_OF_LEAD, tenant=tenant_id, lead=lead_id)]


async def before_entering(tx: Transaction, leads: Iterable[tuple[UUID, UUID]]) -> list[Entry]:
    """What was written of these (tenant, lead) that have entered no sequence so far, in order.

    What an event of the product has begun for them counts for none.
    """
    pairs = sorted(leads)
    rows = await tx.all(
        _BEFORE_ENTERING,
        tenants=[tenant for tenant, _ in pairs],
        leads=[lead for _, lead in pairs],
    )
    return [
        Entry(
            row["tenant_id"],
            row["lead_id"],
            row["person_id"],
            None,
            row["at"],
            row["what"],
            row["why"],
        )
        for row in rows
    ]


async def won(tx: Transaction, leads: Iterable[tuple[UUID, UUID]]) -> dict[UUID, datetime]:
    """Lead → when it was won last, of these (tenant, lead), as far as that was heard of."""
    pairs = sorted(leads)
    rows = await tx.all(
        _WON,
        tenants=[tenant for tenant, _ in pairs],
        leads=[lead for _, lead in pairs],
    )
    return {row["lead_id"]: row["at"] for row in rows}
