"""What a call says next, and what follows from a key.

A person hears the words and how to stop them, and may press a key at any moment (47 CFR
64.1200(b)(3)); a machine gets the voicemail once it listens. 9 stops calls and texts, and
is answered behind the fence. 1 connects to a person of ours, who hears first who it is and
takes the call by a key, so that no mailbox of theirs does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from followup_contracts.call_script import CallScript
from followup_database import Database
from followup_replies.desk import FrontDesk
from followup_replies.planted import carried, ids_of
from followup_replies.states import Heard
from followup_replies.twilio.forms import (
    heard_of,
    key_of,
    noted_of,
    ours_of,
    person_of,
    report_of,
    spoken_of,
)
from followup_replies.vendor import Hook
from followup_replies.voice import twiml
from followup_replies.voice.party import Party, party
from followup_replies.voice.phrases import Phrases, phrases_of
from followup_replies.voice.twiml import Connection, Voice
from followup_replies.words import Words, said, words_of

TALK, STOP = "1", "9"


@dataclass(frozen=True, slots=True)
class Call:
    """A genuine request about a call. `base` is the address of its parts."""

    hook: Hook
    form: Mapping[str, str]
    base: str

    @property
    def voice(self) -> Voice:
        """In the account's language."""
        return Voice(self.hook.setting("voice_language"))

    @property
    def phrases(self) -> Phrases:
        """The sentences of that language."""
        return phrases_of(self.hook.setting("voice_language"))

    @property
    def words(self) -> Words:
        """The words of that language which texts have too."""
        return words_of(self.hook.setting("voice_language"))

    @property
    def connect_to(self) -> str | None:
        """The number of ours that 1 connects to."""
        return self.hook.setting("connect_to")

    @property
    def records(self) -> bool:
        """Whether the account records connected calls at all."""
        return self.hook.account.settings.get("record_calls") is True

    def url(self, part: str) -> str:
        """The address of another part of this call, with the ids that this one was given."""
        ids = carried(self.hook.query)
        return f"{self.base}/{part}" + (f"?{urlencode(ids)}" if ids else "")


class Calls:
    """The parts of a call, by name."""

    def __init__(self, database: Database, desk: FrontDesk) -> None:
        self._database = database
        self._desk = desk

    async def answer(self, call: Call) -> str:
        """Somebody or something has picked up: say what is to be said."""
        script = CallScript.unpacked(call.hook.query.get("script", ""))
        heard = _hearing(script, heard_of(call.form.get("AnsweredBy")))
        if script is None:
            return twiml.HANG_UP
        if call.form.get("CallSid") and call.form.get("CallStatus"):
            report = report_of(call.form, ids_of(call.hook.query))
            await self._desk.heard(call.hook.account, report, heard)
        match heard:
            case "person":
                return call.voice.ask(call.url("gather"), script.say, *_offers(call))
            case "voicemail" if script.voicemail is not None:
                return call.voice.last(script.voicemail)
            case _:
                return twiml.HANG_UP

    async def incoming(self, call: Call) -> str:
        """Somebody calls one of our numbers: a person answers, and 9 stops us here too."""
        called = spoken_of(call.form, name="called", body="", meaning="other")
        await self._desk.take(call.hook.account, [called])
        who = await self._party(call)
        welcome = said(call.phrases.welcome, business=who.business) if who.business else ""
        offers = [text for text in (welcome, *_offers(call)) if text]
        return call.voice.ask(call.url("gather"), *offers)

    async def gather(self, call: Call) -> str:
        """Somebody pressed a key."""
        match key_of(call.form):
            case "9":
                stop = spoken_of(call.form, name="pressed", body=STOP, stop=True)
                await self._desk.take(call.hook.account, [stop])
                return call.voice.last(call.words.not_again)
            case "1" if call.connect_to is not None:
                wish = spoken_of(call.form, name="talk", body=TALK, meaning="interested")
                await self._desk.take(call.hook.account, [wish])
                return await self._connected(call)
            case _:
                return twiml.HANG_UP

    async def consent(self, call: Call) -> str:
        """Somebody was asked whether the call may be recorded; silence is no agreement."""
        agreed = key_of(call.form) == TALK
        await self._note(call, "recording_agreed" if agreed else "recording_declined")
        return self._dial(call, record=agreed)

    async def whisper(self, call: Call) -> str:
        """One of ours has picked up: say who it is, and let them take it or not."""
        who = await self._party(call)
        text = call.phrases.whisper.replace("{who}", who.name or call.phrases.somebody)
        return call.voice.ask(call.url("accept"), text.replace("{name}", who.business))

    async def accept(self, _call: Call) -> str:
        """One of ours takes the call: an empty answer joins the two."""
        return twiml.NOTHING

    async def dialed(self, call: Call) -> str:
        """The connected call is over, or nobody took it."""
        status = call.form.get("DialCallStatus", "")
        await self._note(call, f"connected_{status or 'unknown'}"[:64])
        if status in {"completed", "answered"}:
            return twiml.HANG_UP
        return call.voice.last(call.phrases.nobody)

    async def _connected(self, call: Call) -> str:
        if not call.records:
            return self._dial(call, record=False)
        if (await self._party(call)).ask_to_record:
            # Whoever says nothing goes on, unrecorded.
            onward = f'<Redirect method="POST">{twiml.plain(call.url("consent"))}</Redirect>'
            return call.voice.ask(call.url("consent"), call.phrases.record, otherwise=onward)
        return self._dial(call, record=True)

    def _dial(self, call: Call, *, record: bool) -> str:
        if call.connect_to is None:
            return call.voice.last(call.phrases.nobody)
        connection = Connection(
            number=call.connect_to,
            caller=ours_of(call.form),
            whisper=call.url("whisper"),
            done=call.url("dialed"),
            record=record,
        )
        return twiml.respond(call.voice.say(call.phrases.moment), connection.dial())

    async def _note(self, call: Call, what: str) -> None:
        note = noted_of(call.form, ids_of(call.hook.query), what=what)
        await self._desk.take(call.hook.account, [note])

    async def _party(self, call: Call) -> Party:
        ids = ids_of(call.hook.query)
        return await party(
            self._database,
            call.hook.account,
            number=person_of(call.form),
            person_id=None if ids is None else ids.person_id,
        )


def _offers(call: Call) -> tuple[str, ...]:
    """What the keys do."""
    stop = call.words.press
    return (stop,) if call.connect_to is None else (call.phrases.talk, stop)


def _hearing(script: CallScript | None, heard: Heard) -> Heard:
    """A machine that gets no voicemail is just a machine."""
    if heard == "voicemail" and (script is None or script.voicemail is None):
        return "machine"
    return heard
