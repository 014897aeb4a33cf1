"""Whether a webhook is Mailgun's own: HMAC-SHA256 over timestamp and token, in hex.

documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks#securing-webhooks. The
body is not signed: whoever has seen one webhook could send another with its signature. So
each token is good once.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from followup_replies.proof import fresh, same

TOLERANCE = timedelta(minutes=15)
"""What the vendor's own library allows (mailgun 1.10, `SecurityGuard.verify_webhook`)."""

_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Signed:
    """The three fields of a signature."""

    timestamp: str
    token: str
    signature: str

    def genuine(self, *, signing_key: str, at: datetime) -> bool:
        """Whether it is that of this key and of now."""
        if not (signing_key and self.token) or len(self.token) > _LONGEST:
            return False
        text = (self.timestamp + self.token).encode("utf-8", "surrogatepass")
        expected = hmac.digest(signing_key.encode(), text, "sha256").hex()
        fits = same(self.signature, expected)
        return fits and fresh(self.timestamp, at=at, tolerance=TOLERANCE)
