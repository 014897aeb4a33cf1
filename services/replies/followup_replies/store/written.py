"""Statements on `replies.written`: what people of the tenant wrote, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_directory import forget_words

WrittenState = Literal["waiting", "sent", "failed", "skipped", "unknown"]

_INSERT = text("""
INSERT INTO replies.written (id, tenant_id, key, asked, lead_id, person_id, channel, subject, body,
  written_by, template, state, at, updated_at)
VALUES (:id, :tenant_id, :key, :asked, :lead_id, :person_id, :channel, :subject, :body,
  :written_by, :template, 'waiting', :at, :at)
ON CONFLICT (tenant_id, key) DO NOTHING
""")

_SHOWN = (
    "id, lead_id, person_id, channel, subject, body, written_by, state, rule, reason,"
    " not_before, at, updated_at"
)

_BY_KEY = text(f"""
SELECT {_SHOWN}, asked FROM replies.written WHERE tenant_id = :tenant AND key = :key
""")

_READ = text(f"""
SELECT {_SHOWN} FROM replies.written WHERE tenant_id = :tenant AND lead_id = :lead AND id = :id
""")

# What went out stays so; what is over becomes nothing else but that.
_UPDATE = text("""
UPDATE replies.written
SET state = :state, rule = :rule, reason = :reason, not_before = :not_before, updated_at = :at
WHERE id = :id AND tenant_id = :tenant AND state <> 'sent'
  AND (:state = 'sent' OR (state IN ('waiting', 'unknown') AND updated_at <= :at))
""")

# What waits is still to be said.
_FORGET_OLD = text("""
UPDATE replies.written SET subject = NULL, body = NULL, written_by = NULL
WHERE id IN (
  SELECT id FROM replies.written
  WHERE tenant_id = :tenant AND at < :before AND body IS NOT NULL AND state <> 'waiting'
  ORDER BY at LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING template
""")

# Who says the same to somebody twice has one template.
_STILL_HELD = text("""
SELECT template FROM replies.written
WHERE tenant_id = :tenant AND template = ANY(CAST(:templates AS text[])) AND body IS NOT NULL
""")

_LAST_HEARD = text("""
SELECT channel, account_id, our_address, touch_id, subject, thread, address FROM replies.messages
WHERE tenant_id = :tenant AND channel = ANY(CAST(:channels AS text[]))
  AND (lead_id = :lead OR (lead_id IS NULL AND person_id = ANY(CAST(:persons AS uuid[]))))
ORDER BY at DESC, id DESC LIMIT 1
""")

_LAST_SENT = text("""
SELECT channel, account_id, sender FROM replies.sent_touches
WHERE tenant_id = :tenant AND lead_id = :lead AND account_id IS NOT NULL
  AND channel = ANY(CAST(:channels AS text[]))
ORDER BY (touch_id = CAST(:touch AS uuid)) IS TRUE DESC, at DESC, attempt_id DESC LIMIT 1
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWritten:
    """A message somebody wrote; `key` and `asked` name the request it came by.

    `template`: the hash its words are also kept under, for whoever sends them.
    """

    id: UUID
    tenant_id: UUID
    key: str
    asked: bytes
    lead_id: UUID
    person_id: UUID
    channel: Channel
    subject: str | None
    body: str
    written_by: str | None
    template: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """The last message of a lead's person, and where it came in."""

    channel: Channel
    account_id: UUID
    our_address: str | None
    touch_id: UUID | None
    subject: str | None
    thread: list[str] | None
    address: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """The last touch that went to a lead, and from where."""

    channel: Channel
    account_id: UUID
    sender: str | None


async def insert(tx: Transaction, written: NewWritten) -> bool:
    """Keep a message; False when its key is taken. Waits for a request that has it in hand."""
    columns = {name: getattr(written, name) for name in NewWritten.__slots__}
    return await tx.run(_INSERT, **columns) == 1


async def by_key(tx: Transaction, tenant_id: UUID, key: str) -> dict[str, Any] | None:
    """The message that came under a key, with the hash of what was asked then."""
    row = await tx.first(_BY_KEY, tenant=tenant_id, key=key)
    return None if row is None else dict(row)


async def read(
    tx: Transaction, tenant_id: UUID, lead_id: UUID, message_id: UUID
) -> dict[str, Any] | None:
    """A message of a lead."""
    row = await tx.first(_READ, tenant=tenant_id, lead=lead_id, id=message_id)
    return None if row is None else dict(row)


async def update(
    tx: Transaction,
    tenant_id: UUID,
    message_id: UUID,
    *,
    state: WrittenState,
    rule: str | None,
    reason: str | None,
    not_before: datetime | None,
    at: datetime,
) -> bool:
    """Keep what became of a message; False for what is old news, or about none of ours."""
    changed = await tx.run(
        _UPDATE,
        tenant=tenant_id,
        id=message_id,
        state=state,
        rule=rule,
        reason=reason,
        not_before=not_before,
        at=at,
    )
    return changed == 1


async def last_heard(
    tx: Transaction,
    tenant_id: UUID,
    lead_id: UUID,
    *,
    persons: Sequence[UUID],
    channels: Sequence[Channel],
) -> Heard | None:
    """What the person of a lead wrote last on one of these channels."""
    row = await tx.first(
        _LAST_HEARD,
        tenant=tenant_id,
        lead=lead_id,
        persons=list(persons),
        channels=list(channels),
    )
    return None if row is None else Heard(**row)


async def last_sent(
    tx: Transaction,
    tenant_id: UUID,
    lead_id: UUID,
    *,
    channels: Sequence[Channel],
    touch: UUID | None,
) -> Sent | None:
    """The touch named, if it went to the lead, else the last that did on these channels."""
    row = await tx.first(
        _LAST_SENT, tenant=tenant_id, lead=lead_id, channels=list(channels), touch=touch
    )
    return None if row is None else Sent(**row)


async def forget_old(tx: Transaction, tenant_id: UUID, *, before: datetime, most: int) -> int:
    """Empty what a tenant's people wrote before that moment, up to `most`, oldest first.

    The copies that were sent go with them, but for those that another message still needs.
    """
    rows = await tx.all(_FORGET_OLD, tenant=tenant_id, before=before, most=most)
    copies = {row["template"] for row in rows if row["template"] is not None}
    held = await tx.all(_STILL_HELD, tenant=tenant_id, templates=sorted(copies))
    await forget_words(tx, tenant_id, copies - {row["template"] for row in held})
    return len(rows)
