"""Whether a webhook is Followup's: signatures by Standard Webhooks.

HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}` under the secret behind `whsec_`
(github.com/standard-webhooks/standard-webhooks, specification 1.0). The signature header
may hold several, and a receiver may know several secrets, so that one can be changed.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from followup_client.errors import NotGenuine

TOLERANCE = timedelta(minutes=5)
_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64  # octets of a secret, by the specification
_MOST_SIGNATURES = 20
_LONGEST_STAMP = 12


@dataclass(frozen=True, slots=True)
class Webhook:
    """A genuine webhook. It may come twice: `id` is the same then."""

    id: str
    sent_at: datetime
    body: dict[str, Any]


class WebhookVerifier:
    """Verifies webhooks under one secret, or under any of several while one is changed.

    Raises ValueError for a secret that is none.
    """

    def __init__(self, *secrets: str, tolerance: timedelta = TOLERANCE) -> None:
        if not secrets:
            raise ValueError("a secret is needed")
        self._keys: Sequence[bytes] = [_key(secret) for secret in secrets]
        self._tolerance = tolerance

    def verify(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Webhook:
        """The webhook in these bytes, as they came; raises `NotGenuine`.

        `now` is aware; a webhook signed further from it than the tolerance is refused, for
        it may be an old one that somebody kept.
        """
        named = {name.lower(): value for name, value in headers.items()}
        name, stamp = named.get("webhook-id", ""), named.get("webhook-timestamp", "")
        given = named.get("webhook-signature", "")
        if not (name and stamp and given):
            raise NotGenuine("a header of Standard Webhooks is missing")
        sent_at = _moment(stamp)
        if abs(now - sent_at) > self._tolerance:
            raise NotGenuine("it was signed too long ago, or later than now")
        signed = f"{name}.{stamp}.".encode("utf-8", "surrogatepass") + body
        if not self._signed(signed, given):
            raise NotGenuine("no signature fits")
        return Webhook(name, sent_at, _object(body))

    def _signed(self, signed: bytes, given: str) -> bool:
        """Whether one signature is one key's; every pair is compared, in constant time."""
        expected = [hmac.digest(key, signed, "sha256") for key in self._keys]
        several = [_signature(one) for one in given.split(" ")[:_MOST_SIGNATURES]]
        fits = [hmac.compare_digest(one, other) for one in several for other in expected]
        return any(fits)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a webhook's secret is whsec_ and Base64") from None
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(f"a webhook's secret has {_SHORTEST} to {_LONGEST} octets")
    return key


def _signature(versioned: str) -> bytes:
    version, _, signature = versioned.partition(",")
    if version != "v1":
        return b""
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _moment(stamp: str) -> datetime:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _LONGEST_STAMP):
        raise NotGenuine("the time it was signed at is no number of seconds")
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise NotGenuine("the time it was signed at is outside the calendar") from None


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise NotGenuine("the body is no JSON object")
    return told
