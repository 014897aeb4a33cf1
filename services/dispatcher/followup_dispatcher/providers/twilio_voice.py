"""Calls through Twilio's Calls API: a script for people, another for machines.

With a callback URL the words travel in the answer URL (see `CallScript`), and whoever
answers it tells a person from a machine by `AnsweredBy`; without one they go along as
TwiML, the same for both. Twilio echoes no reference, so a lost answer is looked up by
numbers and time.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from followup_contracts.call_script import CallScript
from followup_contracts.payload import Channel
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.http_answers import accepted, fields, not_accepted
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
from followup_dispatcher.providers.twilio_answers import CODES

LONGEST = 4000
"""Characters of inline TwiML (Call resource, `Twiml`); and of a URL, by the only figure
that Twilio publishes (twilio.com/docs/api/errors/21609)."""

RING = 30
"""Seconds (Call resource, `Timeout`; Twilio may ring 5 s longer). At least 15 s or four
rings before a call counts as unanswered: 47 CFR 64.1200(a)(6); at most so long that call
and ringing stay within the minute for which quiet hours were checked."""

EVENTS = ("initiated", "ringing", "answered", "completed")


class TwilioVoice:
    """An account that calls. A sender is a number."""

    name = "twilio"
    channel: Channel = "voice"

    def __init__(
        self,
        account: TwilioAccount,
        *,
        ring: int = RING,
        language: str | None = None,
        clock: Clock = machine_clock,
    ) -> None:
        self._account = account
        self._ring = ring
        self._language = language
        self._clock = clock
        self.settling: timedelta | None = account.settling

    async def warm(self) -> None:
        """Open a connection outside any lease."""
        await self._account.line.warm()

    async def send(self, call: Call) -> Answer:
        """One POST, never repeated."""
        name, script = self._script(call)
        if len(script) > LONGEST:
            return Refused("too-long", f"{name} of more than {LONGEST} characters")
        form = [("To", call.to), ("From", call.sender), (name, script), *self._manner(call)]
        reply = await self._account.line.post(
            f"{self._account.path}/Calls.json", form_body(form), time_left=call.time_left
        )
        return _answer(reply) if isinstance(reply, Reply) else reply

    async def find(self, attempt: PastAttempt) -> Finding:
        """Look for a call between the two numbers at that time."""
        return await self._account.find(
            attempt,
            listing="calls",
            query={"To": attempt.to, "From": attempt.sender},
            mine=lambda row: str(row.get("direction", "")) == "outbound-api",
            now=self._clock(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._account.line.close()

    def _script(self, call: Call) -> tuple[str, str]:
        if call.callback_url is None:
            return "Twiml", _twiml(call.content.text, self._language)
        script = CallScript(call.content.text, call.content.voicemail)
        return "Url", answer_url(call.callback_url, script)

    def _manner(self, call: Call) -> list[tuple[str, str]]:
        form = [("Timeout", str(self._ring))]
        if call.content.voicemail is not None:
            form.append(("MachineDetection", "DetectMessageEnd"))
        if call.callback_url is not None:
            form += [("Method", "POST"), ("StatusCallback", call.callback_url + RETRY_HINTS)]
            form += [("StatusCallbackMethod", "POST")]
            form += [("StatusCallbackEvent", event) for event in EVENTS]
        return form


def twilio_voice(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> TwilioVoice:
    """An adapter from an account's settings (see `twilio_account`).

    `ring_seconds` (15 to 55, default 30); `voice_language` of inline TwiML (such as
    "de-DE"; default the vendor's).
    """
    ring = read.number(settings, "ring_seconds", default=RING, least=15, most=55)
    return TwilioVoice(
        TwilioAccount.open(settings, secrets),
        ring=int(ring),
        language=read.optional(settings, "voice_language"),
    )


def answer_url(callback_url: str, script: CallScript) -> str:
    """Where Twilio asks what to say: beside the callback's address, under `/voice/`."""
    parts = urlsplit(callback_url)
    before, _, behind = parts.path.rpartition("/hooks/")
    path = f"{before}/voice/{behind.rpartition('/')[0]}/answer"
    query = "&".join(part for part in (parts.query, urlencode({"script": script.packed()})) if part)
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def _twiml(text: str, language: str | None) -> str:
    """TwiML that says a text. XML cannot hold most control characters (XML 1.0, 2.2)."""
    spoken = "".join(letter if letter.isprintable() else " " for letter in text)
    said = "<Say>" if language is None else f'<Say language="{escape(language, _QUOTE)}">'
    return f"<Response>{said}{escape(spoken)}</Say></Response>"


_QUOTE = {'"': "&quot;"}


def _answer(reply: Reply) -> Answer:
    if not accepted(reply.status):
        return not_accepted(reply, CODES)
    call: Row | None = fields(reply.body)
    sid = None if call is None else call.get("sid")
    if not isinstance(sid, str) or not sid:
        return Unknown("accepted by an answer that cannot be read")
    return Accepted(sid)
