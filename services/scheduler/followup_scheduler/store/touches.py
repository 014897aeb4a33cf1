"""Statements on `scheduler.touches`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Row, Transaction
from followup_database.engine import to_json
from followup_policy.caps import PastContact
from followup_scheduler.core.model import TouchKey
from followup_scheduler.core.ranking import Rival
from followup_scheduler.core.touches import MAYBE_SENT
from followup_scheduler.touch import Touch

_STORED = (
    "id, tenant_id, enrollment_id, lead_id, person_id, sequence, version, state, round, epoch,"
    " lane, content, template, contact_round, transactional, priority, compared, utc_offset,"
    " wanted_at, due_at, not_after, outstanding, settled_at, call_result, reason"
)
_COLUMNS = f"{_STORED}, step, occurrence, channel"
_QUALIFIED = ", ".join(f"t.{name.strip()}" for name in _COLUMNS.split(","))
_NAMES = tuple(name.strip() for name in _STORED.split(","))

_CHANGING = (
    "id", "state", "round", "epoch", "due_at", "outstanding", "settled_at", "call_result", "reason",
    "template",
)  # fmt: skip

_INSERT = text(f"""
INSERT INTO scheduler.touches ({_COLUMNS}, trace, commanded_at)
SELECT {_COLUMNS}, trace, CASE WHEN state = 'commanded' THEN clock_timestamp() END
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id uuid, tenant_id uuid, enrollment_id uuid, lead_id uuid, person_id uuid, sequence text,
  version int, state text, round int, epoch int, lane text, content text, template text,
  contact_round text, transactional boolean, priority smallint, compared boolean,
  utc_offset smallint, wanted_at timestamptz, due_at timestamptz, not_after timestamptz,
  outstanding boolean, settled_at timestamptz, call_result text, reason text, step text,
  occurrence int, channel text, trace jsonb)
""")

# A touch that a rate defers for hours keeps how it began and what was last.
_TRACE = """CASE WHEN jsonb_array_length(t.trace) < 200 THEN t.trace || r.trace
    ELSE (t.trace - 100 - 100) || r.trace END"""

_UPDATE = text(f"""
UPDATE scheduler.touches AS t
SET state = r.state, round = r.round, epoch = r.epoch, due_at = r.due_at,
    outstanding = r.outstanding, settled_at = r.settled_at, call_result = r.call_result,
    reason = r.reason, template = r.template, trace = {_TRACE}
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id uuid, state text, round int, epoch int, due_at timestamptz, outstanding boolean,
  settled_at timestamptz, call_result text, reason text, template text, trace jsonb)
WHERE t.id = ANY(CAST(:ids AS uuid[])) AND t.id = r.id
""")

# A draft that comes while a touch is asked for comes too late.
_REWORD = text("""
UPDATE scheduler.touches SET template = :template WHERE id = :id AND state = 'planned'
""")

_REMARK = text("""
UPDATE scheduler.touches SET trace = trace || CAST(:entry AS jsonb) WHERE id = :id
""")

_PLACES = text("""
SELECT id, enrollment_id, sequence, step FROM scheduler.touches
WHERE id = ANY(CAST(:ids AS uuid[]))
""")

_LOCK_OF = text(f"""
SELECT {_QUALIFIED} FROM scheduler.touches AS t
JOIN unnest(CAST(:ids AS uuid[]), CAST(:kept AS int[])) AS r(enrollment_id, kept)
  ON r.enrollment_id = t.enrollment_id AND t.occurrence >= r.kept
WHERE t.enrollment_id = ANY(CAST(:ids AS uuid[]))
ORDER BY t.id FOR UPDATE OF t
""")

_LOCK_FREE = text(f"""
SELECT {_COLUMNS} FROM scheduler.touches
WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE SKIP LOCKED
""")

_LATE = text(f"""
SELECT {_COLUMNS} FROM scheduler.touches
WHERE state = 'commanded'
  AND commanded_at < statement_timestamp() - make_interval(secs => :seconds)
