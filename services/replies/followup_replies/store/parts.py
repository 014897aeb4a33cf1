"""Statements on `replies.parts`: parts of long texts that a vendor hands on one by one.

`text_id` names the text that a part is of, `reply_id` the message it is or will be read in.
Once that is done its words are there, and here is only what tells a repetition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_database.engine import to_json

SAME_TEXT = timedelta(hours=25)
"""Phones count texts to 255 or 65,535 and begin anew (3GPP TS 23.040, 9.2.3.24): what comes so
long after another part is of another text. Vonage repeats for 24 hours."""

_LOCK = text("""
SELECT pg_advisory_xact_lock(
  hashtextextended('replies.parts:' || :account || encode(:hash, 'hex') || :ref, 0))
""")

_OF_TEXT = text("""
SELECT text_id, reply_id, number, read FROM replies.parts
WHERE account_id = :account AND tenant_id = :tenant AND text_id = (
  SELECT text_id FROM replies.parts
  WHERE account_id = :account AND tenant_id = :tenant AND address_hash = :hash AND ref = :ref
    AND our_address = :ours AND total = :total
    AND received_at > clock_timestamp() - CAST(:within AS interval)
  ORDER BY received_at DESC LIMIT 1)
  AND address_hash = :hash AND ref = :ref
""")

_INSERT = text("""
INSERT INTO replies.parts
  (account_id, vendor_id, tenant_id, text_id, reply_id, person_id, channel, address, our_address,
   address_hash, ref, total, number, body, payload)
VALUES
  (:account_id, :vendor_id, :tenant_id, :text_id, :reply_id, :person_id, :channel, :address,
   :our_address, :address_hash, :ref, :total, :number, :body, CAST(:payload AS jsonb))
ON CONFLICT (account_id, vendor_id) DO NOTHING
""")

_UNREAD = text("""
SELECT * FROM replies.parts
WHERE reply_id = :reply AND tenant_id = :tenant AND NOT read ORDER BY number FOR UPDATE
""")

_READ = text("""
UPDATE replies.parts SET read = true, address = NULL, body = NULL, payload = NULL
WHERE reply_id = :reply AND tenant_id = :tenant AND NOT read
""")

_WAITING = text("""
SELECT tenant_id, account_id, address_hash, ref, reply_id FROM replies.parts
WHERE NOT read AND received_at < clock_timestamp() - CAST(:older AS interval)
  AND reply_id <> ALL(CAST(:without AS uuid[]))
GROUP BY tenant_id, account_id, address_hash, ref, reply_id
ORDER BY min(received_at), reply_id LIMIT :most
""")

_EXPIRE = text("""
DELETE FROM replies.parts
WHERE read AND received_at < clock_timestamp() - CAST(:after AS interval)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPart:
    """A part that came in, with the text it is of and the message it will be read in."""

    account_id: UUID
    vendor_id: str
    tenant_id: UUID
    text_id: UUID
    reply_id: UUID
    person_id: UUID | None
    channel: Channel
    address: str
    our_address: str
    address_hash: bytes
    ref: str
    total: int
    number: int
    body: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another part of the same text."""

    text_id: UUID
    reply_id: UUID
    number: int
    read: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message of which parts have waited for the others."""

    tenant_id: UUID
    account_id: UUID
    address_hash: bytes
    ref: str
    reply_id: UUID


async def lock(tx: Transaction, account_id: UUID, address_hash: bytes, ref: str) -> None:
    """Wait for whoever takes another part of this text, until the commit."""
    await tx.scalar(_LOCK, account=str(account_id), hash=address_hash, ref=ref)


async def of_text(
    tx: Transaction,
    tenant_id: UUID,
    account_id: UUID,
    *,
    address_hash: bytes,
    ours: str,
    ref: str,
    total: int,
) -> list[Sibling]:
    """The parts there are of the latest text of that count from one address to another."""
    rows = await tx.all(
        _OF_TEXT,
        tenant=tenant_id,
        account=account_id,
        hash=address_hash,
        ours=ours,
        ref=ref,
        total=total,
        within=SAME_TEXT,
    )
    return [Sibling(**row) for row in rows]


async def insert(tx: Transaction, part: NewPart) -> bool:
    """Keep a part; False when its account has told us of it before."""
    columns = {name: getattr(part, name) for name in NewPart.__slots__}
    return await tx.run(_INSERT, **columns | {"payload": to_json(dict(part.payload))}) == 1


async def unread(tx: Transaction, tenant_id: UUID, reply_id: UUID) -> list[NewPart]:
    """The parts that are still to be read in a message, by their numbers; nobody else's now.

    An erasure has had them before or waits for what is made of them.
    """
    rows = await tx.all(_UNREAD, tenant=tenant_id, reply=reply_id)
    return [NewPart(**{name: row[name] for name in NewPart.__slots__}) for row in rows]


async def mark_read(tx: Transaction, tenant_id: UUID, reply_id: UUID) -> int:
    """They stand in a message now; how many."""
    return await tx.run(_READ, tenant=tenant_id, reply=reply_id)


async def waiting(
    tx: Transaction, *, older: timedelta, most: int, without: Sequence[UUID] = ()
) -> list[Waiting]:
    """Messages of which a part has waited for so long (machine time), of any tenant.

    The ones that have waited longest first, those of `without` left out.
    """
    rows = await tx.all(_WAITING, older=older, most=most, without=list(without))
    return [Waiting(**row) for row in rows]


async def expire(tx: Transaction, *, after: timedelta) -> int:
    """Drop parts read so long ago that their vendor repeats them no more."""
    return await tx.run(_EXPIRE, after=after)
