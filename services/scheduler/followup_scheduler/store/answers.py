"""Statements on `scheduler.answers`: what persons answered, and on which channel."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_contracts.events import Intent
from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_database.engine import to_json

_INSERT = text("""
INSERT INTO scheduler.answers (id, tenant_id, person_id, lead_id, touch_id, channel, intent, at)
SELECT id, tenant_id, person_id, lead_id, touch_id, channel, intent, at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id uuid, tenant_id uuid, person_id uuid, lead_id uuid, touch_id uuid, channel text,
  intent text, at timestamptz)
ORDER BY id ON CONFLICT (id) DO NOTHING
""")

_LAST = text("""
SELECT DISTINCT ON (lead_id) lead_id, channel, intent, at FROM scheduler.answers
WHERE tenant_id = :tenant AND lead_id = ANY(CAST(:leads AS uuid[]))
ORDER BY lead_id, at DESC
""")


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply of a person; its words are kept by who received it."""

    id: UUID
    tenant_id: UUID
    person_id: UUID
    lead_id: UUID | None
    touch_id: UUID | None
    channel: Channel
    intent: Intent
    at: datetime


async def insert(tx: Transaction, answers: Sequence[Answer]) -> None:
    """Keep answers; one that is kept already stays as it is."""
    await tx.run(_INSERT, rows=to_json([asdict(answer) for answer in answers]))


async def last_of(
    tx: Transaction, tenant_id: UUID, leads: Iterable[UUID]
) -> dict[UUID, dict[str, Any]]:
    """Lead → its newest answer, for those that have answered."""
    rows = await tx.all(_LAST, tenant=tenant_id, leads=list(leads))
    return {row["lead_id"]: dict(row) for row in rows}
