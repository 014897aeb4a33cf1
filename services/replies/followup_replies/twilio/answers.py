"""What we say back to a text: TwiML (twilio.com/docs/messaging/twiml)."""

from followup_replies.voice.twiml import plain

NOTHING = "<Response/>"


def message(text: str | None) -> str:
    """A text in answer to a text; None: nothing."""
    if text is None:
        return NOTHING
    return f"<Response><Message>{plain(text)}</Message></Response>"
