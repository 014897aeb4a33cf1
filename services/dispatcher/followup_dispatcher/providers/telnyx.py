"""Text messages through Telnyx's Messaging API.

The attempt's id goes along as a tag, which webhooks and detail records show, and in the
query of the webhook's URL. Telnyx takes no time limit: what it queues it may deliver later.

Settings: `base_url` (default https://api.telnyx.com), `messaging_profile_id`,
`settling_seconds`. Secret: `api_key`.
"""

from collections.abc import Mapping
from typing import Any

from followup_contracts.channels import Channel
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.http_answers import fields, inside, text
from followup_dispatcher.providers.http_auth import bearer
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
    Refused,
    Undecided,
    Unknown,
)
from followup_dispatcher.providers.settling import KEPT, settling_of
from followup_dispatcher.providers.telnyx_answers import CODES
from followup_policy.segments import segments_of

PARTS_LIMIT = 10
"""Segments of one text (developers.telnyx.com/docs/messaging/messages/message-encoding)."""

_PAGE = 50


class TelnyxSms(Dialect):
    """An account that sends texts from its numbers."""

    name = "telnyx"
    channel: Channel = "sms"
    codes = CODES

    def __init__(self, profile: str | None) -> None:
        self._profile = profile

    def request(self, call: Call) -> Request | Refused:
        """JSON; webhooks go to the callback URL, whatever the profile says."""
        if segments_of(call.content.text) > PARTS_LIMIT:
            return Refused("too-long", f"more than {PARTS_LIMIT} segments")
        message: dict[str, Any] = {
            "from": call.sender,
            "to": call.to,
            "text": call.content.text,
            "tags": [str(call.attempt_id)],
        }
        if self._profile is not None:
            message["messaging_profile_id"] = self._profile
        if call.callback_url is not None:
            message["webhook_url"] = call.callback_url
        return Request("/v2/messages", json(message))

    def taken(self, reply: Reply, call: Call) -> Answer:
        """`data.id`, and how many parts Telnyx counts."""
        body = fields(reply.body)
        ref, parts = text(inside(body, "data", "id")), inside(body, "data", "parts")
        if ref is None:
            return Unknown("accepted by an answer that cannot be read")
        counted = parts if isinstance(parts, int) and 0 < parts <= PARTS_LIMIT else 0
        return Accepted(ref, counted or segments_of(call.content.text))


def telnyx_sms(
    settings: Mapping[str, Any], secrets: Mapping[str, str], *, clock: Clock = machine_clock
) -> HttpProvider:
    """An adapter from an account's settings (above)."""
    line = HttpLine(
        read.base_url(settings, "https://api.telnyx.com"),
        auth=bearer(read.text(secrets, "api_key")),
    )
    lookup = Lookup(
        question=_question,
        shown=_shown,
        settling=settling_of("telnyx", settings),
        kept=KEPT["telnyx"],
    )
    dialect = TelnyxSms(read.optional(settings, "messaging_profile_id"))
    return HttpProvider(dialect, line, lookup=lookup, clock=clock)


def _question(attempt: PastAttempt) -> Question:
    """Detail records: developers.telnyx.com/api-reference/detail-records."""
    query = {
        "filter[record_type]": "messaging",
        "filter[date_range]": "last_2_days",
        "filter[cld]": attempt.to,
        "page[size]": str(_PAGE),
    }
    return Question("/v2/detail_records", query)


def _shown(reply: Reply, attempt: PastAttempt) -> Found | Absent | Undecided:
    """The record with our tag. A full page may hide it, so only a short one proves absence."""
    rows = inside(fields(reply.body), "data")
    if not isinstance(rows, list):
        return Undecided("the record cannot be read now")
    for row in rows:
        if str(attempt.attempt_id) in str(inside(row, "tags")):
            return Found(text(inside(row, "uuid")))
    return Absent() if len(rows) < _PAGE else Undecided("the record is too long")
