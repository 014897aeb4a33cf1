"""The tokens in links that count clicks: where they lead is signed, and not to be forged.

A token holds the target itself, so that a click needs no look-up and a link leads where it
led when it was mailed. Nobody but us can make one: the redirect is no open one.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

LONGEST_TARGET = 2000
"""Octets of a target; a longer one stays as it is, uncounted."""
LONGEST_TOKEN = 3000

_VERSION = b"\x01"
_PURPOSE = b"followup click token v1\0"
_MAC = 16
_IDS = 3 * 16
_SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class Click:
    """Where a link of a touch leads, and to whom it was sent."""

    tenant_id: UUID
    touch_id: UUID
    person_id: UUID
    target: str


class ClickSigner:
    """Makes and reads click tokens under one key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < _SHORTEST_KEY:
            raise ValueError(f"a key for links has at least {_SHORTEST_KEY} bytes")
        self._key = key

    def sign(self, click: Click) -> str:
        """A token of URL-safe characters; raises `ValueError` for a target that is no web link."""
        if not leads_to_the_web(click.target):
            raise ValueError("a link that is counted leads to http or https")
        ids = click.tenant_id.bytes + click.touch_id.bytes + click.person_id.bytes
        body = _VERSION + ids + click.target.encode()
        return urlsafe_b64encode(self._mac(body) + body).rstrip(b"=").decode()

    def verify(self, token: str) -> Click | None:
        """What a token says that this key signed, else None; in constant time."""
        raw = _decoded(token)
        if raw is None or len(raw) <= _MAC + 1 + _IDS:
            return None
        mac, body = raw[:_MAC], raw[_MAC:]
        if not hmac.compare_digest(mac, self._mac(body)) or body[:1] != _VERSION:
            return None
        ids, target = body[1 : 1 + _IDS], body[1 + _IDS :].decode()
        return Click(
            tenant_id=UUID(bytes=ids[:16]),
            touch_id=UUID(bytes=ids[16:32]),
            person_id=UUID(bytes=ids[32:]),
            target=target,
        )

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, _PURPOSE + body, "sha256")[:_MAC]


def leads_to_the_web(target: str) -> bool:
    """Whether a target is an absolute http(s) URL of a sane length, without a password in it."""
    if len(target) > LONGEST_TARGET or any(c.isspace() or not c.isprintable() for c in target):
        return False
    if len(target.encode()) > LONGEST_TARGET:  # its token would be too long to be read
        return False
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    plain = bool(parts.hostname) and "@" not in parts.netloc
    return plain and parts.scheme in ("http", "https")


def _decoded(token: str) -> bytes | None:
    if not 0 < len(token) <= LONGEST_TOKEN or not token.isascii():
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except NotBase64:
        return None
    # Letters that base64 skips or leaves unused would give one token many spellings.
    return raw if urlsafe_b64encode(raw).rstrip(b"=").decode() == token else None
