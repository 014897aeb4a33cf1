"""Return paths that know which letter came back (VERP): signed, for anybody may bounce.

`bounces@mail.example` becomes `bounces+TAG@mail.example`. A tag is the attempt's id and an
HMAC of it in base32 (RFC 4648 section 6), in small letters, for mail servers do not always
keep capitals: 42 characters, within the 64 of a local part (RFC 5321 section 4.5.3.1.1).
"""

import hmac
from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from typing import ClassVar
from uuid import UUID

_ID, _MAC = 16, 10
LENGTH = 42
_LONGEST_LOCAL = 64
_SHORTEST_KEY = 16


class Tags:
    """Writes and reads tags of one purpose under one key."""

    __slots__ = ("_key",)

    purpose: ClassVar[bytes]

    def __init__(self, key: bytes) -> None:
        if len(key) < _SHORTEST_KEY:
            raise ValueError(f"a key for return paths has at least {_SHORTEST_KEY} bytes")
        self._key = key

    def write(self, attempt_id: UUID) -> str:
        """The tag of an attempt."""
        raw = attempt_id.bytes + self._mac(attempt_id.bytes)
        return b32encode(raw).rstrip(b"=").decode().lower()

    def read(self, tag: str) -> UUID | None:
        """The attempt of a tag that this key wrote, else None; in constant time."""
        if len(tag) != LENGTH or not tag.isascii():
            return None
        try:
            raw = b32decode(tag.upper() + "=" * (-len(tag) % 8))
        except NotBase32:
            return None
        genuine = hmac.compare_digest(raw[_ID:], self._mac(raw[:_ID]))
        return UUID(bytes=raw[:_ID]) if genuine else None

    def _mac(self, id_: bytes) -> bytes:
        return hmac.digest(self._key, self.purpose + id_, "sha256")[:_MAC]


class ReturnTags(Tags):
    """Tags of return paths."""

    __slots__ = ()

    purpose = b"followup return tag v1\0"


def tagged(address: str, tag: str) -> str:
    """The address with a tag of its own, before the `@`; as it is where that has no room.

    A local part has 64 octets at most. A notice that comes to the plain address still
    names the letter, by its `Message-ID`.
    """
    local, _, domain = address.rpartition("@")
    longer = f"{local}+{tag}"
    return f"{longer}@{domain}" if len(longer) <= _LONGEST_LOCAL else address


def tag_of(address: str) -> str | None:
    """The tag in an address, None where it has none."""
    local = address.rpartition("@")[0]
    plus = local.rpartition("+")
    return plus[2] or None if plus[1] else None
