"""Consents that wait to be confirmed: each by a link, which is kept as its hash alone."""

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction, new_id
from followup_people.records import ConsentChannel

_LONGEST = 100

_ASK = text("""
INSERT INTO intake.confirmations (id, hash, tenant_id, person_id, lead_id, channel, wording, seller,
  page, ip, user_agent, asked_at, expires_at)
VALUES (:id, :hash, :tenant_id, :person_id, :lead_id, :channel, :wording, :seller, :page, :ip,
  :user_agent, :asked_at, :expires_at)
""")
_FIND = text("""
SELECT tenant_id, person_id, lead_id, channel, wording, seller, page, ip, user_agent, asked_at
FROM intake.confirmations WHERE hash = :hash AND (expires_at > :now OR confirmed_at IS NOT NULL)
""")
_CONFIRM = text("""
UPDATE intake.confirmations SET confirmed_at = :now
WHERE hash = :hash AND confirmed_at IS NULL AND expires_at > :now
""")
_ADDRESSES = text("""
SELECT kind, address FROM people.contact_points
WHERE person_id = :person_id AND state IN ('usable', 'possible') ORDER BY kind, address
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What is to be confirmed, and how it was asked for."""

    tenant_id: UUID
    person_id: UUID
    lead_id: UUID
    channel: ConsentChannel
    wording: str
    seller: str
    page: str | None
    ip: str | None
    user_agent: str | None
    asked_at: datetime


async def ask(tx: Transaction, what: Confirmation, *, good_for: timedelta) -> tuple[str, datetime]:
    """Keep it; the token of its link, shown now and never again, and when it ends."""
    token, expires_at = secrets.token_urlsafe(32), what.asked_at + good_for
    await tx.run(_ASK, id=new_id(), hash=_digest(token), expires_at=expires_at, **asdict(what))
    return token, expires_at


async def find(tx: Transaction, token: str) -> Confirmation | None:
    """What a link is to confirm, or has confirmed; None for an unknown or late one."""
    if len(token) > _LONGEST or not token.isascii():
        return None
    row = await tx.first(_FIND, hash=_digest(token), now=tx.now)
    return None if row is None else Confirmation(**row)


async def confirm(tx: Transaction, token: str) -> bool:
    """Confirm it; False when it was before."""
    return await tx.run(_CONFIRM, hash=_digest(token), now=tx.now) == 1


async def addresses_of(
    tx: Transaction, person_id: UUID, channel: ConsentChannel
) -> tuple[str, ...]:
    """The addresses a consent for a channel is given for."""
    rows = await tx.all(_ADDRESSES, person_id=person_id)
    kinds = {"any": {"phone", "email", "instagram"}, "email": {"email"}}
    wanted = kinds.get(channel, {"instagram"} if channel == "instagram" else {"phone"})
    return tuple(row["address"] for row in rows if row["kind"] in wanted)


def _digest(token: str) -> bytes:
    return sha256(token.encode("ascii")).digest()