ORDER BY commanded_at LIMIT :most FOR UPDATE SKIP LOCKED
""")

_COMMAND = text(f"""
UPDATE scheduler.touches AS t
SET state = 'commanded', round = r.round, outstanding = true, commanded_at = clock_timestamp(),
    trace = {_TRACE}
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, round int, trace jsonb)
WHERE t.id = ANY(CAST(:ids AS uuid[])) AND t.id = r.id AND t.state IN ('planned', 'commanded')
""")

# Machine time, so that it counts as late again after that long.
_POSTPONE = text("""
UPDATE scheduler.touches
SET commanded_at = clock_timestamp() - CAST(:after AS interval) + CAST(:by AS interval)
WHERE id = :id AND state = 'commanded'
""")

_OUTSTANDING = text("""
SELECT r.tenant_id, r.channel, (
  SELECT count(*) FROM (
    SELECT 1 FROM scheduler.touches AS t
    WHERE t.tenant_id = r.tenant_id AND t.channel = r.channel AND t.outstanding
    LIMIT :most) AS counted) AS taken
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(tenant_id uuid, channel text)
""")

_CONTACTS = text("""
SELECT id, person_id, enrollment_id, channel, state, contact_round, priority, transactional,
       settled_at, due_at
FROM scheduler.touches
WHERE person_id = ANY(CAST(:ids AS uuid[])) AND (
  (state IN ('sent', 'unknown') AND settled_at > CAST(:since AS timestamptz))
  OR state IN ('planned', 'commanded'))
""")

_OF_LEAD = text("""
SELECT id, enrollment_id, step, occurrence, channel, state, wanted_at, due_at, settled_at,
       call_result, reason, trace
FROM scheduler.touches WHERE tenant_id = :tenant AND lead_id = :lead ORDER BY id
""")

_OF_ENROLLMENT = text("""
SELECT id, step, occurrence, channel, state, round, wanted_at, due_at, settled_at, call_result,
       reason
FROM scheduler.touches WHERE tenant_id = :tenant AND enrollment_id = :enrollment ORDER BY id
""")

_EXISTING = text("SELECT id FROM scheduler.touches WHERE id = ANY(CAST(:ids AS uuid[]))")

_IDLE = text("SELECT NOT EXISTS (SELECT 1 FROM scheduler.touches WHERE state = 'commanded')")


async def insert(tx: Transaction, touches: Sequence[Touch]) -> None:
    """Store new touches."""
    await tx.run(_INSERT, rows=to_json([_row(touch) for touch in touches]))


async def update(tx: Transaction, touches: Sequence[Touch]) -> None:
    """Save what may change in touches that are locked."""
    rows = [
        {name: getattr(touch, name) for name in _CHANGING} | {"trace": touch.news}
        for touch in touches
    ]
    await tx.run(_UPDATE, rows=to_json(rows), ids=[touch.id for touch in touches])


async def lock_of(tx: Transaction, kept: Mapping[UUID, int]) -> list[Touch]:
    """The touches of these enrollments, locked in key order.

    From the occurrence on that each still looks at: an enrollment that repeats for years
    costs no more than one that has just begun.
    """
    rows = await tx.all(_LOCK_OF, ids=list(kept), kept=list(kept.values()))
    return [_touch(row) for row in rows]


async def lock_free(tx: Transaction, ids: Iterable[UUID]) -> list[Touch]:
    """Those of these touches that nobody else holds, locked."""
    return [_touch(row) for row in await tx.all(_LOCK_FREE, ids=list(ids))]


async def late(tx: Transaction, *, after: timedelta, most: int) -> list[Touch]:
    """Touches commanded longer ago than `after` by machine time and not answered, locked."""
    rows = await tx.all(_LATE, seconds=after.total_seconds(), most=most)
    return [_touch(row) for row in rows]


async def command(tx: Transaction, touches: Sequence[Touch]) -> None:
    """Mark touches, their round already raised, as commanded now."""
    rows = [{"id": touch.id, "round": touch.round, "trace": touch.news} for touch in touches]
    await tx.run(_COMMAND, rows=to_json(rows), ids=[touch.id for touch in touches])


async def postpone(tx: Transaction, touch_id: UUID, *, after: timedelta, by: timedelta) -> None:
    """Have a touch that is late after `after` count as late again only in `by`."""
    await tx.run(_POSTPONE, id=touch_id, after=after, by=by)


async def outstanding(
    tx: Transaction, lines: Iterable[tuple[UUID, Channel]], *, most: int
) -> dict[tuple[UUID, Channel], int]:
    """How many touches of each tenant and channel are outstanding, counted up to `most`."""
    rows = to_json([{"tenant_id": tenant, "channel": channel} for tenant, channel in lines])
    found = await tx.all(_OUTSTANDING, rows=rows, most=most)
    return {(row["tenant_id"], row["channel"]): row["taken"] for row in found}


@dataclass(frozen=True, slots=True)
class Around:
    """What has reached a person, or may have, and what runs have planned for them."""

    contacts: list[PastContact] = field(default_factory=list)
    rivals: list[Rival] = field(default_factory=list)


async def around(
    tx: Transaction, persons: Iterable[UUID], *, since: datetime
) -> Mapping[UUID, Around]:
    """Person → contacts since then, and what runs plan; transactional plans rival nobody."""
    found: dict[UUID, Around] = {}
    for row in await tx.all(_CONTACTS, ids=list(persons), since=since):
        of = found.setdefault(row["person_id"], Around())
        if row["state"] in MAYBE_SENT:
            of.contacts.append(_contact(row, at=row["settled_at"]))
        elif row["due_at"] is not None and not row["transactional"] and not _answer(row):
            contact = _contact(row, at=row["due_at"])
            of.rivals.append(Rival(row["enrollment_id"], row["priority"], contact))
    return found


def _answer(row: Row) -> bool:
    """Whether somebody of ours wrote it: no run that could be woken to make room."""
    written: bool = row["enrollment_id"] == row["id"]
    return written


def _contact(row: Row, *, at: datetime) -> PastContact:
    return PastContact(
        touch_id=str(row["id"]), channel=row["channel"], at=at, round=row["contact_round"]
    )


async def of_lead(tx: Transaction, tenant_id: UUID, lead_id: UUID) -> list[dict[str, Any]]:
    """Everything about a lead's touches that a person may see, traces included."""
    return [dict(row) for row in await tx.all(_OF_LEAD, tenant=tenant_id, lead=lead_id)]


