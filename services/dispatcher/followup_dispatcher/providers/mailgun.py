"""E-mail through Mailgun.

The Message-ID is ours and so the same for the same attempt; events are asked for by it. The
attempt travels as a variable, which every event shows.

Settings: `domain`, `base_url` (default https://api.mailgun.net; https://api.eu.mailgun.net
in Europe), `settling_seconds`. Secret: `api_key`.
"""

import re
from collections.abc import Mapping
from typing import Any

from followup_contracts.channels import Channel
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.http_answers import fields, inside, text
from followup_dispatcher.providers.http_auth import basic
from followup_dispatcher.providers.http_body import form
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
from followup_dispatcher.providers.mailgun_answers import CODES
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

LETTER_LIMIT = 25 * 1024 * 1024
"""Octets (documentation.mailgun.com, "Sending messages")."""

_DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,10}")


class Mailgun(Dialect):
    """A domain that sends letters."""

    name = "mailgun"
    channel: Channel = "email"
    codes = CODES

    def __init__(self, domain: str) -> None:
        self._domain = domain

    def request(self, call: Call) -> Request | Refused:
        """A form; what it tracks is off unless the domain says otherwise."""
        who = correspondents(call, most=LETTER_LIMIT)
        if isinstance(who, Refused):
            return who
        letter = [
            ("from", str(who.sender)),
            ("to", who.recipient.addr_spec),
            ("subject", call.content.subject or ""),
            ("text", call.content.text),
            ("v:attempt", str(call.attempt_id)),
            ("v:touch", str(call.touch_id)),
            ("h:Message-Id", f"<{own_id(call.attempt_id, self._domain)}>"),
        ]
        if call.content.html is not None:
            letter.append(("html", call.content.html))
        headers = extra_headers(call.content.headers)
        letter += [(f"h:{name}", value) for name, value in headers.items()]
        return Request(f"/v3/{self._domain}/messages", form(letter))

    def taken(self, reply: Reply, _call: Call) -> Answer:
        """`id` is the Message-ID."""
        ref = text(inside(fields(reply.body), "id"))
        return Accepted(ref) if ref else Unknown("accepted by an answer that cannot be read")

    def question(self, attempt: PastAttempt) -> Question:
        """Events by Message-ID (documentation.mailgun.com, "Query events")."""
        query = {"message-id": own_id(attempt.attempt_id, self._domain), "limit": "1"}
        return Question(f"/v3/{self._domain}/events", query)


def mailgun(
    settings: Mapping[str, Any], secrets: Mapping[str, str], *, clock: Clock = machine_clock
) -> HttpProvider:
    """An adapter from an account's settings (above)."""
    domain = read.text(settings, "domain")
    if not _DOMAIN.fullmatch(domain):
        raise ValueError("domain: the name of a domain is required")
    line = HttpLine(
        read.base_url(settings, "https://api.mailgun.net"),
        auth=basic("api", read.text(secrets, "api_key")),
    )
    dialect = Mailgun(domain)
    lookup = Lookup(
        question=dialect.question,
        shown=_shown,
        settling=settling_of("mailgun", settings),
        kept=KEPT["mailgun"],
    )
    return HttpProvider(dialect, line, lookup=lookup, clock=clock)


def own_id(attempt_id: object, domain: str) -> str:
    """The Message-ID of an attempt, without its brackets."""
    return f"{attempt_id}@{domain}"


def _shown(reply: Reply, _attempt: PastAttempt) -> Found | Absent | Undecided:
    rows = inside(fields(reply.body), "items")
    if not isinstance(rows, list):
        return Undecided("the record cannot be read now")
    if not rows:
        return Absent()
    ref = text(inside(rows, 0, "message", "headers", "message-id"))
    return Found(f"<{ref}>" if ref else None)
