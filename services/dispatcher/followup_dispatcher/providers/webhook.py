"""Any channel through a service of one's own: one signed POST a message.

The signature is that of Standard Webhooks (github.com/standard-webhooks/standard-webhooks):
`webhook-id` is the attempt, so that a receiver can tell a second delivery, and the
signature covers id, time and body. What the receiver answers is ours to define:

    2xx                    taken; `{"id": …}` is kept
    4xx                    refused; `{"code": …, "reason": …, "suppress": true}` is believed
    401, 403, 404          the account is at fault, and stops
    429, or 503 with Retry-After   not taken; may come again
    anything else, or nothing      unknown

With `lookup_url` the receiver is asked about lost answers: `GET lookup_url?attempt=…`, 200
with `{"id": …}` where it has it, 404 where it has not (believed for a week).

Settings: `url`, `lookup_url`, `settling_seconds`. Secret: `signing_secret` (`whsec_…`).
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from followup_contracts.channels import Channel
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.http_answers import (
    Codes,
    Meaning,
    Verdict,
    fields,
    inside,
    pause_of,
    text,
)
from followup_dispatcher.providers.http_auth import UNPROVEN
from followup_dispatcher.providers.http_body import json
from followup_dispatcher.providers.http_line import HttpLine, Reply
from followup_dispatcher.providers.http_provider import (
    Dialect,
    HttpProvider,
    Lookup,
    Question,
    Request,
)
from followup_dispatcher.providers.machine_clock import Clock, machine_clock
from followup_dispatcher.providers.port import (
    Absent,
    Accepted,
    Answer,
    Call,
    Found,
    PastAttempt,
    ProviderFactory,
    Refused,
    RetryLater,
    Undecided,
)
from followup_dispatcher.providers.settling import KEPT, settling_of
from followup_policy.segments import segments_of

BODY_LIMIT = 1024 * 1024

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
"""Octets of a secret (the specification's own bounds)."""

_UNAVAILABLE = 503
_REASON = 200


class Webhook(Dialect):
    """A receiver of messages."""

    name = "webhook"

    def __init__(self, channel: Channel, path: str, secret: bytes, *, clock: Clock) -> None:
        self.channel = channel
        self._path = path
        self._secret = secret
        self._clock = clock

    codes = Codes(
        meanings={
            "http-401": Meaning(Verdict.BROKEN, "the receiver does not accept our signature"),
            "http-403": Meaning(Verdict.BROKEN, "the receiver does not let us in"),
            "http-404": Meaning(Verdict.BROKEN, "nobody receives at this URL"),
        },
        code_of=lambda reply: f"http-{reply.status}",
    )

    def request(self, call: Call) -> Request | Refused:
        """Everything that a message has, and who it is."""
        body = json(_told(call))
        if len(body.octets) > BODY_LIMIT:
            return Refused("too-long", f"more than {BODY_LIMIT} octets")
        name, at = str(call.attempt_id), str(int(self._clock().timestamp()))
        signed = b".".join((name.encode(), at.encode(), body.octets))
        digest = base64.b64encode(hmac.digest(self._secret, signed, "sha256")).decode()
        headers = {
            "webhook-id": name,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{digest}",
        }
        return Request(self._path, body, headers)

    def taken(self, reply: Reply, call: Call) -> Answer:
        """Any 2xx: the receiver's own id is a courtesy."""
        return Accepted(text(inside(fields(reply.body), "id")), segments_of(call.content.text))

    def turned_away(self, reply: Reply) -> Refused | RetryLater | None:
        """What our own rules say of an answer beyond HTTP's; None: nothing."""
        after = pause_of(reply)
        if reply.status == _UNAVAILABLE and after is not None:
            return RetryLater("http-503", "the receiver asks to come again", after)
        code = text(inside(fields(reply.body), "code"))
        if code is None or f"http-{reply.status}" in self.codes.meanings:
            return None
        if not _REFUSALS.start <= reply.status < _REFUSALS.stop or reply.status in _PASSING:
            return None
        reason = str(inside(fields(reply.body), "reason") or "refused")[:_REASON]
        suppress = inside(fields(reply.body), "suppress") is True
        return Refused(code, reason, suppress=suppress)


_REFUSALS = range(400, 500)
_PASSING = frozenset({408, 425, 429})


def webhook_factory(channel: Channel) -> ProviderFactory:
    """A factory of receivers for a channel; their settings are told above."""

    def make(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> HttpProvider:
        return webhook(channel, settings, secrets)

    return make


def webhook(
    channel: Channel,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    clock: Clock = machine_clock,
) -> HttpProvider:
    """An adapter from an account's settings (above)."""
    parts = urlsplit(read.base_url(settings, None, name="url"))
    dialect = Webhook(
        channel, parts.path or "/", signing_key(read.text(secrets, "signing_secret")), clock=clock
    )
    line = HttpLine(f"{parts.scheme}://{parts.netloc}", auth=UNPROVEN)
    lookup = None
    if read.optional(settings, "lookup_url"):
        asked = urlsplit(read.base_url(settings, None, name="lookup_url"))
        lookup = Lookup(
            question=lambda attempt: Question(
                asked.path or "/", {"attempt": str(attempt.attempt_id)}
            ),
            shown=_shown,
            settling=settling_of("webhook", settings),
            kept=KEPT["webhook"],
            line=HttpLine(f"{asked.scheme}://{asked.netloc}", auth=UNPROVEN),
            missing=frozenset({404}),
        )
    return HttpProvider(dialect, line, lookup=lookup, clock=clock)


def signing_key(secret: str) -> bytes:
    """The octets behind `whsec_…`; raises `ValueError` where there are none."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("signing_secret: whsec_ and Base64") from error
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(f"signing_secret: {_SHORTEST} to {_LONGEST} octets")
    return key


def _told(call: Call) -> dict[str, Any]:
    content = call.content
    return {
        "attempt_id": str(call.attempt_id),
        "touch_id": str(call.touch_id),
        "tenant_id": str(call.tenant_id),
        "channel": call.channel,
        "to": call.to,
        "from": call.sender,
        "text": content.text,
        "subject": content.subject,
        "html": content.html,
        "voicemail": content.voicemail,
        "template": content.template,
        "headers": dict(content.headers),
        "callback_url": call.callback_url,
        "valid_for_seconds": (
            None if call.valid_for is None else int(call.valid_for.total_seconds())
        ),
    }


def _shown(reply: Reply, _attempt: PastAttempt) -> Found | Absent | Undecided:
    body = fields(reply.body)
    if body is None:
        return Undecided("the record cannot be read now")
    return Found(text(inside(body, "id")))
