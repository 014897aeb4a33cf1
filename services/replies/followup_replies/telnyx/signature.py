"""Whether a webhook is Telnyx's own: Ed25519 over `{timestamp}|{body}`.

developers.telnyx.com/docs/messaging/messages/receiving-webhooks; the key is 32 bytes and the
signature 64, both in base64.
"""

from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from followup_replies.proof import decoded, fresh

SIGNATURE = "telnyx-signature-ed25519"
TIMESTAMP = "telnyx-timestamp"
TOLERANCE = timedelta(seconds=300)


def genuine(signature: str, *, timestamp: str, body: bytes, public_key: str, at: datetime) -> bool:
    """Whether this signature is that of the body and of now."""
    given, raw = decoded(signature), decoded(public_key)
    if given is None or raw is None or not fresh(timestamp, at=at, tolerance=TOLERANCE):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(given, f"{timestamp}|".encode() + body)
    except (InvalidSignature, ValueError):  # ValueError: not 32 bytes
        return False
    return True