async def of_enrollment(
    tx: Transaction, tenant_id: UUID, enrollment_id: UUID
) -> list[dict[str, Any]]:
    """The touches of an enrollment, oldest first."""
    rows = await tx.all(_OF_ENROLLMENT, tenant=tenant_id, enrollment=enrollment_id)
    return [dict(row) for row in rows]


async def existing(tx: Transaction, ids: Iterable[UUID]) -> set[UUID]:
    """Those of these ids that are touches, whoever holds them."""
    if not (asked := list(ids)):
        return set()
    return {row["id"] for row in await tx.all(_EXISTING, ids=asked)}


async def reword(tx: Transaction, touch_id: UUID, template: str) -> None:
    """Have a planned touch say something else, found by its hash."""
    await tx.run(_REWORD, id=touch_id, template=template)


async def remark(tx: Transaction, touch_id: UUID, entry: Mapping[str, Any]) -> None:
    """Add to the trace of a touch that nobody has locked."""
    await tx.run(_REMARK, id=touch_id, entry=to_json([dict(entry)]))


async def runs_of(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Touch → enrollment."""
    return {row["id"]: row["enrollment_id"] for row in await tx.all(_PLACES, ids=list(ids))}


async def places_of(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, tuple[str, str]]:
    """Touch → (sequence, step)."""
    rows = await tx.all(_PLACES, ids=list(ids))
    return {row["id"]: (row["sequence"], row["step"]) for row in rows}


async def none_commanded(tx: Transaction) -> bool:
    """Whether no touch waits for the dispatcher's answer."""
    return bool(await tx.scalar(_IDLE))


def _touch(row: Row) -> Touch:
    key = TouchKey(row["step"], row["occurrence"], row["channel"])
    return Touch(key=key, **{name: row[name] for name in _NAMES})


def _row(touch: Touch) -> dict[str, Any]:
    row = {name: getattr(touch, name) for name in _NAMES}
    key = touch.key
    return row | {
        "step": key.step,
        "occurrence": key.occurrence,
        "channel": key.channel,
        "trace": touch.news,
    }
