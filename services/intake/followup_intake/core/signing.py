"""Signatures of what is sent, by Standard Webhooks.

github.com/standard-webhooks/standard-webhooks, specification 1.0: HMAC-SHA256 over id, time
and body under the secret behind `whsec_`; a header may carry several signatures, so that a
secret can be changed.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
SECRET_OCTETS = 32


def secret_of(random: bytes) -> str:
    """A secret in the form it is shown in."""
    return PREFIX + base64.b64encode(random).decode()


def headers(
    body: bytes, *, event_id: str, timestamp: int, secrets: Sequence[str]
) -> Mapping[str, str]:
    """The headers that go with a body; `timestamp` is Unix time, a signature for each secret."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    digests = [hmac.digest(_key(secret), signed, "sha256") for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(d).decode()}" for d in digests),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
