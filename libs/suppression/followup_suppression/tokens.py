"""The tokens in links that we mail: who clicked, without a look-up and not to be forged.

A token is 114 octets in base64url (RFC 4648 section 5, no padding), 152 characters: a
version, a kind, the ids of tenant, touch and person, the address's keyed hash, and an
HMAC-SHA256 over all of it. It holds no address, never expires (an unsubscribe link must
go on working) and is worth as much as the letter it came in.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

LinkKind = Literal["unsubscribe", "link", "confirm"]

_VERSION = 1
_PURPOSE = b"followup link token v1\0"
_KINDS: tuple[LinkKind, ...] = ("unsubscribe", "link", "confirm")
_HASH = 32
_MAC = 32
_BODY = 2 + 3 * 16 + _HASH
_SHORTEST_KEY = 16
_LENGTH = -(-(_BODY + _MAC) * 4 // 3)


@dataclass(frozen=True, slots=True)
class LinkClaims:
    """What a genuine token says. `address_hash` is `AddressHasher.hash` of the recipient."""

    kind: LinkKind
    tenant_id: UUID
    touch_id: UUID
    person_id: UUID
    address_hash: bytes


class LinkSigner:
    """Makes and reads link tokens under one key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < _SHORTEST_KEY:
            raise ValueError(f"a key for links has at least {_SHORTEST_KEY} bytes")
        self._key = key

    def sign(
        self,
        kind: LinkKind,
        *,
        tenant_id: UUID,
        touch_id: UUID,
        person_id: UUID,
        address_hash: bytes,
    ) -> str:
        """A token of URL-safe characters, always of the same length."""
        if len(address_hash) != _HASH:
            raise ValueError(f"an address hash has {_HASH} bytes")
        head = bytes((_VERSION, _KINDS.index(kind)))
        body = head + tenant_id.bytes + touch_id.bytes + person_id.bytes + address_hash
        return urlsafe_b64encode(body + self._mac(body)).rstrip(b"=").decode()

    def verify(self, token: str) -> LinkClaims | None:
        """The claims of a token that this key signed, else None; in constant time."""
        raw = _decoded(token)
        if raw is None:
            return None
        body, mac = raw[:_BODY], raw[_BODY:]
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        if body[0] != _VERSION or body[1] >= len(_KINDS):
            return None
        return LinkClaims(
            kind=_KINDS[body[1]],
            tenant_id=UUID(bytes=body[2:18]),
            touch_id=UUID(bytes=body[18:34]),
            person_id=UUID(bytes=body[34:50]),
            address_hash=body[50:],
        )

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, _PURPOSE + body, "sha256")


def _decoded(token: str) -> bytes | None:
    if len(token) != _LENGTH or not token.isascii():
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except NotBase64:
        return None
    # Letters that base64 skips or leaves unused would give one token many spellings.
    spelled = urlsafe_b64encode(raw).rstrip(b"=").decode()
    return raw if spelled == token and len(raw) == _BODY + _MAC else None
