"""Consents that wait to be confirmed.

Each by a link of its own, which is kept as its hash alone, or by the link of a message
(`links.confirm`), which is signed: it confirms what was asked of that person last, for the
address that the message went to.
"""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_contracts.channels import channels_of
from followup_database import Transaction, new_id
from followup_people import ContactPoint, persons_by_id
from followup_people.records import ConsentChannel
from followup_suppression import AddressHasher
from followup_suppression.tokens import LinkClaims, LinkSigner

_LONGEST = 100

_ASK = text("""
INSERT INTO intake.confirmations (id, hash, tenant_id, person_id, lead_id, channel, wording, seller,
  page, ip, user_agent, asked_at, expires_at)
VALUES (:id, :hash, :tenant_id, :person_id, :lead_id, :channel, :wording, :seller, :page, :ip,
  :user_agent, :asked_at, :expires_at)
""")
_COLUMNS = (
    "id, tenant_id, person_id, lead_id, channel, wording, seller, page, ip, user_agent, asked_at"
)
_FIND = text(f"""
SELECT {_COLUMNS}
FROM intake.confirmations WHERE hash = :hash AND (expires_at > :now OR confirmed_at IS NOT NULL)
""")
_LAST = text(f"""
SELECT {_COLUMNS} FROM intake.confirmations
WHERE tenant_id = :tenant AND person_id = ANY(CAST(:persons AS uuid[]))
  AND channel = ANY(CAST(:channels AS text[]))
  AND (expires_at > :now OR confirmed_at IS NOT NULL)
ORDER BY asked_at DESC, id DESC LIMIT 1
""")
_CONFIRM = text("""
UPDATE intake.confirmations SET confirmed_at = :now
WHERE tenant_id = :tenant AND id = :id AND confirmed_at IS NULL AND expires_at > :now
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link is to confirm, or has confirmed; `addresses` are those it is confirmed for."""

    id: UUID
    what: Confirmation
    addresses: tuple[str, ...]


class Links:
    """Reads the links by which consents are confirmed."""

    def __init__(self, signer: LinkSigner, hasher: AddressHasher) -> None:
        self._signer = signer
        self._hasher = hasher

    async def find(self, tx: Transaction, token: str) -> Asked | None:
        """What a link is to confirm; None for an unknown or late one."""
        if len(token) <= _LONGEST and token.isascii():
            row = await tx.first(_FIND, hash=_digest(token), now=tx.now)
            if row is None:
                return None
            asked = _asked(row)
            own = await addresses_of(tx, asked.what.person_id, asked.what.channel)
            return replace(asked, addresses=own)
        claims = self._signer.verify(token)
        return None if claims is None or claims.kind != "confirm" else await self._last(tx, claims)

    async def _last(self, tx: Transaction, claims: LinkClaims) -> Asked | None:
        person = (await persons_by_id(tx, [claims.person_id])).get(claims.person_id)
        if person is None or person.tenant_id != claims.tenant_id:
            return None
        point = next((p for p in person.points if self._is(p, claims.address_hash)), None)
        if point is None:
            return None  # the message went to an address that is theirs no more
        row = await tx.first(
            _LAST,
            tenant=claims.tenant_id,
            persons=[person.id, *person.former],
            channels=["any", *channels_of(point.kind)],
            now=tx.now,
        )
        return None if row is None else replace(_asked(row), addresses=(point.address,))

    def _is(self, point: ContactPoint, address_hash: bytes) -> bool:
        return self._hasher.hash(point.kind, point.address) == address_hash


async def confirm(tx: Transaction, asked: Asked) -> bool:
    """Confirm it; False when it was before."""
    return await tx.run(_CONFIRM, tenant=asked.what.tenant_id, id=asked.id, now=tx.now) == 1


async def addresses_of(
    tx: Transaction, person_id: UUID, channel: ConsentChannel
) -> tuple[str, ...]:
    """The addresses a consent for a channel is given for."""
    rows = await tx.all(_ADDRESSES, person_id=person_id)
    kinds = {"any": {"phone", "email", "instagram"}, "email": {"email"}}
    wanted = kinds.get(channel, {"instagram"} if channel == "instagram" else {"phone"})
    return tuple(row["address"] for row in rows if row["kind"] in wanted)


def _asked(row: Mapping[str, Any]) -> Asked:
    fields = dict(row)
    return Asked(fields.pop("id"), Confirmation(**fields), ())


def _digest(token: str) -> bytes:
    return sha256(token.encode("ascii")).digest()
