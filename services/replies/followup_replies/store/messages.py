"""Statements on `replies.messages`: what people wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_database.engine import to_json

_INSERT = text("""
INSERT INTO replies.messages
  (id, tenant_id, account_id, vendor_id, person_id, lead_id, enrollment_id, touch_id, channel,
   direction, our_address, address, address_hash, subject, body, intent, opt_out, confidence,
   until, rules, payload, at, answer, thread, guessed)
VALUES
  (:id, :tenant_id, :account_id, :vendor_id, :person_id, :lead_id, :enrollment_id, :touch_id,
   :channel, 'inbound', :our_address, :address, :address_hash, :subject, :body, :intent,
   :opt_out, :confidence, :until, CAST(:rules AS text[]),
   CAST(:payload AS jsonb), :at, :answer, CAST(:thread AS text[]),
   :guessed)
ON CONFLICT (account_id, vendor_id) DO NOTHING
""")

_UNANSWERED = text("""
UPDATE replies.messages SET answer = NULL WHERE id = :id AND tenant_id = :tenant
""")

_ANSWER = text("""
SELECT answer FROM replies.messages WHERE account_id = :account AND vendor_id = :vendor_id
  AND tenant_id = :tenant
""")

_ANSWERED_SO = text("""
SELECT before.id FROM replies.messages AS this JOIN replies.messages AS before
  ON before.person_id = this.person_id AND before.answer = this.answer AND before.id <> this.id
WHERE this.id = :id AND this.tenant_id = :tenant AND before.tenant_id = :tenant
  AND before.person_id = :person AND before.at > :since
LIMIT 1
""")

_STRANGER_ANSWERED = text("""
SELECT id FROM replies.messages
WHERE tenant_id = :tenant AND address_hash = :hash AND answer = :answer AND lead_id IS NULL
  AND at > :since AND id <> :id
LIMIT 1
""")

_STRANGERS_ANSWERED = text("""
SELECT count(*) FROM (
  SELECT FROM replies.messages
  WHERE tenant_id = :tenant AND answer IS NOT NULL AND lead_id IS NULL AND at > :since AND id <> :id
  LIMIT :most
) AS answered
""")

# What people of the tenant wrote stands here; of sequences' touches only when they went out:
# their words are in the dispatcher's ledger (`said.py`).
_CONVERSATION = text("""
SELECT * FROM (
  SELECT id, 'inbound' AS direction, channel, at, touch_id, subject, body, intent, opt_out,
         confidence, until, NULL AS state, NULL AS written_by, guessed
  FROM replies.messages
  WHERE tenant_id = :tenant
    AND (lead_id = :lead
         OR (lead_id IS NULL AND person_id = ANY(CAST(:persons AS uuid[]))))
  UNION ALL
  SELECT id, 'outbound', channel, at, id, subject, body, NULL, NULL, NULL, NULL, state, written_by,
         NULL
  FROM replies.written WHERE tenant_id = :tenant AND lead_id = :lead
  UNION ALL
  SELECT attempt_id, 'outbound', channel, at, touch_id, NULL, NULL, NULL, NULL, NULL, NULL, 'sent',
         NULL, NULL
  FROM replies.sent_touches AS t
  WHERE tenant_id = :tenant AND lead_id = :lead AND account_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM replies.written AS w
                    WHERE w.id = t.touch_id AND w.tenant_id = :tenant)
) AS said
WHERE (at, id) > (CAST(:at AS timestamptz), CAST(:id AS uuid))
ORDER BY at, id LIMIT :most
""")

_FORGET = text("""
UPDATE replies.messages
SET address = NULL, our_address = NULL, subject = NULL, body = NULL, answer = NULL,
    payload = NULL, thread = NULL
WHERE person_id IS NULL AND address IS NOT NULL
  AND received_at < statement_timestamp() - CAST(:after AS interval)
""")

_FORGET_OLD = text("""
UPDATE replies.messages
SET address = NULL, our_address = NULL, subject = NULL, body = NULL, answer = NULL,
    payload = NULL, thread = NULL
