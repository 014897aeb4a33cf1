"""What came of an attempt, kept: with the delivery, and with what it tells of the endpoint."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from followup_database import Row, Transaction
from followup_intake.core.redelivery import (
    WINDOW,
    Again,
    Answered,
    GivenUp,
    Gone,
    Taken,
    Unanswered,
    rest,
)
from followup_intake.outgoing.deliveries import Claimed

Recorded = Literal["delivered", "again", "failed", "late"]

_ENDPOINT = text("""
SELECT failures,
  COALESCE(failing_since < clock_timestamp() - CAST(:window AS interval), false) AS long
FROM intake.endpoints WHERE id = :id AND tenant_id = :tenant_id FOR UPDATE
""")
_DELIVERY = text("""
UPDATE intake.deliveries SET state = :state, token = NULL,
  due_on = clock_timestamp() + CAST(:pause AS interval),
  finished_on = CASE WHEN CAST(:state AS text) = 'pending' THEN NULL ELSE clock_timestamp() END
WHERE id = :id AND tenant_id = :tenant_id AND token = :token AND state = 'pending'
RETURNING lead_id
""")
# The person is kept from being erased meanwhile, and what may repeat their data is not kept
# of one who was.
_ATTEMPT = text("""
WITH known AS (
  SELECT id FROM people.persons WHERE tenant_id = :tenant_id AND id = :person_id FOR KEY SHARE)
INSERT INTO intake.delivery_attempts (delivery_id, number, tenant_id, person_id, began_on,
  milliseconds, status, error, answer)
SELECT :id, :number, :tenant_id, :person_id, :began_on, :milliseconds, :status, :error,
  CASE WHEN CAST(:person_id AS uuid) IS NULL OR EXISTS (SELECT FROM known) THEN :answer END
ON CONFLICT DO NOTHING
""")
# It has been tried since now: what it waited is not taken from the days it may be tried.
_PROMOTE = text("""
UPDATE intake.deliveries SET state = 'pending', due_on = clock_timestamp(),
  opened_on = clock_timestamp()
WHERE id = (SELECT id FROM intake.deliveries
  WHERE endpoint_id = :endpoint_id AND lead_id = :lead_id AND state = 'waiting'
  ORDER BY sequence LIMIT 1)
""")
_FREE = text("""
UPDATE intake.endpoints
SET work_on = LEAST(work_on, GREATEST(clock_timestamp(), COALESCE(rest_on, '-infinity')))
WHERE id = :id AND tenant_id = :tenant_id
""")
_WELL = text("""
UPDATE intake.endpoints SET failures = 0, failing_since = NULL, rest_on = NULL,
  work_on = LEAST(work_on, clock_timestamp())
WHERE id = :id AND tenant_id = :tenant_id
""")
_ILL = text("""
UPDATE intake.endpoints SET failures = failures + 1,
  failing_since = COALESCE(failing_since, clock_timestamp()),
  rest_on = clock_timestamp() + CAST(:rest AS interval),
  work_on = clock_timestamp() + CAST(:rest AS interval)
WHERE id = :id AND tenant_id = :tenant_id
""")
_DISABLE = text("""
UPDATE intake.endpoints SET state = 'disabled', reason = :reason, disabled_on = clock_timestamp()
WHERE id = :id AND tenant_id = :tenant_id AND state = 'active'
""")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that was made: when it began by machine time, how long it took, what came back."""

    began_on: datetime
    milliseconds: int
    outcome: Answered | Unanswered


@dataclass(frozen=True, slots=True)
class Kept:
    """What an attempt came to. `late`: another process has taken the delivery over."""

    state: Recorded
    disabled: bool = False


async def record(
    tx: Transaction, claimed: Claimed, attempt: Attempt, then: Taken | Gone | Again | GivenUp
) -> Kept:
    """Keep an attempt and what follows from it, if the delivery is still the claimer's."""
    ids = {"id": claimed.endpoint.id, "tenant_id": claimed.tenant_id}
    endpoint = await tx.first(_ENDPOINT, window=WINDOW, **ids)
    pause = then.pause if isinstance(then, Again) else timedelta(0)
    state = {Taken: "delivered", Again: "pending"}.get(type(then), "failed")
    row = await tx.first(
        _DELIVERY,
        id=claimed.id,
        tenant_id=claimed.tenant_id,
        token=claimed.token,
        state=state,
        pause=pause,
    )
    if row is None or endpoint is None:
        return Kept("late")
    await tx.run(_ATTEMPT, **_columns(claimed, attempt))
    if state != "pending":
        await promote(tx, claimed.endpoint.id, row["lead_id"])
    disabled = await _judge(tx, endpoint, ids, then, attempt.outcome)
    match then:
        case Taken():
            return Kept("delivered")
        case Again():
            return Kept("again", disabled)
        case Gone() | GivenUp():
            return Kept("failed", disabled)


async def promote(tx: Transaction, endpoint_id: UUID, lead_id: UUID | None) -> None:
    """Have the next of a lead's events delivered, as the one before is done with."""
    if lead_id is not None:
        await tx.run(_PROMOTE, endpoint_id=endpoint_id, lead_id=lead_id)


async def _judge(
    tx: Transaction,
    endpoint: Row,
    ids: dict[str, UUID],
    then: Taken | Gone | Again | GivenUp,
    outcome: Answered | Unanswered,
) -> bool:
    """Keep what the attempt tells of the endpoint; whether that ended it."""
    if isinstance(then, Taken):
        await tx.run(_WELL, **ids)
        return False
    if isinstance(outcome, Unanswered) and outcome.ours:
        await tx.run(_FREE, **ids)
        return False
    await tx.run(_ILL, rest=rest(endpoint["failures"] + 1), **ids)
    if isinstance(then, Gone):
        reason = "it answered 410: it wants nothing any more"
    elif endpoint["long"]:
        reason = f"it failed for {WINDOW.days} days, at last with: {said(outcome)}"
    else:
        return False
    return await tx.run(_DISABLE, reason=reason, **ids) == 1


def said(outcome: Answered | Unanswered) -> str:
    """An outcome in a few words, without anything of a body."""
    return str(outcome.status) if isinstance(outcome, Answered) else outcome.why


def _columns(claimed: Claimed, attempt: Attempt) -> dict[str, Any]:
    outcome = attempt.outcome
    return {
        "id": claimed.id,
        "number": claimed.attempt,
        "tenant_id": claimed.tenant_id,
        "person_id": claimed.person_id,
        "began_on": attempt.began_on,
        "milliseconds": attempt.milliseconds,
        "status": outcome.status if isinstance(outcome, Answered) else None,
        "error": outcome.why if isinstance(outcome, Unanswered) else None,
        "answer": outcome.body if isinstance(outcome, Answered) else None,
    }
