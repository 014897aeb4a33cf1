"""An SNS notification and whether it is genuine.

docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html: RSA PKCS#1 v1.5 over
named fields, SHA-1 in version 1 and SHA-256 in version 2, under a certificate that only
Amazon's own host for the topic's region may hold. Anybody can have their topic notify us,
so the topic must be one of the account's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from followup_replies.proof import decoded

TOLERANCE = timedelta(minutes=65)
"""SNS gives up on a delivery within the hour (delivery policies, 3,600 s)."""

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = (
    "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
)  # fmt: skip
SIGNED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Notification": _NOTIFICATION,
        "SubscriptionConfirmation": _CONFIRMATION,
        "UnsubscribeConfirmation": _CONFIRMATION,
    }
)
_OPTIONAL = frozenset({"Subject"})
_ARN = re.compile(r"arn:aws[a-z-]{0,8}:sns:([a-z0-9-]{1,32}):\d{12}:[A-Za-z0-9_.-]{1,260}")
_HOST = "https://sns.{region}.amazonaws.com{tail}/"
_PEM = re.compile(r"SimpleNotificationService-[0-9a-f]{1,64}\.pem")


@dataclass(frozen=True, slots=True)
class Notification:
    """What SNS sent, before anybody believes it."""

    fields: Mapping[str, Any]

    @classmethod
    def read(cls, body: bytes) -> "Notification | None":
        """The notification in a body, or None when it is none."""
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        told = cls(value) if isinstance(value, dict) else None
        return told if told is not None and told.kind in SIGNED else None

    def text(self, name: str) -> str:
        """A field that is a text; empty where it is not."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    @property
    def kind(self) -> str:
        """Notification, SubscriptionConfirmation or UnsubscribeConfirmation."""
        return self.text("Type")

    @property
    def topic(self) -> str:
        """The topic's ARN."""
        return self.text("TopicArn")

    @property
    def certificate_url(self) -> str | None:
        """Where its certificate is; None unless that is Amazon's host for the topic's region."""
        url, host = self.text("SigningCertURL"), self._host()
        name = url.removeprefix(host) if host and url.startswith(host) else ""
        return url if _PEM.fullmatch(name) else None

    @property
    def subscribe_url(self) -> str | None:
        """Where a subscription is confirmed; None unless that is the same host."""
        url, host = self.text("SubscribeURL"), self._host()
        return url if host and url.startswith(f"{host}?Action=ConfirmSubscription&") else None

    def fresh(self, at: datetime) -> bool:
        """Whether it was sent near `at`."""
        try:
            sent = datetime.fromisoformat(self.text("Timestamp"))
        except ValueError:
            return False
        return sent.tzinfo is not None and abs(at - sent) <= TOLERANCE

    def signed_by(self, key: RSAPublicKey) -> bool:
        """Whether its signature is that of its fields, under this key."""
        given, algorithm, signed = self._signature(), self._algorithm(), self._signed()
        if given is None or algorithm is None or signed is None:
            return False
        try:
            key.verify(given, signed, PKCS1v15(), algorithm)
        except InvalidSignature:
            return False
        return True

    def _host(self) -> str | None:
        found = _ARN.fullmatch(self.topic)
        if found is None:
            return None
        tail = ".cn" if self.topic.startswith("arn:aws-cn:") else ""
        return _HOST.format(region=found.group(1), tail=tail)

    def _signature(self) -> bytes | None:
        return decoded(self.text("Signature"))

    def _algorithm(self) -> HashAlgorithm | None:
        match self.text("SignatureVersion"):
            case "1":
                return SHA1()  # noqa: S303 - what version 1 is; topics choose version 2
            case "2":
                return SHA256()
            case _:
                return None

    def _signed(self) -> bytes | None:
        lines = []
        for name in SIGNED[self.kind]:
            value = self.fields.get(name)
            if value is None and name in _OPTIONAL:
                continue
            if not isinstance(value, str):
                return None
            lines.append(f"{name}\n{value}\n")
        return "".join(lines).encode("utf-8", "surrogatepass")
