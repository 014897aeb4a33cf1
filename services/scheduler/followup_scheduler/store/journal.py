"""Statements on `scheduler.journal`: what was decided about a lead, and why."""

from collections.abc import Sequence
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
