"""Text messages through Twilio's Messages API.

Twilio echoes no reference of ours, so an attempt whose answer was lost is looked up by
numbers, time and text; its callback carries touch and attempt in the URL's query.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from followup_contracts.payload import Channel
from followup_dispatcher.providers.http_answers import accepted, fields, not_accepted, text
from followup_dispatcher.providers.http_body import form as form_body
from followup_dispatcher.providers.http_line import Reply
from followup_dispatcher.providers.machine_clock import Clock, machine_clock
from followup_dispatcher.providers.port import (
    Accepted,
    Answer,
    Call,
    Finding,
    PastAttempt,
    Refused,
    Unknown,
)
from followup_dispatcher.providers.twilio_account import (
    RETRY_HINTS,
    Row,
    TwilioAccount,
)
from followup_dispatcher.providers.twilio_answers import CODES, by_code
from followup_policy.segments import segments_of

BODY_LIMIT = 1600
"""Characters (twilio.com/docs/api/errors/21617)."""

VALIDITY_MOST = 36_000
"""Seconds (Message resource, `ValidityPeriod`); one is the least."""

_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


class TwilioSms:
    """An account that sends texts. A sender is a number, or the SID of a service."""

    name = "twilio"
    channel: Channel = "sms"

    def __init__(self, account: TwilioAccount, *, clock: Clock = machine_clock) -> None:
        self._account = account
        self._clock = clock
        self.settling: timedelta | None = account.settling

    async def warm(self) -> None:
        """Open a connection outside any lease."""
        await self._account.line.warm()

    async def send(self, call: Call) -> Answer:
        """One POST, never repeated."""
        if len(call.content.text) > BODY_LIMIT:
            return Refused("too-long", f"more than {BODY_LIMIT} characters")
        reply = await self._account.line.post(
            f"{self._account.path}/Messages.json",
            form_body(_form(call)),
            time_left=call.time_left,
        )
        return _answer(reply, call) if isinstance(reply, Reply) else reply

    async def find(self, attempt: PastAttempt) -> Finding:
        """Look for the text among what went to the recipient at that time."""
        query = {"To": attempt.to}
        if not _SERVICE.fullmatch(attempt.sender):  # a service picks its number itself
            query["From"] = attempt.sender
        return await self._account.find(
            attempt,
            listing="messages",
            query=query,
            mine=lambda row: _is_attempt(row, attempt),
            now=self._clock(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._account.line.close()


def twilio_sms(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> TwilioSms:
    """An adapter from an account's settings (see `twilio_account`)."""
    return TwilioSms(TwilioAccount.open(settings, secrets))


def _form(call: Call) -> list[tuple[str, str]]:
    service = _SERVICE.fullmatch(call.sender)
    form = [
        ("To", call.to),
        ("MessagingServiceSid" if service else "From", call.sender),
        ("Body", call.content.text),
    ]
    if call.callback_url is not None:
        form.append(("StatusCallback", call.callback_url + RETRY_HINTS))
    if call.valid_for is not None:
        seconds = int(call.valid_for.total_seconds())
        form.append(("ValidityPeriod", str(min(max(seconds, 1), VALIDITY_MOST))))
    return form


def _answer(reply: Reply, call: Call) -> Answer:
    if not accepted(reply.status):
        return not_accepted(reply, CODES)
    message = fields(reply.body)
    sid = None if message is None else message.get("sid")
    if message is None or not isinstance(sid, str) or not sid:
        return Unknown("accepted by an answer that cannot be read")
    code = text(message.get("error_code"))
    if message.get("status") == "failed" and code is not None:
        return by_code(code)
    return Accepted(sid, _segments(message) or segments_of(call.content.text))


def _segments(message: Row) -> int:
    """The vendor's count: text in its JSON, and 0 while a service has not decided."""
    value = str(message.get("num_segments"))
    return int(value[:3]) if value.isascii() and value.isdigit() else 0


def _is_attempt(row: Row, attempt: PastAttempt) -> bool | None:
    """Whether a row is the attempt's, as far as its text tells.

    Another text leaves it open, for the vendor may rewrite one: quotes, links, blanks.
    """
    if not str(row.get("direction", "")).startswith("outbound"):
        return False
    if _folded(row.get("body")) == _folded(attempt.text):
        return True
    return None


def _folded(body: object) -> str:
    return " ".join(str(body).split())
