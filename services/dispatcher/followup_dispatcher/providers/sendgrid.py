"""E-mail through SendGrid's v3 Mail Send.

The attempt travels as a custom argument of the personalization, which every event shows.
The Email Activity search is an add-on that must be bought: with `activity` an account is
asked about lost answers, without it nobody can be.

Settings: `base_url` (default https://api.sendgrid.com), `activity` (true or false),
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
)
from followup_dispatcher.providers.sendgrid_answers import CODES
from followup_dispatcher.providers.settling import KEPT, settling_of

LETTER_LIMIT = 30 * 1024 * 1024
"""Octets (docs.sendgrid.com/api-reference/mail-send/limitations)."""


class SendGrid(Dialect):
    """An account that sends letters."""

    name = "sendgrid"
    channel: Channel = "email"
    codes = CODES

    def request(self, call: Call) -> Request | Refused:
        """JSON; what the template needs is rendered already."""
        who = correspondents(call, most=LETTER_LIMIT)
        if isinstance(who, Refused):
            return who
        sender = {"email": who.sender.addr_spec}
        if who.sender.display_name:
            sender["name"] = who.sender.display_name
        parts = [{"type": "text/plain", "value": call.content.text}]
        if call.content.html is not None:
            parts.append({"type": "text/html", "value": call.content.html})
        letter: dict[str, Any] = {
            "personalizations": [
                {
                    "to": [{"email": who.recipient.addr_spec}],
                    "custom_args": {
                        "attempt": str(call.attempt_id),
                        "touch": str(call.touch_id),
                    },
                }
            ],
            "from": sender,
            "subject": call.content.subject or "",
            "content": parts,
        }
        headers = extra_headers(call.content.headers)
        answers = headers.pop("Reply-To", None)  # refused among the headers
        if answers is not None:
            letter["reply_to"] = {"email": answers}
        if headers:
            letter["headers"] = headers
        return Request("/v3/mail/send", json(letter))

    def taken(self, reply: Reply, _call: Call) -> Answer:
        """202 with an empty body; the id stands in a header."""
        return Accepted(text(reply.headers.get("X-Message-Id")))


def sendgrid(
    settings: Mapping[str, Any], secrets: Mapping[str, str], *, clock: Clock = machine_clock
) -> HttpProvider:
    """An adapter from an account's settings (above)."""
    line = HttpLine(
        read.base_url(settings, "https://api.sendgrid.com"),
        auth=bearer(read.text(secrets, "api_key")),
    )
    settling = settling_of("sendgrid", settings)
    lookup = Lookup(question=_question, shown=_shown, settling=settling, kept=KEPT["sendgrid"])
    asked = lookup if read.flag(settings, "activity") else None
    return HttpProvider(SendGrid(), line, lookup=asked, clock=clock)


def _question(attempt: PastAttempt) -> Question:
    """Email Activity: docs.sendgrid.com/api-reference/e-mail-activity."""
    query = f"(unique_args['attempt']=\"{attempt.attempt_id}\")"
    return Question("/v3/messages", {"query": query, "limit": "1"})


def _shown(reply: Reply, _attempt: PastAttempt) -> Found | Absent | Undecided:
    rows = inside(fields(reply.body), "messages")
    if not isinstance(rows, list):
        return Undecided("the record cannot be read now")
    return Found(text(inside(rows, 0, "msg_id"))) if rows else Absent()
