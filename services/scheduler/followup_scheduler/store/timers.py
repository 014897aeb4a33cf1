"""Statements on `scheduler.timers`.

Whoever claims timers of touches takes only what is free, here and in every table it
goes on to: it waits for nobody, so it is never part of a circle of waiting.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import TextClause, text

from followup_contracts.payload import Lane
from followup_database import Row, Transaction
from followup_database.engine import to_json
from followup_scheduler.touch import LANE_NUMBERS, Line, Timer, TimerKind

_LANES: dict[int, Lane] = {number: lane for lane, number in LANE_NUMBERS.items()}

_SET = text("""
INSERT INTO scheduler.timers (target, tenant_id, lane, kind, channel, due_at, reason)
SELECT target, tenant_id, lane, kind, channel, due_at, reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  target uuid, tenant_id uuid, lane smallint, kind text, channel text, due_at timestamptz,
  reason text)
ORDER BY target
ON CONFLICT (target) DO UPDATE
SET lane = excluded.lane, kind = excluded.kind, channel = excluded.channel,
    due_at = excluded.due_at, reason = excluded.reason
""")

_BRING_FORWARD = text("""
INSERT INTO scheduler.timers (target, tenant_id, lane, kind, channel, due_at, reason)
SELECT DISTINCT ON (target) target, tenant_id, lane, kind, channel, due_at, reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  target uuid, tenant_id uuid, lane smallint, kind text, channel text, due_at timestamptz,
  reason text)
ORDER BY target
ON CONFLICT (target) DO UPDATE SET due_at = excluded.due_at, reason = excluded.reason
WHERE timers.due_at > excluded.due_at
""")

_CLEAR = text("DELETE FROM scheduler.timers WHERE target = ANY(CAST(:ids AS uuid[]))")

_COLUMNS = "target, tenant_id, lane, kind, due_at, reason, channel"

# What needs no place in a window: wakes, and touches that have theirs.
_FREE = f"""
SELECT {_COLUMNS} FROM scheduler.timers
WHERE lane = :lane AND kind = :kind AND channel IS NULL AND due_at <= CAST(:now AS timestamptz)
ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
"""

_FIRST_COME = f"""
SELECT {_COLUMNS} FROM scheduler.timers
WHERE lane = :lane AND channel IS NOT NULL AND due_at <= CAST(:now AS timestamptz)
ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
"""

_FREE_ONES = text(_FREE)
_TOUCHES = text(f"""
SELECT * FROM ({_FREE}) AS free UNION ALL SELECT * FROM ({_FIRST_COME}) AS asking LIMIT :most
""")

# Walks from line to line and takes an even share of each, the longest due: what it costs
# depends on how many lines there are, not on how much of theirs is due.
_SHARED = text(f"""
WITH RECURSIVE line AS (
  (SELECT tenant_id, channel FROM scheduler.timers
   WHERE lane = :lane AND channel IS NOT NULL ORDER BY tenant_id, channel LIMIT 1)
  UNION ALL
  SELECT next.tenant_id, next.channel FROM line CROSS JOIN LATERAL (
    SELECT t.tenant_id, t.channel FROM scheduler.timers AS t
    WHERE t.lane = :lane AND t.channel IS NOT NULL
      AND (t.tenant_id, t.channel) > (line.tenant_id, line.channel)
    ORDER BY t.tenant_id, t.channel LIMIT 1) AS next
), due AS MATERIALIZED (
  SELECT line.tenant_id, line.channel FROM line CROSS JOIN LATERAL (
    SELECT t.due_at FROM scheduler.timers AS t
    WHERE t.lane = :lane AND t.tenant_id = line.tenant_id AND t.channel = line.channel
    ORDER BY t.due_at LIMIT 1) AS first
  WHERE first.due_at <= CAST(:now AS timestamptz) AND NOT EXISTS (
    SELECT FROM jsonb_to_recordset(CAST(:full AS jsonb)) AS f(tenant_id uuid, channel text)
    WHERE f.tenant_id = line.tenant_id AND f.channel = line.channel)
  ORDER BY first.due_at LIMIT :most
)
SELECT * FROM ({_FREE}) AS free
UNION ALL
SELECT share.* FROM due CROSS JOIN LATERAL (
  SELECT {_COLUMNS} FROM scheduler.timers AS t
  WHERE t.lane = :lane AND t.tenant_id = due.tenant_id AND t.channel = due.channel
    AND t.due_at <= CAST(:now AS timestamptz)
  ORDER BY t.due_at LIMIT GREATEST(1, CAST(:most AS bigint) / (SELECT count(*) FROM due))
  FOR UPDATE SKIP LOCKED) AS share