WHERE id IN (
  SELECT id FROM replies.messages
  WHERE tenant_id = :tenant AND at < :before AND payload IS NOT NULL
  ORDER BY at LIMIT :most FOR UPDATE SKIP LOCKED)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message that came in, with what was read in it."""

    id: UUID
    tenant_id: UUID
    account_id: UUID
    vendor_id: str
    person_id: UUID | None
    lead_id: UUID | None
    enrollment_id: UUID | None
    touch_id: UUID | None
    channel: Channel
    our_address: str
    address: str
    address_hash: bytes
    subject: str | None
    body: str
    intent: str
    opt_out: bool
    confidence: float
    until: date | None
    rules: tuple[str, ...]
    payload: Mapping[str, Any]
    at: datetime
    answer: str | None
    thread: tuple[str, ...] = ()
    guessed: bool = False

    def columns(self) -> dict[str, Any]:
        """Values by column."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "rules": list(self.rules),
            "thread": list(self.thread) or None,
            "payload": to_json(dict(self.payload)),
        }


async def insert(tx: Transaction, message: NewMessage) -> bool:
    """Keep a message; False when its account has told us of it before."""
    return await tx.run(_INSERT, **message.columns()) == 1


async def leave_unanswered(tx: Transaction, tenant_id: UUID, message_id: UUID) -> None:
    """Note that nothing was answered at once after all."""
    await tx.run(_UNANSWERED, tenant=tenant_id, id=message_id)


async def answered_so(
    tx: Transaction, tenant_id: UUID, person_id: UUID, message_id: UUID, since: datetime
) -> bool:
    """Whether a person's message before this one was answered in the same words since then."""
    return (
        await tx.first(_ANSWERED_SO, tenant=tenant_id, person=person_id, id=message_id, since=since)
        is not None
    )


async def stranger_answered(tx: Transaction, message: NewMessage, *, since: datetime) -> bool:
    """Whether another message without a lead from the same address was answered so since then."""
    found = await tx.first(
        _STRANGER_ANSWERED,
        tenant=message.tenant_id,
        hash=message.address_hash,
        answer=message.answer,
        since=since,
        id=message.id,
    )
    return found is not None


async def strangers_answered(
    tx: Transaction, message: NewMessage, *, since: datetime, most: int
) -> int:
    """How many other messages without a lead its tenant has answered since then, up to `most`."""
    return int(
        await tx.scalar(
            _STRANGERS_ANSWERED, tenant=message.tenant_id, since=since, id=message.id, most=most
        )
    )


async def answer_to(
    tx: Transaction, tenant_id: UUID, account_id: UUID, vendor_id: str
) -> str | None:
    """How a message that came before was answered."""
    answer: str | None = await tx.scalar(
        _ANSWER, tenant=tenant_id, account=account_id, vendor_id=vendor_id
    )
    return answer


async def conversation(
    tx: Transaction,
    tenant_id: UUID,
    lead_id: UUID,
    *,
    persons: Sequence[UUID],
    after: tuple[datetime, UUID],
    most: int,
) -> list[dict[str, Any]]:
    """What was said with a lead behind (at, id), in order.

    Words of its person that no lead can be named for belong to each of theirs.
    """
    rows = await tx.all(
        _CONVERSATION,
        tenant=tenant_id,
        lead=lead_id,
        persons=list(persons),
        at=after[0],
        id=after[1],
        most=most,
    )
    return [dict(row) for row in rows]


async def forget_strangers(tx: Transaction, *, after: timedelta) -> int:
    """Empty messages of people nobody knows once they are so old (machine time)."""
    return await tx.run(_FORGET, after=after)


async def forget_old(tx: Transaction, tenant_id: UUID, *, before: datetime, most: int) -> int:
    """Empty a tenant's messages from before that moment, up to `most`, oldest first."""
    return await tx.run(_FORGET_OLD, tenant=tenant_id, before=before, most=most)
