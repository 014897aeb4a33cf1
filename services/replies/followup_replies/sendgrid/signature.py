"""Whether a webhook is SendGrid's own: ECDSA over the timestamp and the raw bytes.

P-256 with SHA-256, DER in base64; the key is a base64 SubjectPublicKeyInfo
(www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features).
The bytes count as they came: the vendor's bodies end in CR LF.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from followup_replies.proof import decoded

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"


def genuine(signature: str, *, timestamp: str, body: bytes, public_key: str) -> bool:
    """Whether this signature is that of the body, under this key."""
    given, spki = decoded(signature), decoded("".join(public_key.split()))
    if given is None or spki is None:
        return False
    try:
        key = load_der_public_key(spki)
    except ValueError:
        return False
    if not isinstance(key, EllipticCurvePublicKey):
        return False
    try:
        key.verify(given, timestamp.encode("utf-8", "surrogatepass") + body, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
