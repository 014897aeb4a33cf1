"""Statements on `replies.sent_touches`: what went out, by its ids.

Without an account it is not known whether it did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_database.engine import to_json
from followup_replies.states import TouchIds

_INSERT = text("""
INSERT INTO replies.sent_touches AS t
  (attempt_id, tenant_id, touch_id, enrollment_id, lead_id, person_id, channel, account_id,
   provider, provider_ref, sender, at)
SELECT attempt_id, tenant_id, touch_id, enrollment_id, lead_id, person_id, channel, account_id,
       provider, provider_ref, sender, at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  attempt_id uuid, tenant_id uuid, touch_id uuid, enrollment_id uuid, lead_id uuid,
  person_id uuid, channel text, account_id uuid, provider text, provider_ref text, sender text,
  at timestamptz)
ORDER BY attempt_id
ON CONFLICT (attempt_id) DO UPDATE
SET account_id = excluded.account_id, provider = excluded.provider,
    provider_ref = excluded.provider_ref, sender = excluded.sender, at = excluded.at
WHERE t.account_id IS NULL AND excluded.account_id IS NOT NULL AND t.tenant_id = excluded.tenant_id
""")

_IDS = "touch_id, attempt_id, enrollment_id, lead_id, person_id"

_BY_ATTEMPT = text(f"""
SELECT {_IDS} FROM replies.sent_touches
WHERE attempt_id = :attempt AND tenant_id = :tenant
  AND (account_id = :account OR account_id IS NULL)
""")

_BY_REF = text(f"""
SELECT {_IDS} FROM replies.sent_touches
WHERE account_id = :account AND provider_ref = :ref AND tenant_id = :tenant
ORDER BY at DESC LIMIT 1
""")

# The newest touch of each lead; a touch of the pair of numbers goes before any other.
_LATEST = text(f"""
SELECT * FROM (
  SELECT DISTINCT ON (lead_id) {_IDS}, at, (sender = :ours) IS TRUE AS paired
  FROM replies.sent_touches
  WHERE tenant_id = :tenant AND person_id = ANY(CAST(:persons AS uuid[])) AND channel = :channel
  ORDER BY lead_id, paired DESC, at DESC, attempt_id DESC
) AS newest
ORDER BY paired DESC, at DESC, attempt_id DESC LIMIT 2
""")

_ATTEMPT = text(f"""
SELECT {_IDS}, account_id FROM replies.sent_touches
WHERE attempt_id = :attempt AND account_id IS NOT NULL
""")

_AMONG = text(f"""
SELECT {_IDS} FROM replies.sent_touches
WHERE tenant_id = :tenant
  AND (attempt_id = ANY(CAST(:attempts AS uuid[]))
       OR (account_id = :account AND provider_ref = ANY(CAST(:refs AS text[]))))
ORDER BY at DESC, attempt_id DESC LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class SentTouch:
    """An attempt that a provider has accepted, or, without an account, may have."""

    attempt_id: UUID
    tenant_id: UUID
    touch_id: UUID
    enrollment_id: UUID
    lead_id: UUID
    person_id: UUID
    channel: Channel
    account_id: UUID | None
    provider: str | None
    provider_ref: str | None
    sender: str | None
    at: datetime


async def insert(tx: Transaction, several: Sequence[SentTouch]) -> None:
    """Keep these, in one statement each attempt once; one known to have gone out stays so."""
    # What is known beats what is not, should both come in one batch.
    known = {sent.attempt_id: sent for sent in sorted(several, key=_is_known)}
    rows = [{name: getattr(sent, name) for name in SentTouch.__slots__} for sent in known.values()]
    await tx.run(_INSERT, rows=to_json(rows))


def _is_known(sent: SentTouch) -> bool:
    return sent.account_id is not None


async def by_attempt(
    tx: Transaction, tenant_id: UUID, account_id: UUID, attempt_id: UUID
) -> TouchIds | None:
    """Whom an attempt was for."""
    row = await tx.first(_BY_ATTEMPT, tenant=tenant_id, account=account_id, attempt=attempt_id)
    return None if row is None else TouchIds(**row)


async def by_ref(
    tx: Transaction, tenant_id: UUID, account_id: UUID, provider_ref: str
) -> TouchIds | None:
    """The same by the provider's reference."""
    row = await tx.first(_BY_REF, tenant=tenant_id, account=account_id, ref=provider_ref)
    return None if row is None else TouchIds(**row)


async def latest(
    tx: Transaction, tenant_id: UUID, persons: Sequence[UUID], channel: Channel, *, ours: str
) -> tuple[TouchIds, bool] | None:
    """The last touch that went to a person (by any of its ids) on a channel.

    From `ours`, the address they wrote to, if any did. And whether it is one of several
    conversations, none of which is named.
    """
    rows = await tx.all(
        _LATEST, tenant=tenant_id, persons=list(persons), channel=channel, ours=ours
    )
    if not rows:
        return None
    first = rows[0]
    several = len(rows) > 1 and rows[1]["paired"] == first["paired"]
    names = ("touch_id", "attempt_id", "enrollment_id", "lead_id", "person_id")
    return TouchIds(**{name: first[name] for name in names}), several


async def account_of(tx: Transaction, attempt_id: UUID) -> UUID | None:
    """The account that an attempt of any tenant went out by, once that is known."""
    row = await tx.first(_ATTEMPT, attempt=attempt_id)
    return None if row is None else row["account_id"]


async def among(
    tx: Transaction,
    tenant_id: UUID,
    account_id: UUID,
    *,
    attempts: Sequence[UUID],
    refs: Sequence[str],
) -> TouchIds | None:
    """The latest touch that is one of these attempts, or has one of these references."""
    found = await tx.first(
        _AMONG, tenant=tenant_id, account=account_id, attempts=list(attempts), refs=list(refs)
    )
    return None if found is None else TouchIds(**found)
