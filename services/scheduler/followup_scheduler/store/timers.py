"""Statements on `scheduler.timers`.

Whoever claims timers of touches takes only what is free, here and in every table it
goes on to: it waits for nobody, so it is never part of a circle of waiting.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Lane
from followup_database import Row, Transaction
from followup_database.engine import to_json
from followup_scheduler.touch import LANE_NUMBERS, Line, Timer

_LANES: dict[int, Lane] = {number: lane for lane, number in LANE_NUMBERS.items()}

_SET = text("""
INSERT INTO scheduler.timers (target, tenant_id, lane, kind, channel, due_at, reason)
SELECT target, tenant_id, lane, kind, channel, due_at, reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  target uuid, tenant_id uuid, lane smallint, kind text, channel text, due_at timestamptz,
  reason text)
ORDER BY target
ON CONFLICT (target) DO UPDATE
SET lane = excluded.lane, channel = excluded.channel, due_at = excluded.due_at,
    reason = excluded.reason
""")

_CLEAR = text("DELETE FROM scheduler.timers WHERE target = ANY(CAST(:ids AS uuid[]))")

_DUE = text("""
SELECT target, tenant_id, lane, kind, due_at, reason, channel FROM scheduler.timers AS t
WHERE lane = :lane AND kind = :kind AND due_at <= CAST(:now AS timestamptz)
  AND NOT EXISTS (
    SELECT FROM jsonb_to_recordset(CAST(:full AS jsonb)) AS f(tenant_id uuid, channel text)
    WHERE f.tenant_id = t.tenant_id AND f.channel = t.channel)
ORDER BY due_at LIMIT :most FOR UPDATE OF t SKIP LOCKED
""")

_STILL_DUE = text("""
SELECT target, tenant_id, lane, kind, due_at, reason, channel FROM scheduler.timers
WHERE target = :target AND due_at <= CAST(:now AS timestamptz) FOR UPDATE SKIP LOCKED
""")

_POSTPONE = text("""
UPDATE scheduler.timers SET due_at = CAST(:now AS timestamptz) + CAST(:by AS interval)
WHERE target = :target AND due_at <= CAST(:now AS timestamptz)
""")

_NEXT = text("""
SELECT min(due_at) FROM (
  (SELECT due_at FROM scheduler.timers WHERE lane = 0 ORDER BY due_at LIMIT 1)
  UNION ALL
  (SELECT due_at FROM scheduler.timers WHERE lane = 1 ORDER BY due_at LIMIT 1)
) AS first
""")


async def set_(tx: Transaction, timers: Sequence[Timer]) -> None:
    """Arm timers; one that its target already has is moved."""
    rows = [
        {
            "target": timer.target,
            "tenant_id": timer.tenant_id,
            "lane": LANE_NUMBERS[timer.lane],
            "kind": timer.kind,
            "channel": timer.channel,
            "due_at": timer.due_at,
            "reason": timer.reason,
        }
        for timer in timers
    ]
    await tx.run(_SET, rows=to_json(rows))


async def clear(tx: Transaction, targets: Iterable[UUID]) -> None:
    """Disarm the timers of these touches and enrollments, where there are any."""
    await tx.run(_CLEAR, ids=list(targets))


async def due(
    tx: Transaction, kind: Literal["touch", "wake"], *, most: int, full: Iterable[Line] = ()
) -> list[Timer]:
    """What is due now and free, locked: lane `now` first, then the longest due.

    Touches of the lines in `full` are left where they are.
    """
    lines = to_json([{"tenant_id": tenant, "channel": channel} for tenant, channel in full])
    found: list[Timer] = []
    for number in sorted(_LANES):
        if len(found) < most:
            rows = await tx.all(
                _DUE, lane=number, kind=kind, now=tx.now, most=most - len(found), full=lines
            )
            found += [_timer(row) for row in rows]
    return found


async def still_due(tx: Transaction, target: UUID) -> list[Timer]:
    """The timer of this target, locked; none if it is gone, held, or due later now."""
    return [_timer(row) for row in await tx.all(_STILL_DUE, target=target, now=tx.now)]


async def postpone(tx: Transaction, target: UUID, *, by: timedelta) -> None:
    """Have a due timer come again after that long; one that was moved stays as it is."""
    await tx.run(_POSTPONE, target=target, now=tx.now, by=by)


async def next_due(tx: Transaction) -> datetime | None:
    """The earliest moment any timer is due, or None when none is armed."""
    moment: datetime | None = await tx.scalar(_NEXT)
    return moment


def _timer(row: Row) -> Timer:
    return Timer(**{**row, "lane": _LANES[row["lane"]]})
