"""Statements on `scheduler.reviews`: touches that wait for a person, or for a draft."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_database.engine import to_json

ReviewState = Literal["unasked", "pending", "approved", "rejected", "lapsed", "withdrawn"]

_INSERT = text("""
INSERT INTO scheduler.reviews (touch_id, tenant_id, lead_id, person_id, enrollment_id, channel,
  state, otherwise, due_at, lapses_at, plain, drafting)
SELECT touch_id, tenant_id, lead_id, person_id, enrollment_id, channel, state, otherwise,
  due_at, lapses_at, plain, drafting
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  touch_id uuid, tenant_id uuid, lead_id uuid, person_id uuid, enrollment_id uuid,
  channel text, state text, otherwise text, due_at timestamptz, lapses_at timestamptz,
  plain text, drafting text)
""")

_COLUMNS = (
    "v.touch_id, v.tenant_id, v.lead_id, v.person_id, v.enrollment_id, v.channel, v.state,"
    " v.otherwise, v.due_at, v.lapses_at, v.plain, v.drafting, v.draft, v.attempts,"
    " v.decided_by, v.decided_at, v.reason"
)

_PAGE = text(f"""
SELECT {_COLUMNS}, t.sequence, t.version, t.step, t.content
FROM scheduler.reviews AS v JOIN scheduler.touches AS t ON t.id = v.touch_id
WHERE v.tenant_id = :tenant AND v.state = 'pending'
  AND (v.due_at, v.touch_id) > (CAST(:due_at AS timestamptz), CAST(:id AS uuid))
ORDER BY v.due_at, v.touch_id LIMIT :most
""")

_READ = text(f"""
SELECT {_COLUMNS}, t.sequence, t.version, t.step, t.content
FROM scheduler.reviews AS v JOIN scheduler.touches AS t ON t.id = v.touch_id
WHERE v.tenant_id = :tenant AND v.touch_id = :id
""")

_PENDING = text(f"""
SELECT {_COLUMNS} FROM scheduler.reviews AS v
WHERE v.touch_id = ANY(CAST(:ids AS uuid[])) AND v.state = 'pending'
""")

_DECIDE = text("""
UPDATE scheduler.reviews
SET state = :state, decided_by = :by, decided_at = CAST(:at AS timestamptz), reason = :reason,
    drafting = CASE WHEN drafting = 'wanted' THEN 'template' ELSE drafting END
WHERE touch_id = ANY(CAST(:ids AS uuid[])) AND state = 'pending'
RETURNING touch_id
""")

# What is cancelled or settled waits for nobody, and needs no draft.
_WITHDRAW = text("""
UPDATE scheduler.reviews
SET state = CASE WHEN state = 'pending' THEN 'withdrawn' ELSE state END,
    drafting = CASE WHEN drafting = 'wanted' THEN 'template' ELSE drafting END
WHERE touch_id = ANY(CAST(:ids AS uuid[])) AND (state = 'pending' OR drafting = 'wanted')
""")

# Taken for as long as a model may take, by machine time; then it is anybody's again.
_TAKE = text(f"""
UPDATE scheduler.reviews AS v
SET attempts = v.attempts + 1, try_at = clock_timestamp() + CAST(:again AS interval)
FROM (
  SELECT touch_id FROM scheduler.reviews
  WHERE drafting = 'wanted' AND try_at <= statement_timestamp()
  ORDER BY try_at LIMIT :most FOR UPDATE SKIP LOCKED) AS taken
WHERE v.touch_id = taken.touch_id
RETURNING {_COLUMNS}
""")

_DRAFTED = text("""
UPDATE scheduler.reviews SET drafting = :drafting, draft = COALESCE(:draft, draft)
WHERE touch_id = :id AND drafting = 'wanted' RETURNING state
""")


@dataclass(frozen=True, slots=True)
class NewReview:
    """A touch to be looked at, or drafted, before it goes. `plain` is its template's hash.

    `state` is `unasked` where only a draft is wanted.
    """

    touch_id: UUID
    tenant_id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID
    channel: Channel
    state: ReviewState
    otherwise: Literal["skip", "send"]
    due_at: datetime
    lapses_at: datetime | None
    plain: str
    drafting: Literal["template", "wanted"]


async def insert(tx: Transaction, several: Sequence[NewReview]) -> None:
    """Ask for reviews and drafts."""
    await tx.run(_INSERT, rows=to_json([asdict(review) for review in several]))


async def page(
    tx: Transaction, tenant_id: UUID, *, after: tuple[datetime, UUID], most: int
) -> list[dict[str, Any]]:
    """What waits for a person and comes after a (due_at, touch), in that order."""
    rows = await tx.all(_PAGE, tenant=tenant_id, due_at=after[0], id=after[1], most=most)
    return [dict(row) for row in rows]


async def read(tx: Transaction, tenant_id: UUID, touch_id: UUID) -> dict[str, Any] | None:
    """One review."""
    row = await tx.first(_READ, tenant=tenant_id, id=touch_id)
    return None if row is None else dict(row)


async def pending(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Those of these touches that still wait."""
    return {row["touch_id"]: dict(row) for row in await tx.all(_PENDING, ids=list(ids))}


async def decide(
    tx: Transaction,
    ids: Iterable[UUID],
    state: ReviewState,
    *,
    by: str | None = None,
    reason: str | None = None,
) -> set[UUID]:
    """End the waiting of these touches; returns those that did wait."""
    rows = await tx.all(_DECIDE, ids=list(ids), state=state, by=by, reason=reason, at=tx.now)
    return {row["touch_id"] for row in rows}


async def withdraw(tx: Transaction, ids: Iterable[UUID]) -> None:
    """Let nobody wait for these touches any more."""
    await tx.run(_WITHDRAW, ids=list(ids))


async def take(tx: Transaction, *, most: int, again: timedelta) -> list[dict[str, Any]]:
    """Some for which a draft is wanted, nobody else's for `again`, their attempt counted."""
    return [dict(row) for row in await tx.all(_TAKE, most=most, again=again)]


async def drafted(
    tx: Transaction, touch_id: UUID, drafting: Literal["written", "failed"], draft: str | None
) -> ReviewState | None:
    """Keep what became of a draft; the review's state, or None if none is wanted any more."""
    state: ReviewState | None = await tx.scalar(
        _DRAFTED, id=touch_id, drafting=drafting, draft=draft
    )
    return state