LIMIT :most
""")

_STILL_DUE = text("""
SELECT target, tenant_id, lane, kind, due_at, reason, channel FROM scheduler.timers
WHERE target = :target AND due_at <= CAST(:now AS timestamptz) FOR UPDATE SKIP LOCKED
""")

_POSTPONE = text("""
UPDATE scheduler.timers SET due_at = CAST(:now AS timestamptz) + CAST(:by AS interval)
WHERE target = :target AND due_at <= CAST(:now AS timestamptz)
""")

_OF_RUNS = (
    "channel IS NOT NULL",
    "channel IS NULL AND kind = 'touch'",
    "channel IS NULL AND kind = 'wake'",
)
_OF_PEOPLE = (
    "channel IS NULL AND kind = 'remind'",
    "channel IS NULL AND kind = 'lapse'",
)


def _first(*which: str) -> TextClause:
    firsts = " UNION ALL ".join(
        f"(SELECT due_at FROM scheduler.timers WHERE lane = {lane} AND {each}"
        " ORDER BY due_at LIMIT 1)"
        for lane in sorted(_LANES)
        for each in which
    )
    return text(f"SELECT min(due_at) FROM ({firsts}) AS first")


_NEXT = _first(*_OF_RUNS)
_NEXT_OF_PEOPLE = _first(*_OF_PEOPLE)


async def set_(tx: Transaction, timers: Sequence[Timer]) -> None:
    """Arm timers; one that its target already has is moved."""
    await tx.run(_SET, rows=to_json([_row(timer) for timer in timers]))


async def bring_forward(tx: Transaction, timers: Sequence[Timer]) -> None:
    """Arm timers; one that its target already has stays if it is due sooner."""
    await tx.run(_BRING_FORWARD, rows=to_json([_row(timer) for timer in timers]))


async def clear(tx: Transaction, targets: Iterable[UUID]) -> None:
    """Disarm the timers of these touches and enrollments, where there are any."""
    await tx.run(_CLEAR, ids=list(targets))


async def due_wakes(tx: Transaction, *, most: int) -> list[Timer]:
    """Wakes that are due now and free, locked: lane `now` first, then the longest due."""
    return await _due_free(tx, "wake", most=most)


async def due_reminders(tx: Transaction, *, most: int) -> list[Timer]:
    """Reminders that are due now and free, locked, the longest due first."""
    return await _due_free(tx, "remind", most=most)


async def due_lapses(tx: Transaction, *, most: int) -> list[Timer]:
    """Approvals that nobody gave in time, free and locked, the longest due first."""
    return await _due_free(tx, "lapse", most=most)


async def _due_free(tx: Transaction, kind: TimerKind, *, most: int) -> list[Timer]:
    async def of(lane: int, room: int) -> Sequence[Row]:
        return await tx.all(_FREE_ONES, lane=lane, kind=kind, now=tx.now, most=room)

    return await _by_lane(of, most=most)


async def due_touches(
    tx: Transaction, *, most: int, shared: bool = False, full: Mapping[Lane, Iterable[Line]]
) -> list[Timer]:
    """Timers of touches that are due now and free, locked: lane `now` first.

    Within a lane those go first that have their place in a window, then the longest due;
    `shared`: then as many of each tenant and channel, so that none waits for another's
    backlog. Touches of the lines in `full` are left where they are where it is `shared`.
    """

    async def of(lane: int, room: int) -> Sequence[Row]:
        if not shared:
            return await tx.all(_TOUCHES, lane=lane, kind="touch", now=tx.now, most=room)
        lines = full.get(_LANES[lane], ())
        rows = to_json([{"tenant_id": tenant, "channel": channel} for tenant, channel in lines])
        return await tx.all(_SHARED, lane=lane, kind="touch", now=tx.now, most=room, full=rows)

    return await _by_lane(of, most=most)


async def _by_lane(of: Callable[[int, int], Awaitable[Sequence[Row]]], *, most: int) -> list[Timer]:
    found: list[Timer] = []
    for lane in sorted(_LANES):
        if len(found) < most:
            found += [_timer(row) for row in await of(lane, most - len(found))]
    return found


async def still_due(tx: Transaction, target: UUID) -> list[Timer]:
    """The timer of this target, locked; none if it is gone, held, or due later now."""
    return [_timer(row) for row in await tx.all(_STILL_DUE, target=target, now=tx.now)]


async def postpone(tx: Transaction, target: UUID, *, by: timedelta) -> None:
    """Have a due timer come again after that long; one that was moved stays as it is."""
    await tx.run(_POSTPONE, target=target, now=tx.now, by=by)


async def next_due(tx: Transaction) -> datetime | None:
    """The earliest moment a touch or a wake is due, or None when none is armed."""
    moment: datetime | None = await tx.scalar(_NEXT)
    return moment


async def next_of_people(tx: Transaction) -> datetime | None:
    """The earliest moment somebody is reminded of a task, or was too late to approve; or None."""
    moment: datetime | None = await tx.scalar(_NEXT_OF_PEOPLE)
    return moment


def _row(timer: Timer) -> dict[str, object]:
    return {
        "target": timer.target,
        "tenant_id": timer.tenant_id,
        "lane": LANE_NUMBERS[timer.lane],
        "kind": timer.kind,
        "channel": timer.channel,
        "due_at": timer.due_at,
        "reason": timer.reason,
    }


def _timer(row: Row) -> Timer:
    return Timer(**{**row, "lane": _LANES[row["lane"]]})
