"""Webhooks as their vendors sign them: an account's secrets, and headers for a request.

Signed by the vendors' own code where it signs, else by the recipe in their documents; the
vendors' own verifiers are asked in tests/unit/replies.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import jwt
import orjson
from certificates import self_signed
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from nacl.signing import SigningKey
from standardwebhooks import Webhook
from vonage_http_client import Auth

TOPIC = "arn:aws:sns:eu-west-1:123456789012:followup-events"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
PASSWORD = base64.b64encode(b"postbox:made-up").decode()

Headers = dict[str, str]
Sign = Callable[[bytes, float], tuple[bytes, Headers]]
"""A body and the time of signing → the body as it is sent, and its headers."""

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Signer:
    """One vendor's way. `stale` is how many seconds later it is no longer good."""

    provider: str
    channel: str
    sign: Sign
    secrets: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    stale: int | None = None


def telnyx() -> Signer:
    key = SigningKey.generate()

    def sign(body: bytes, at: float) -> tuple[bytes, Headers]:
        stamp = str(int(at))
        signature = key.sign(f"{stamp}|".encode() + body).signature
        return body, JSON | {
            "Telnyx-Signature-Ed25519": base64.b64encode(signature).decode(),
            "Telnyx-Timestamp": stamp,
        }

    public = base64.b64encode(bytes(key.verify_key)).decode()
    return Signer("telnyx", "sms", sign, {"public_key": public}, stale=301)


def sendgrid() -> Signer:
    key = ec.generate_private_key(ec.SECP256R1())

    def sign(body: bytes, at: float) -> tuple[bytes, Headers]:
        stamp = str(int(at))
        signature = key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return body, JSON | {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }

    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secrets = {
        "webhook_public_key": base64.b64encode(spki).decode(),
        "webhook_user": "postbox",
        "webhook_password": "made-up",
    }
    return Signer("sendgrid", "email", sign, secrets, stale=86_401)


def mailgun() -> Signer:
    def sign(body: bytes, at: float) -> tuple[bytes, Headers]:
        return orjson.dumps(orjson.loads(body) | {"signature": mailgun_fields(at)}), JSON

    return Signer("mailgun", "email", sign, {"webhook_signing_key": "made-up"}, stale=901)


def mailgun_fields(at: float, key: str = "made-up") -> dict[str, str]:
    """The three fields of a signature."""
    stamp, token = str(int(at)), uuid4().hex + uuid4().hex[:18]
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": stamp, "token": token, "signature": signature}


def postmark() -> Signer:
    secrets = {"webhook_user": "postbox", "webhook_password": "made-up"}
    headers = JSON | {"Authorization": f"Basic {PASSWORD}"}
    return Signer("postmark", "email", lambda body, _at: (body, headers), secrets)


def vonage_token(method: str = "HS256") -> Signer:
    secret = "made-up-secret-of-a-length-that-is-good-for-any-sha-there-is"

    def sign(body: bytes, at: float) -> tuple[bytes, Headers]:
        claims = {
            "iat": int(at),
            "jti": str(uuid4()),
            "iss": "Vonage",
            "payload_hash": hashlib.sha256(body).hexdigest(),
            "api_key": "abcd1234",
        }
        token = jwt.encode(claims, secret, algorithm=method)
        return body, JSON | {"Authorization": f"Bearer {token}"}

    return Signer("vonage", "sms", sign, {"signature_secret": secret}, stale=301)


def vonage_params(method: str = "sha256") -> Signer:
    secret = "made-up"

    def sign(body: bytes, at: float) -> tuple[bytes, Headers]:
        params = {name: str(value) for name, value in orjson.loads(body).items()}
        params |= {"timestamp": str(int(at)), "nonce": str(uuid4())}
        auth = Auth(api_key="k", signature_secret=secret, signature_method=method)
        return orjson.dumps(params | {"sig": auth.sign_params(dict(params))}), JSON

    return Signer(
        "vonage",
        "sms",
        sign,
        {"signature_secret": secret},
        {"signature_method": method},
        stale=301,
    )


def meta() -> Signer:
    def sign(body: bytes, _at: float) -> tuple[bytes, Headers]:
        digest = hmac.new(b"made-up", body, hashlib.sha256).hexdigest()
        return body, JSON | {"X-Hub-Signature-256": f"sha256={digest}"}

    secrets = {"app_secret": "made-up", "verify_token": "made-up token"}
    return Signer("meta", "whatsapp", sign, secrets)


def standard() -> Signer:
    secret = "whsec_" + base64.b64encode(b"made-up, and long enough").decode()

    def sign(body: bytes, at: float) -> tuple[bytes, Headers]:
        name, moment = f"msg_{uuid4().hex}", datetime.fromtimestamp(int(at), UTC)
        return body, JSON | {
            "Webhook-Id": name,
            "Webhook-Timestamp": str(int(at)),
            "Webhook-Signature": Webhook(secret).sign(name, moment, body.decode()),
        }

    return Signer("webhook", "sms", sign, {"webhook_secret": secret}, stale=301)


@dataclass
class Topic:
    """A topic of Amazon's, with a key and a certificate of its own."""

    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    def pem(self, *, days: int = 30) -> bytes:
        """The certificate, in force until so many days from now."""
        return self_signed(self.key, "sns.amazonaws.com", days=days)

    def envelope(self, message: str, at: float, **more: Any) -> dict[str, Any]:
        """A notification, signed; `more` replaces fields before that."""
        moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
        fields = {
            "Type": "Notification",
            "MessageId": str(uuid4()),
            "TopicArn": TOPIC,
            "Message": message,
            "Timestamp": moment.replace("+00:00", "Z"),
            "SignatureVersion": "2",
            "SigningCertURL": CERTIFICATE,
        } | more
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        if fields["Type"] != "Notification":
            names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn"]
            names.append("Type")
        signed = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        digest = hashes.SHA1() if fields["SignatureVersion"] == "1" else hashes.SHA256()  # noqa: S303 - the vendor's
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), digest)
        return fields | {"Signature": base64.b64encode(signature).decode()}

    def signer(self) -> Signer:
        """Bodies are what SES says; SNS puts them into its envelope."""

        def sign(body: bytes, at: float) -> tuple[bytes, Headers]:
            envelope = self.envelope(body.decode(), at)
            headers = {
                "Content-Type": "text/plain; charset=UTF-8",
                "x-amz-sns-message-type": "Notification",
            }
            return orjson.dumps(envelope), headers

        return Signer("ses", "email", sign, {}, {"topic_arns": [TOPIC]}, stale=3_901)


def now() -> float:
    """What vendors' clocks say."""
    return time.time()
