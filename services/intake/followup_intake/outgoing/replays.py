"""Deliveries asked for anew, and looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import TextClause, text

from followup_database import Row, Transaction
from followup_database.ids import smallest_id
from followup_intake.outgoing.deliveries import DeliveryState

MOST = 1000
"""Deliveries that one request opens anew."""
_EPOCH = datetime.fromtimestamp(0, UTC)

_COLUMNS = """id, event_id, sequence, type, lead_id, state, attempts, created_on, due_on,
  finished_on, token IS NOT NULL AND due_on > clock_timestamp() AS under_way"""
# A state stands in the statement itself, so that an index of that state alone serves it.
_LISTS: Mapping[DeliveryState | None, TextClause] = {
    state: text(f"""
SELECT {_COLUMNS} FROM intake.deliveries
WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id
  AND {"true" if state is None else f"state = '{state}'"}
  AND (CAST(:before AS uuid) IS NULL OR id < :before)
ORDER BY id DESC LIMIT :most
""")
    for state in (None, *get_args(DeliveryState))
}
_ONE = text(f"""
SELECT {_COLUMNS} FROM intake.deliveries
WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id AND id = :id
""")
_ATTEMPTS = text("""
SELECT number, began_on, milliseconds, status, error, answer FROM intake.delivery_attempts
WHERE tenant_id = :tenant_id AND delivery_id = :id ORDER BY number DESC LIMIT 100
""")
# Whatever the order of its lead: somebody asked for this one.
_AGAIN = text("""
UPDATE intake.deliveries SET state = 'pending', tries = 0, finished_on = NULL,
  opened_on = clock_timestamp(), due_on = clock_timestamp()
WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id AND id = :id
  AND state IN ('pending', 'delivered', 'failed')
  AND (token IS NULL OR due_on <= clock_timestamp())
""")
_FAILED = text("""
UPDATE intake.deliveries SET state = 'waiting', tries = 0, finished_on = NULL,
  opened_on = clock_timestamp(), due_on = clock_timestamp()
WHERE id IN (SELECT id FROM intake.deliveries
  WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id AND state = 'failed'
    AND id >= :since
  ORDER BY id LIMIT :most)
""")
# The first of each lead goes at once, unless another of it is pending; what has no lead, too.
_FIRSTS = text("""
UPDATE intake.deliveries d SET state = 'pending'
WHERE d.id IN (
  SELECT DISTINCT ON (COALESCE(w.lead_id, w.id)) w.id FROM intake.deliveries w
  WHERE w.tenant_id = :tenant_id AND w.endpoint_id = :endpoint_id AND w.state = 'waiting'
    AND (w.lead_id IS NULL OR NOT EXISTS (SELECT FROM intake.deliveries p
      WHERE p.endpoint_id = :endpoint_id AND p.lead_id = w.lead_id AND p.state = 'pending'))
  ORDER BY COALESCE(w.lead_id, w.id), w.sequence)
""")
_WAKE = text("""
UPDATE intake.endpoints SET rest_on = NULL, work_on = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :endpoint_id
""")


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint of a tenant; its row is locked by whoever changes something here."""

    tenant_id: UUID
    endpoint_id: UUID

    @property
    def params(self) -> dict[str, UUID]:
        """As statements name it."""
        return {"tenant_id": self.tenant_id, "endpoint_id": self.endpoint_id}


async def page_of_deliveries(
    tx: Transaction, place: Place, *, state: DeliveryState | None, before: UUID | None, most: int
) -> list[dict[str, Any]]:
    """Deliveries in JSON values, the newest first."""
    rows = await tx.all(_LISTS[state], **place.params, before=before, most=most)
    return [_told(row) for row in rows]


async def delivery_by_id(tx: Transaction, place: Place, delivery_id: UUID) -> dict[str, Any] | None:
    """One delivery with its latest attempts, in JSON values."""
    row = await tx.first(_ONE, **place.params, id=delivery_id)
    if row is None:
        return None
    attempts = await tx.all(_ATTEMPTS, tenant_id=place.tenant_id, id=delivery_id)
    return {**_told(row), "tries": [_tried(each) for each in attempts]}


async def replay_one(tx: Transaction, place: Place, delivery_id: UUID) -> bool:
    """Deliver one again now; False where it is not there, waits for another or is under way."""
    done = await tx.run(_AGAIN, **place.params, id=delivery_id) == 1
    await tx.run(_WAKE, **place.params)
    return done


async def replay_failed(tx: Transaction, place: Place, since: datetime) -> int:
    """Deliver what failed since a moment again, each lead's in its order; up to `MOST`."""
    # An id is made with its row, and tells when.
    first = smallest_id(max(since, _EPOCH))
    count = await tx.run(_FAILED, **place.params, since=first, most=MOST)
    await tx.run(_FIRSTS, **place.params)
    await tx.run(_WAKE, **place.params)
    return count


def _told(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "event_id": str(row["event_id"]),
        "sequence": row["sequence"],
        "type": row["type"],
        "lead_id": None if row["lead_id"] is None else str(row["lead_id"]),
        "state": row["state"],
        "under_way": row["under_way"],
        "attempts": row["attempts"],
        "created_at": row["created_on"].isoformat(),
        "next_try_at": row["due_on"].isoformat() if row["state"] == "pending" else None,
        "finished_at": None if row["finished_on"] is None else row["finished_on"].isoformat(),
    }


def _tried(row: Row) -> dict[str, Any]:
    return {
        "number": row["number"],
        "at": row["began_on"].isoformat(),
        "milliseconds": row["milliseconds"],
        "status": row["status"],
        "error": row["error"],
        "answer": row["answer"],
    }
