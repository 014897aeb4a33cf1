"""Whether a webhook is signed as Standard Webhooks asks (www.standardwebhooks.com).

HMAC-SHA256 over `{id}.{timestamp}.{body}` under the secret behind `whsec_`; the header may
hold several signatures, so that a secret can be changed, and any of them is good.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from followup_replies.proof import decoded, fresh

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"
_MOST = 20
_LONGEST_ID = 256


def genuine(headers: Mapping[str, str], *, body: bytes, secret: str, at: datetime) -> bool:
    """Whether one of the signatures is that of the body and of now."""
    name, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = _key(secret)
    if not key or not name or len(name) > _LONGEST_ID:
        return False
    if not fresh(stamp, at=at, tolerance=TOLERANCE):
        return False
    text = f"{name}.{stamp}.".encode("utf-8", "surrogatepass") + body
    expected = hmac.digest(key, text, "sha256")
    given = headers.get("webhook-signature", "").split(" ")[:_MOST]
    fits = [hmac.compare_digest(_signature(one), expected) for one in given]
    return any(fits)


def _signature(versioned: str) -> bytes:
    version, _, signature = versioned.partition(",")
    return (decoded(signature) or b"") if version == "v1" else b""


def _key(secret: str) -> bytes:
    text = secret.removeprefix(PREFIX)
    return decoded(text + "=" * (-len(text) % 4)) or b""
