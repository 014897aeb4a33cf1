"""Statements on `replies.callbacks`: what providers told us, as it came.

One that nobody can be found for is parked until its touch is known to have gone out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Row, Transaction, new_id
from followup_database.engine import to_json
from followup_directory import Account
from followup_replies.states import AboutAddress, Report, TouchIds

_INSERT = text("""
INSERT INTO replies.callbacks
  (id, tenant_id, account_id, provider, kind, dedupe_key, provider_ref, state, report, payload,
   planted, matched, attempt_id, person_id, at)
VALUES
  (:id, :tenant, :account, :provider, :kind, :dedupe_key, :ref, :state,
   CAST(:report AS jsonb), CAST(:payload AS jsonb), CAST(:planted AS uuid),
   CAST(:kind AS text) = 'other' OR CAST(:attempt AS uuid) IS NOT NULL,
   CAST(:attempt AS uuid), CAST(:person AS uuid), :now)
ON CONFLICT (account_id, dedupe_key) DO NOTHING
""")

# The touches of a parked callback: known by now, whichever of the two came first.
_PARKED = """
SELECT c.id, c.tenant_id, c.account_id, c.provider, c.kind, c.dedupe_key, c.provider_ref, c.report,
       c.at, s.channel, s.touch_id, s.attempt_id, s.enrollment_id, s.lead_id, s.person_id
FROM replies.callbacks c
JOIN replies.sent_touches s
  ON s.tenant_id = c.tenant_id
 AND ((s.attempt_id = c.planted AND (s.account_id = c.account_id OR s.account_id IS NULL))
      OR (s.account_id = c.account_id AND s.provider_ref = c.provider_ref))
WHERE NOT c.matched
"""

_PARKED_FOR = text(f"""{_PARKED}
  AND s.attempt_id = ANY(CAST(:attempts AS uuid[]))
ORDER BY c.id FOR UPDATE OF c SKIP LOCKED
""")

_PARKED_ANY = text(f"{_PARKED} ORDER BY c.id LIMIT :most FOR UPDATE OF c SKIP LOCKED")

_MATCH = text("""
UPDATE replies.callbacks c
SET matched = true, attempt_id = r.attempt_id, person_id = r.person_id,
    payload = CASE WHEN r.of_nobody THEN '{}' ELSE c.payload END,
    report = CASE WHEN r.of_nobody THEN '{}' ELSE c.report END
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(id uuid, attempt_id uuid, person_id uuid, of_nobody boolean)
WHERE c.id = r.id AND NOT c.matched
""")

_COUNT = text("SELECT count(*) FROM replies.callbacks WHERE NOT matched")

_EXPIRE = text("""
DELETE FROM replies.callbacks
WHERE (NOT matched OR (kind = 'other' AND person_id IS NULL))
  AND received_at < statement_timestamp() - CAST(:after AS interval)
""")

# What is parked is still to be applied: it expires by itself.
_FORGET_OLD = text("""
UPDATE replies.callbacks SET report = '{}', payload = '{}'
WHERE id IN (
  SELECT id FROM replies.callbacks
  WHERE tenant_id = :tenant AND at < :before AND matched AND (payload <> '{}' OR report <> '{}')
  ORDER BY at LIMIT :most FOR UPDATE SKIP LOCKED)
""")


@dataclass(frozen=True, slots=True)
class Parked:
    """A callback whose touch is known now."""

    id: UUID
    tenant_id: UUID
    provider: str
    channel: Channel
    ids: TouchIds
    report: Report
    at: datetime


async def insert(
    tx: Transaction, account: Account, report: Report, *, ids: TouchIds | None
) -> bool:
    """Keep a callback, parked without `ids`; False when it came before.

    Of what went to nobody known, without what it says: no erasure would find it.
    """
    kept_whole = ids is None or not ids.of_nobody
    kept = await tx.run(
        _INSERT,
        id=new_id(),
        tenant=account.tenant_id,
        account=account.id,
        provider=account.provider,
        kind=report.kind,
        dedupe_key=report.dedupe_key,
        ref=report.provider_ref,
        state=report.state,
        report=to_json(report.stored() if kept_whole else {}),
        payload=to_json(dict(report.payload) if kept_whole else {}),
        planted=report.attempt,
        attempt=None if ids is None else ids.attempt_id,
        person=None if ids is None else ids.person_id,
        now=tx.now,
    )
    return kept == 1


async def parked_for(tx: Transaction, attempts: Sequence[UUID]) -> list[Parked]:
    """Callbacks that waited for these attempts, locked; those others hold are theirs."""
    return [_parked(row) for row in await tx.all(_PARKED_FOR, attempts=list(attempts))]


async def parked(tx: Transaction, *, most: int) -> list[Parked]:
    """Callbacks whose touch has become known, locked, oldest first."""
    return [_parked(row) for row in await tx.all(_PARKED_ANY, most=most)]


async def match(tx: Transaction, several: Sequence[Parked]) -> None:
    """Take these out of the car park; of nobody known what they say is not kept."""
    rows = [
        {
            "id": p.id,
            "attempt_id": p.ids.attempt_id,
            "person_id": p.ids.person_id,
            "of_nobody": p.ids.of_nobody,
        }
        for p in several
    ]
    if rows:
        await tx.run(_MATCH, rows=to_json(rows))


async def count_parked(tx: Transaction) -> int:
    """How many wait."""
    return int(await tx.scalar(_COUNT))


async def expire(tx: Transaction, *, after: timedelta) -> int:
    """Drop what has waited so long (machine time) that its touch will not come."""
    return await tx.run(_EXPIRE, after=after)


async def forget_old(tx: Transaction, tenant_id: UUID, *, before: datetime, most: int) -> int:
    """Empty a tenant's applied callbacks from before that moment, up to `most`, oldest first."""
    return await tx.run(_FORGET_OLD, tenant=tenant_id, before=before, most=most)


def _parked(row: Row) -> Parked:
    report: dict[str, Any] = dict(row["report"])
    about = report.pop("about", None)
    return Parked(
        id=row["id"],
        tenant_id=row["tenant_id"],
        provider=row["provider"],
        channel=row["channel"],
        ids=TouchIds(
            row["touch_id"],
            row["attempt_id"],
            row["enrollment_id"],
            row["lead_id"],
            row["person_id"],
        ),
        report=Report(
            kind=row["kind"],
            provider_ref=row["provider_ref"],
            dedupe_key=row["dedupe_key"],
            payload={},
            # Only of letters it is kept: they are believed by their touch.
            about=None if about is None else AboutAddress(*about),
            returned_to=None if about is None else "",
            **report,
        ),
        at=row["at"],
    )
