"""The ledger of attempts: one row per call to a provider, committed before the call.

At most one attempt of a touch is open or accepted; the unique index
`attempts_one_open` holds that, whatever the processes do. Transitions:

    (none) ── claim ──► claimed ──► accepted
                          │  │────► refused
                          │  │────► retry_later ──► (a new attempt may be claimed)
                          │  └────► unknown ──► accepted | refused | retry_later
                          └ release ► (deleted: no byte was handed over)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import text

from followup_database.engine import Transaction, to_json
from followup_database.ids import made_at

AttemptState = Literal["claimed", "accepted", "refused", "retry_later", "unknown"]
OPEN: Final = frozenset[AttemptState]({"claimed", "unknown"})
"""States of which something is still to come: a call, or news of one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An attempt as the ledger has it."""

    id: UUID
    touch_id: UUID
    number: int
    tenant_id: UUID
    enrollment_id: UUID
    lead_id: UUID
    person_id: UUID
    channel: Any
    round: int
    state: AttemptState
    account_id: UUID
    provider: str
    sender: str
    recipient: str | None
    body: str | None
    segments: int
    provider_ref: str | None
    code: str | None
    reason: str | None
    asked: int
    claimed_at: datetime
    claimed_on: datetime
    first_at: datetime | None = None
    """When the first attempt of the touch was claimed; known to `latest` alone."""

    @property
    def of_nobody(self) -> bool:
        """Whether it is for somebody of whom nothing is known, and no address is kept."""
        return self.lead_id == self.touch_id


_COLUMNS = (
    "id, touch_id, number, tenant_id, enrollment_id, lead_id, person_id, channel, round, state,"
    " account_id, provider, sender, recipient, body, segments, provider_ref, code, reason, asked,"
    " claimed_at, claimed_on"
)
_RETURNED = ", ".join(f"a.{column.strip()}" for column in _COLUMNS.split(","))

_LATEST = text(f"""
SELECT DISTINCT ON (touch_id) {_COLUMNS},
       min(claimed_at) OVER (PARTITION BY touch_id) AS first_at
FROM dispatcher.attempts
WHERE touch_id = ANY(CAST(:touches AS uuid[])) ORDER BY touch_id, number DESC
""")


async def latest(tx: Transaction, touch_ids: Sequence[UUID]) -> dict[UUID, Entry]:
    """The newest attempt of each touch that has one."""
    rows = await tx.all(_LATEST, touches=list(touch_ids))
    return {row["touch_id"]: Entry(**row) for row in rows}


_CLAIM = text("""
INSERT INTO dispatcher.attempts
  (touch_id, number, id, tenant_id, enrollment_id, lead_id, person_id, channel, lane, round, epoch,
   step, contact_round, state, account_id, provider, sender, recipient, subject, body, template,
   segments, trace, claimed_at)
SELECT touch_id, number, id, tenant_id, enrollment_id, lead_id, person_id, channel, lane, round,
   epoch, step, contact_round, 'claimed', account_id, provider, sender, recipient, subject, body,
   template, segments, trace, :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
   touch_id uuid, number smallint, id uuid, tenant_id uuid, enrollment_id uuid, lead_id uuid,
   person_id uuid, channel text, lane text, round int, epoch int, step text, contact_round text,
   account_id uuid, provider text, sender text, recipient text, subject text, body text,
   template text, segments int, trace jsonb)
ORDER BY touch_id
ON CONFLICT DO NOTHING
RETURNING id
""")


async def claim(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Enter attempts as claimed; returns the ids that are ours.

    One that is missing was claimed by another dispatcher in the same moment.
    """
    if not rows:
        return set()
    taken = await tx.all(_CLAIM, rows=to_json(list(rows)), now=tx.now)
    return {row["id"] for row in taken}


# Rows are locked in key order before they change: whoever else settles some of the same
# waits instead of meeting us half way. Their state is looked at under the lock, and not in
# the condition that finds them: rows are found by their key, not among all that is open.
_ASKED_FOR = """
WITH held AS MATERIALIZED (
  SELECT a.touch_id, a.number, a.state FROM dispatcher.attempts a
  JOIN unnest(CAST(:touches AS uuid[]), CAST(:ids AS uuid[])) AS asked(touch_id, id)
    ON a.touch_id = asked.touch_id AND a.id = asked.id
  WHERE a.touch_id = ANY(CAST(:touches AS uuid[]))
  ORDER BY a.touch_id, a.number FOR UPDATE OF a
)
"""
_OUR_CLAIM = """
WHERE a.touch_id = held.touch_id AND a.number = held.number AND held.state = 'claimed'
RETURNING a.id, a.round
"""
_RELEASE = text(f"{_ASKED_FOR} DELETE FROM dispatcher.attempts a USING held {_OUR_CLAIM}")


