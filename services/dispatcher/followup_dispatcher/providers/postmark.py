"""E-mail through Postmark.

The attempt travels as metadata, by which sent messages can be searched: a lost answer is
looked up by the attempt's own id.

Settings: `base_url` (default https://api.postmarkapp.com), `message_stream`,
`settling_seconds`. Secret: `server_token`.
"""

from collections.abc import Mapping
from typing import Any

from followup_contracts.channels import Channel
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.http_answers import Meaning, Verdict, fields, inside, said, text
from followup_dispatcher.providers.http_auth import api_key
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
from followup_dispatcher.providers.mail_limits import correspondents
from followup_dispatcher.providers.mail_message import extra_headers
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
from followup_dispatcher.providers.postmark_answers import CODES, MEANINGS
from followup_dispatcher.providers.settling import KEPT, settling_of

PART_LIMIT = 5 * 1024 * 1024
"""Octets of text and HTML together; each may have as many
(postmarkapp.com/developer/user-guide/send-email-with-api)."""


class Postmark(Dialect):
    """A server that sends letters."""

    name = "postmark"
    channel: Channel = "email"
    codes = CODES

    def __init__(self, stream: str | None) -> None:
        self._stream = stream

    def request(self, call: Call) -> Request | Refused:
        """JSON; opens and links are not followed unless the server says so."""
        who = correspondents(call, most=PART_LIMIT)
        if isinstance(who, Refused):
            return who
        headers = extra_headers(call.content.headers)
        answers = headers.pop("Reply-To", None)  # a field of its own
        letter: dict[str, Any] = {
            "From": str(who.sender),
            "To": who.recipient.addr_spec,
            "Subject": call.content.subject or "",
            "TextBody": call.content.text,
            "Metadata": {"attempt": str(call.attempt_id), "touch": str(call.touch_id)},
            "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
        }
        if answers is not None:
            letter["ReplyTo"] = answers
        if call.content.html is not None:
            letter["HtmlBody"] = call.content.html
        if self._stream is not None:
            letter["MessageStream"] = self._stream
        return Request("/email", json(letter))

    def taken(self, reply: Reply, _call: Call) -> Answer:
        """`ErrorCode` 0 and a `MessageID`."""
        body = fields(reply.body)
        code, ref = text(inside(body, "ErrorCode")), text(inside(body, "MessageID"))
        if code not in {"0", None}:
            return said(code, MEANINGS.get(code, Meaning(Verdict.UNKNOWN, "no known code")))
        if ref is None:
            return Unknown("accepted by an answer that cannot be read")
        return Accepted(ref)


def postmark(
    settings: Mapping[str, Any], secrets: Mapping[str, str], *, clock: Clock = machine_clock
) -> HttpProvider:
    """An adapter from an account's settings (above)."""
    line = HttpLine(
        read.base_url(settings, "https://api.postmarkapp.com"),
        auth=api_key("X-Postmark-Server-Token", read.text(secrets, "server_token")),
    )
    lookup = Lookup(
        question=_question,
        shown=_shown,
        settling=settling_of("postmark", settings),
        kept=KEPT["postmark"],
    )
    dialect = Postmark(read.optional(settings, "message_stream"))
    return HttpProvider(dialect, line, lookup=lookup, clock=clock)


def _question(attempt: PastAttempt) -> Question:
    """Outbound message search: postmarkapp.com/developer/api/messages-api."""
    query = {"count": "1", "offset": "0", "metadata_attempt": str(attempt.attempt_id)}
    return Question("/messages/outbound", query)


def _shown(reply: Reply, _attempt: PastAttempt) -> Found | Absent | Undecided:
    rows = inside(fields(reply.body), "Messages")
    if not isinstance(rows, list):
        return Undecided("the record cannot be read now")
    return Found(text(inside(rows, 0, "MessageID"))) if rows else Absent()
