"""Whether a webhook is Meta's own: HMAC-SHA256 of the raw body under the app's secret.

developers.facebook.com/docs/graph-api/webhooks/getting-started. What is signed is the body
as it came, with everything beyond ASCII escaped.
"""

import hmac
from collections.abc import Mapping

from followup_replies.proof import same

SIGNATURE = "x-hub-signature-256"


def genuine(signature: str, *, body: bytes, app_secret: str) -> bool:
    """Whether this signature is that of the body."""
    expected = hmac.digest(app_secret.encode(), body, "sha256").hex()
    return bool(app_secret) and same(signature, f"sha256={expected}")


def challenge_of(query: Mapping[str, str], *, verify_token: str) -> str | None:
    """What is to be given back to somebody who asks whether we are here; None: go away."""
    asked = query.get("hub.mode") == "subscribe" and query.get("hub.challenge")
    fits = bool(verify_token) and same(query.get("hub.verify_token", ""), verify_token)
    return query["hub.challenge"][:256] if asked and fits else None