async def release(tx: Transaction, attempts: Sequence[tuple[UUID, UUID]]) -> dict[UUID, int]:
    """Delete claims of which no byte was handed over; (touch, attempt) pairs in.

    Returns the round of each by its id: that of the command that asked for it last. One that
    is missing had been declared unknown in the meantime and stays so.
    """
    rows = await tx.all(_RELEASE, **_pairs(attempts))
    return {row["id"]: row["round"] for row in rows}


_CLAIM_AGAIN = text(f"""
{_ASKED_FOR}
UPDATE dispatcher.attempts a SET claimed_on = clock_timestamp() FROM held {_OUR_CLAIM}
""")


async def claim_again(tx: Transaction, attempts: Sequence[tuple[UUID, UUID]]) -> set[UUID]:
    """Renew claims nobody has declared unknown yet; returns their ids.

    Their age begins anew: a call may begin now, and whoever sweeps or asks the vendor
    counts from here.
    """
    return {row["id"] for row in await tx.all(_CLAIM_AGAIN, **_pairs(attempts))}


_ASK_ANEW = text(f"""
{_ASKED_FOR}
UPDATE dispatcher.attempts a SET round = GREATEST(a.round, anew.round)
FROM held
JOIN unnest(CAST(:touches AS uuid[]), CAST(:rounds AS int[])) AS anew(touch_id, round)
  ON anew.touch_id = held.touch_id
WHERE a.touch_id = held.touch_id AND a.number = held.number AND held.state = ANY(:open)
RETURNING {_RETURNED}
""")


async def ask_anew(tx: Transaction, asked: Sequence[tuple[UUID, UUID, int]]) -> dict[UUID, Entry]:
    """Put open attempts under the round that asks for them now; (touch, attempt, round) in.

    Whatever settles one of them afterwards speaks of that round, which is the one its
    scheduler waits for. Returned by touch; one that is missing has been settled, or is gone.
    """
    rows = await tx.all(
        _ASK_ANEW,
        touches=[touch for touch, _, _ in asked],
        ids=[attempt for _, attempt, _ in asked],
        rounds=[number for _, _, number in asked],
        open=sorted(OPEN),
    )
    return {row["touch_id"]: Entry(**row) for row in rows}


_HOLD = text("""
SELECT id FROM dispatcher.attempts
WHERE tenant_id = :tenant AND person_id = ANY(CAST(:people AS uuid[]))
ORDER BY touch_id, number FOR UPDATE
""")


async def hold(tx: Transaction, tenant_id: UUID, people: Sequence[UUID]) -> int:
    """Lock every attempt of these persons, in the order in which settlements lock them."""
    return len(await tx.all(_HOLD, tenant=tenant_id, people=list(people)))


_SETTLE = text(f"""
WITH r AS (
  SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    touch_id uuid, id uuid, state text, provider_ref text, code text, reason text, segments int,
    settled_by text, started_on timestamptz, tenant_id uuid)
), held AS MATERIALIZED (
  SELECT a.touch_id AS key, a.number, a.state AS was, r.* FROM dispatcher.attempts a
  JOIN r ON a.touch_id = r.touch_id AND a.id = r.id
  WHERE a.touch_id = ANY(CAST(:touches AS uuid[]))
    AND (r.tenant_id IS NULL OR a.tenant_id = r.tenant_id)
  ORDER BY a.touch_id, a.number FOR UPDATE OF a
)
UPDATE dispatcher.attempts a
SET state = r.state, provider_ref = COALESCE(r.provider_ref, a.provider_ref), code = r.code,
    reason = r.reason, segments = COALESCE(r.segments, a.segments), settled_by = r.settled_by,
    started_on = COALESCE(r.started_on, a.started_on), answered_on = clock_timestamp(),
    ask_on = CASE WHEN r.state = 'unknown' THEN clock_timestamp() END
FROM held AS r
WHERE a.touch_id = r.key AND a.number = r.number
  AND (r.was = 'claimed' OR (r.was = 'unknown' AND r.state <> 'unknown'))
RETURNING {_RETURNED}
""")


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an attempt, and who says so."""

    touch_id: UUID
    id: UUID
    state: AttemptState
    settled_by: Literal["answer", "callback", "record", "sweep", "person", "policy"]
    provider_ref: str | None = None
    code: str | None = None
    reason: str | None = None
    segments: int | None = None
    started_on: datetime | None = None
    tenant_id: UUID | None = None
    """Whose attempt it must be, where the ids came from outside; None: from the ledger."""


async def settle(tx: Transaction, settlements: Sequence[Settlement]) -> dict[UUID, Entry]:
    """Move claimed or unknown attempts on; returns those that moved, by attempt id.

    Guarded: an accepted, refused or freed attempt never changes, and unknown is not
    entered twice. What is missing from the answer was settled before, by somebody else.
    """
    if not settlements:
        return {}
    rows = [{name: _kept(getattr(s, name)) for name in Settlement.__slots__} for s in settlements]
    moved = await tx.all(_SETTLE, rows=to_json(rows), touches=[s.touch_id for s in settlements])
    return {row["id"]: Entry(**row) for row in moved}


_NOTE = text("""
UPDATE dispatcher.attempts SET trace = trace || CAST(:note AS jsonb)
WHERE tenant_id = :tenant AND touch_id = :touch AND number = :number
""")


async def note(tx: Transaction, entry: Entry, what: Mapping[str, Any]) -> None:
    """Add a line to an attempt's trace."""
    await tx.run(
        _NOTE,
        tenant=entry.tenant_id,
        touch=entry.touch_id,
        number=entry.number,
        note=to_json([dict(what)]),
    )


