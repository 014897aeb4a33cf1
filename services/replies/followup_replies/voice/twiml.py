"""What calls say: TwiML (twilio.com/docs/voice/twiml)."""

from xml.sax.saxutils import escape, quoteattr

from followup_contracts.call_script import CallScript
from followup_replies.states import Heard

HANG_UP = "<Response><Hangup/></Response>"

_PRESS_SECONDS = 4


def call(
    script: CallScript | None, heard: Heard, *, press: str, gather_url: str, language: str | None
) -> str:
    """What a call says to whoever picked up.

    A person hears the words and how to stop them, and may press a key at any moment
    (47 CFR 64.1200(b)(3)); a machine gets the voicemail once it listens.
    """
    if script is None:
        return HANG_UP
    match heard:
        case "person":
            action = quoteattr(gather_url)
            return (
                f'<Response><Gather input="dtmf" numDigits="1" timeout="{_PRESS_SECONDS}"'
                f' method="POST" action={action}>'
                f"{_say(script.say, language)}{_say(press, language)}"
                "</Gather><Hangup/></Response>"
            )
        case "voicemail" if script.voicemail is not None:
            return f"<Response>{_say(script.voicemail, language)}<Hangup/></Response>"
        case _:
            return HANG_UP


def goodbye(text: str, *, language: str | None) -> str:
    """A last word."""
    return f"<Response>{_say(text, language)}<Hangup/></Response>"


def _say(text: str, language: str | None) -> str:
    said = "<Say>" if language is None else f"<Say language={quoteattr(language)}>"
    return f"{said}{plain(text)}</Say>"


def plain(text: str) -> str:
    """A text as XML can hold it."""
    # XML 1.0 (2.2) holds neither most control characters nor halves of surrogate pairs.
    return escape("".join(letter if letter.isprintable() else " " for letter in text))
