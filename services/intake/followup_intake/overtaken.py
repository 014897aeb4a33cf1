"""Events that came before their lead: parked until it is there.

Several intakes read one queue, so the event of a lead may be read by one before the
other has committed the lead. Such an event waits in a row: no message is requeued in a
circle, and it survives the broker and this process. Machine time throughout.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from followup_contracts import Message, Unreadable, decode, encode
from followup_contracts.ingress import LeadEventSubmitted
from followup_database import Row, Transaction
from followup_database.engine import to_json

FIRST_PAUSE, LONGEST_PAUSE = timedelta(milliseconds=250), timedelta(seconds=10)
"""Between two looks for a lead: as long as it has been waited for, within these."""

_PARK = text("""
INSERT INTO intake.overtaken (message_id, tenant_id, lead_id, external_id, body)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:leads AS uuid[]),
                     CAST(:names AS text[]), CAST(:bodies AS bytea[])) AS r(id, a, b, c, d)
ORDER BY id
ON CONFLICT DO NOTHING
""")
# The next look is set further off in the same statement: no other process looks now.
_DUE = text("""
UPDATE intake.overtaken SET next_on = clock_timestamp() + LEAST(
  GREATEST(CAST(:first AS interval), clock_timestamp() - parked_on), CAST(:longest AS interval))
WHERE message_id IN (
  SELECT message_id FROM intake.overtaken WHERE next_on <= statement_timestamp()
  ORDER BY next_on LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING message_id, tenant_id, body,
          clock_timestamp() - parked_on > CAST(:patience AS interval) AS given_up
""")
_LOCK = text("""
SELECT message_id, tenant_id, body, false AS given_up FROM intake.overtaken
WHERE message_id = :id FOR UPDATE SKIP LOCKED
""")
_NAMED_ALIKE = text("""
SELECT o.message_id, o.tenant_id, o.body, false AS given_up FROM intake.overtaken o
WHERE o.message_id IN (
  SELECT f.message_id FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r(tenant_id uuid, lead_id uuid, external_id text)
    JOIN intake.overtaken f ON f.tenant_id = r.tenant_id
     AND (f.lead_id = r.lead_id OR f.external_id = r.external_id))
ORDER BY o.message_id FOR UPDATE OF o SKIP LOCKED
""")
_DONE = text("DELETE FROM intake.overtaken WHERE message_id = ANY(CAST(:ids AS uuid[]))")
_COUNT = text("SELECT count(*) FROM (SELECT FROM intake.overtaken LIMIT :most) AS counted")


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that waits for its lead. `given_up`: it has waited as long as it may."""

    message: Message
    event: LeadEventSubmitted
    given_up: bool


async def park(tx: Transaction, overtaken: Sequence[tuple[Message, LeadEventSubmitted]]) -> None:
    """Have these wait; one that waits already is left as it is."""
    if not overtaken:
        return
    await tx.run(
        _PARK,
        ids=[message.id for message, _ in overtaken],
        tenants=[message.tenant_id for message, _ in overtaken],
        leads=[event.lead_id for _, event in overtaken],
        names=[event.external_id for _, event in overtaken],
        bodies=[encode(message) for message, _ in overtaken],
    )


async def due(tx: Transaction, *, patience: timedelta, most: int) -> list[Parked]:
    """What is to be looked at now, the oldest first; its next look is put off."""
    rows = await tx.all(
        _DUE, first=FIRST_PAUSE, longest=LONGEST_PAUSE, patience=patience, most=most
    )
    return sorted(map(_parked, rows), key=lambda parked: parked.message.id)


async def lock(tx: Transaction, message_id: UUID) -> bool:
    """Whether it still waits and nobody else is at it; then it is locked."""
    return await tx.first(_LOCK, id=message_id) is not None


async def named_alike(
    tx: Transaction, happened: Sequence[tuple[Message, LeadEventSubmitted]]
) -> list[Parked]:
    """What waits for the leads that these events name, locked, the oldest first."""
    rows = [
        {"tenant_id": m.tenant_id, "lead_id": e.lead_id, "external_id": e.external_id}
        for m, e in happened
    ]
    if not rows:
        return []
    return [_parked(row) for row in await tx.all(_NAMED_ALIKE, rows=to_json(rows))]


async def done(tx: Transaction, message_ids: Sequence[UUID]) -> None:
    """These wait no more."""
    if message_ids:
        await tx.run(_DONE, ids=list(message_ids))


async def count(tx: Transaction, *, most: int) -> int:
    """How many wait, counted up to `most`."""
    counted: int = await tx.scalar(_COUNT, most=most)
    return counted


def _parked(row: Row) -> Parked:
    message = decode(bytes(row["body"]))
    if not isinstance(message.data, LeadEventSubmitted):
        raise Unreadable(f"{message.type} never waits for a lead")
    return Parked(message, message.data, row["given_up"])
