"""Whether a webhook is Vonage's own, by either of its APIs.

The SMS API signs parameters (developer.vonage.com/en/getting-started/concepts/signing-messages):
sorted, `&` and `=` in values replaced, hashed with the secret behind them or as a key. The
Messages API sends a JSON Web Token (…/en/messages/concepts/signed-webhooks): HS256 under the
same secret, with the SHA-256 of the body inside.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import orjson

from followup_replies.proof import fresh, same

TOLERANCE = timedelta(minutes=5)

HASH = "md5hash"
METHODS: Mapping[str, str] = MappingProxyType(
    {"md5": "md5", "sha1": "sha1", "sha256": "sha256", "sha512": "sha512"}
)
"""Methods of the account's dashboard that are an HMAC. `md5hash` is the one that is none."""


def signed(params: Mapping[str, str], *, secret: str, method: str) -> str | None:
    """The signature of parameters, in hex; None for a method that there is not."""
    text = "".join(
        f"&{name}={value.replace('&', '_').replace('=', '_')}"
        for name, value in sorted(params.items())
        if name != "sig"
    )
    if method == HASH:
        # The vendor's oldest method; an account chooses a better one.
        return hashlib.md5((text + secret).encode("utf-8", "surrogatepass")).hexdigest()  # noqa: S324 - theirs
    digest = METHODS.get(method)
    if digest is None:
        return None
    return hmac.digest(secret.encode(), text.encode("utf-8", "surrogatepass"), digest).hex()


def params_genuine(params: Mapping[str, str], *, secret: str, method: str, at: datetime) -> bool:
    """Whether the `sig` of these parameters is theirs, and of now."""
    expected = signed(params, secret=secret, method=method)
    if expected is None or not same(params.get("sig", "").lower(), expected):
        return False
    return fresh(params.get("timestamp", ""), at=at, tolerance=TOLERANCE)


def token_genuine(token: str, *, body: bytes, secret: str, at: datetime) -> bool:
    """Whether a token is the vendor's, of now, and about this body."""
    head, _, signature = token.rpartition(".")
    header, _, claims = head.partition(".")
    given = _part(signature)
    if given is None or _object(header).get("alg") != "HS256":
        return False
    if not hmac.compare_digest(given, hmac.digest(secret.encode(), head.encode(), "sha256")):
        return False
    said = _object(claims)
    issued, digest = said.get("iat"), said.get("payload_hash")
    if not isinstance(issued, int) or not fresh(str(issued), at=at, tolerance=TOLERANCE):
        return False
    if not isinstance(digest, str):
        return not body
    return same(digest.lower(), hashlib.sha256(body).hexdigest())


def _object(part: str) -> dict[str, Any]:
    raw = _part(part)
    if raw is None:
        return {}
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _part(part: str) -> bytes | None:
    # base64url without padding (RFC 7515, 2)
    if not part or not part.isascii() or any(letter in part for letter in "+/="):
        return None
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except NotBase64:
        return None