_STALE = text(f"""
SELECT {_COLUMNS} FROM dispatcher.attempts
WHERE state = 'claimed' AND claimed_on < statement_timestamp() - make_interval(secs => :age)
ORDER BY touch_id LIMIT :most FOR UPDATE SKIP LOCKED
""")


async def stale(tx: Transaction, *, age_seconds: float, most: int) -> list[Entry]:
    """Claims whose process must be gone: older than any call may take."""
    return [Entry(**row) for row in await tx.all(_STALE, age=age_seconds, most=most)]


_TO_ASK = text(f"""
UPDATE dispatcher.attempts a
SET asked = asked + 1,
    ask_on = clock_timestamp() + make_interval(secs => LEAST(600, 5 * power(2, LEAST(asked, 7))))
WHERE (touch_id, number) IN (
  SELECT touch_id, number FROM dispatcher.attempts
  WHERE state = 'unknown' AND ask_on <= statement_timestamp()
  ORDER BY ask_on LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING {_COLUMNS}
""")


async def unknowns_to_ask(tx: Transaction, *, most: int) -> list[Entry]:
    """Unknown attempts whose vendor should be asked now; the next time is set further off."""
    return [Entry(**row) for row in await tx.all(_TO_ASK, most=most)]


_OF_TOUCH = text("""
SELECT * FROM dispatcher.attempts WHERE tenant_id = :tenant AND touch_id = :touch ORDER BY number
""")


async def of_touch(tx: Transaction, touch_id: UUID) -> list[dict[str, Any]]:
    """Every attempt of a touch of the transaction's tenant, oldest first, all columns."""
    rows = await tx.all(_OF_TOUCH, tenant=tx.tenant, touch=touch_id)
    return [dict(row) for row in rows]


_BY_STATE = text("""
SELECT id, touch_id, number, lead_id, person_id, enrollment_id, channel, state, account_id,
       provider, provider_ref, code, reason, claimed_at, claimed_on, answered_on, asked
FROM dispatcher.attempts
WHERE tenant_id = :tenant AND state = :state
  AND (touch_id, number) > (CAST(:after AS uuid), CAST(:after_number AS smallint))
ORDER BY touch_id, number LIMIT :most
""")


async def by_state(
    tx: Transaction, state: AttemptState, *, after: tuple[UUID, int], most: int
) -> list[dict[str, Any]]:
    """A page of the tenant's attempts in a state, by touch."""
    rows = await tx.all(
        _BY_STATE, tenant=tx.tenant, state=state, after=after[0], after_number=after[1], most=most
    )
    return [dict(row) for row in rows]


_ONE_OPEN = text(f"""
SELECT {_COLUMNS} FROM dispatcher.attempts
WHERE tenant_id = :tenant AND id = :id AND state = 'unknown'
""")
_ONE = text(f"""
SELECT {_COLUMNS} FROM dispatcher.attempts
WHERE tenant_id = :tenant AND id = :id AND claimed_on BETWEEN :since AND :until
""")
_ABOUT = timedelta(minutes=10)
"""How far its id and its claim may be apart: clocks of two machines, and renewals."""


async def one(tx: Transaction, attempt_id: UUID) -> Entry | None:
    """An attempt of the transaction's tenant; cheap for one that is unknown."""
    row = await tx.first(_ONE_OPEN, tenant=tx.tenant, id=attempt_id)
    made = made_at(attempt_id)
    if row is None and made is not None:
        since, until = made - _ABOUT, made + _ABOUT
        row = await tx.first(_ONE, tenant=tx.tenant, id=attempt_id, since=since, until=until)
    return None if row is None else Entry(**row)


def _kept(value: Any) -> Any:
    """What a vendor said, as PostgreSQL can hold it: text without NUL."""
    return value.replace("\0", "") if isinstance(value, str) else value


def _pairs(attempts: Sequence[tuple[UUID, UUID]]) -> dict[str, list[UUID]]:
    return {
        "touches": [touch for touch, _ in attempts],
        "ids": [attempt for _, attempt in attempts],
    }
