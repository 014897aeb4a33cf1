"""What calls say: TwiML (twilio.com/docs/voice/twiml)."""

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

NOTHING = "<Response/>"
HANG_UP = "<Response><Hangup/></Response>"

PRESS_SECONDS = 4
RING_SECONDS = 25
"""How long somebody of ours is rung before the person is told that nobody is free."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Speaks in one language; None: the vendor's default."""

    language: str | None = None

    def say(self, text: str) -> str:
        """A sentence."""
        said = "<Say>" if self.language is None else f"<Say language={quoteattr(self.language)}>"
        return f"{said}{plain(text)}</Say>"

    def ask(self, action: str, *texts: str, otherwise: str = "<Hangup/>") -> str:
        """Say these and listen for a key, at any moment of it; without one, `otherwise`."""
        return (
            f'<Response><Gather input="dtmf" numDigits="1" timeout="{PRESS_SECONDS}"'
            f' method="POST" action={quoteattr(action)}>'
            f"{''.join(map(self.say, texts))}</Gather>{otherwise}</Response>"
        )

    def last(self, text: str) -> str:
        """A last word."""
        return f"<Response>{self.say(text)}<Hangup/></Response>"


@dataclass(frozen=True, slots=True)
class Connection:
    """A call to somebody of ours, to be joined with the one under way.

    `whisper` is asked on their end before the two are joined, `done` when it is over.
    """

    number: str
    caller: str
    whisper: str
    done: str
    record: bool

    def dial(self) -> str:
        """The verb."""
        record = ' record="record-from-answer-dual"' if self.record else ""
        return (
            f'<Dial answerOnBridge="true" timeout="{RING_SECONDS}" method="POST"'
            f" callerId={quoteattr(self.caller)} action={quoteattr(self.done)}{record}>"
            f'<Number method="POST" url={quoteattr(self.whisper)}>{escape(self.number)}</Number>'
            "</Dial>"
        )


def respond(*verbs: str) -> str:
    """A document of these verbs."""
    return f"<Response>{''.join(verbs)}</Response>"


def plain(text: str) -> str:
    """A text as XML can hold it."""
    # XML 1.0 (2.2) holds neither most control characters nor halves of surrogate pairs.
    return escape("".join(letter if letter.isprintable() else " " for letter in text))
