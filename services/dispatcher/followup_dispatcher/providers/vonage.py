"""Text messages through Vonage's SMS API.

Vonage returns our reference (`client-ref`) in its answer, in delivery reports and in the
Reports API, so a lost answer is looked up by the attempt's own id.

Settings: `base_url` (default https://rest.nexmo.com), `reports_url` (default
https://api.nexmo.com), `settling_seconds`. Secrets: `api_key`, `api_secret`.
"""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

from followup_contracts.channels import Channel
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.http_answers import Meaning, Verdict, fields, inside, said, text
from followup_dispatcher.providers.http_auth import UNPROVEN, basic
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
from followup_dispatcher.providers.vonage_answers import CODES, MEANINGS
from followup_policy.segments import is_gsm, segments_of

TEXT_LIMIT = 3200
"""Characters (developer.vonage.com/en/messaging/sms/guides/concatenation-and-encoding)."""

TTL_LEAST, TTL_MOST = 20_000, 604_800_000
"""Milliseconds (developer.vonage.com/en/api/sms, `ttl`)."""

_SENT = "0"
_AROUND = timedelta(hours=1)


class VonageSms(Dialect):
    """An account that sends texts; a sender is a number or a registered name."""

    name = "vonage"
    channel: Channel = "sms"
    codes = CODES

    def __init__(self, key: str, secret: str) -> None:
        self._proof = [("api_key", key), ("api_secret", secret)]

    def request(self, call: Call) -> Request | Refused:
        """A form; numbers go without their plus."""
        words = call.content.text
        if len(words) > TEXT_LIMIT:
            return Refused("too-long", f"more than {TEXT_LIMIT} characters")
        given = [
            ("from", call.sender.removeprefix("+")),
            ("to", call.to.removeprefix("+")),
            ("text", words),
            ("type", "text" if is_gsm(words) else "unicode"),
            ("client-ref", str(call.attempt_id)),
        ]
        if call.callback_url is not None:
            given += [("status-report-req", "1"), ("callback", call.callback_url)]
        if call.valid_for is not None:
            wanted = int(call.valid_for.total_seconds() * 1000)
            given.append(("ttl", str(min(max(wanted, TTL_LEAST), TTL_MOST))))
        return Request("/sms/json", form([*self._proof, *given]))

    def taken(self, reply: Reply, call: Call) -> Answer:
        """The parts' statuses: one that was sent makes the text sent."""
        parts = inside(fields(reply.body), "messages")
        if not isinstance(parts, list) or not parts:
            return Unknown("accepted by an answer that cannot be read")
        sent = [part for part in parts if inside(part, "status") == _SENT]
        if sent:
            return Accepted(text(inside(sent[0], "message-id")), segments_of(call.content.text))
        code = text(inside(parts[0], "status"))
        if code is None:
            return Unknown("accepted by an answer that cannot be read")
        return said(code, MEANINGS.get(code, Meaning(Verdict.UNKNOWN, "no known status")))


def vonage_sms(
    settings: Mapping[str, Any], secrets: Mapping[str, str], *, clock: Clock = machine_clock
) -> HttpProvider:
    """An adapter from an account's settings (above)."""
    key, secret = read.text(secrets, "api_key"), read.text(secrets, "api_secret")
    reports = read.base_url(settings, "https://api.nexmo.com", name="reports_url")
    lookup = Lookup(
        question=lambda attempt: _question(key, attempt),
        shown=_shown,
        settling=settling_of("vonage", settings),
        kept=KEPT["vonage"],
        line=HttpLine(reports, auth=basic(key, secret)),
    )
    line = HttpLine(read.base_url(settings, "https://rest.nexmo.com"), auth=UNPROVEN)
    return HttpProvider(VonageSms(key, secret), line, lookup=lookup, clock=clock)


def _question(key: str, attempt: PastAttempt) -> Question:
    """Reports API: developer.vonage.com/en/api/reports, `GET /v2/reports/records`."""
    started = attempt.started_at.astimezone(UTC)
    return Question(
        "/v2/reports/records",
        {
            "account_id": key,
            "product": "SMS",
            "direction": "outbound",
            "client_ref": str(attempt.attempt_id),
            "date_start": f"{started - _AROUND:%Y-%m-%dT%H:%M:%SZ}",
            "date_end": f"{started + _AROUND:%Y-%m-%dT%H:%M:%SZ}",
        },
    )


def _shown(reply: Reply, attempt: PastAttempt) -> Found | Absent | Undecided:
    records = inside(fields(reply.body), "records")
    if not isinstance(records, list):
        return Undecided("the record cannot be read now")
    for record in records:
        if inside(record, "client_ref") == str(attempt.attempt_id):
            return Found(text(inside(record, "message_id")))
    return Undecided("records of other texts came") if records else Absent()
