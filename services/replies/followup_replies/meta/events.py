"""Meta's webhooks: entries of changes (WhatsApp) or of messaging (Instagram, Messenger).

developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples and
…/docs/messenger-platform/webhooks. One webhook may hold many of each.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from followup_contracts.payload import Channel
from followup_replies.addresses import LONGEST
from followup_replies.bodies import MOST_EVENTS, object_of, objects_of, text_of
from followup_replies.errors import Unfit
from followup_replies.inbound import Inbound
from followup_replies.letters import Event, key, unknown
from followup_replies.states import Report, Said

Arrival = Inbound | Report

STATES: Mapping[str, str] = MappingProxyType(
    {
        "accepted": "queued",
        "held_for_quality_assessment": "queued",
        "sent": "sent",
        "delivered": "delivered",
        "read": "read",
        "played": "read",
        "failed": "failed",
    }
)

ERRORS: Mapping[str, Said] = MappingProxyType(
    {
        "131026": "unreachable",  # not on WhatsApp, or cannot take this message
        "131050": "opted_out",  # the user has stopped marketing messages from this business
    }
)
"""Codes that say something of the recipient
(developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes)."""

_STOPPED = frozenset({"stop"})


def arrivals_of(body: Mapping[str, Any], *, channel: Channel) -> list[Arrival]:
    """What a webhook brings; raises `Unfit` when it is too much."""
    found = [
        arrival for entry in objects_of(body.get("entry")) for arrival in _entry(entry, channel)
    ]
    if len(found) > MOST_EVENTS:
        raise Unfit("/entry")
    return found or [unknown(body, text_of(body.get("object")) or "unknown")]


def _entry(entry: Mapping[str, Any], channel: Channel) -> Iterator[Arrival]:
    for change in objects_of(entry.get("changes")):
        value = object_of(change.get("value"))
        known = list(_change(value, channel))
        yield from known or [unknown(change, text_of(change.get("field")))]
    for event in objects_of(entry.get("messaging")):
        yield _messaging(event, channel)


def _change(value: Mapping[str, Any], channel: Channel) -> Iterator[Arrival]:
    ours = text_of(object_of(value.get("metadata")).get("display_phone_number"))
    for message in objects_of(value.get("messages")):
        yield _message(message, ours, channel)
    for status in objects_of(value.get("statuses")):
        yield _status(status)
    for wish in objects_of(value.get("user_preferences")):
        yield _preference(wish)


def _message(message: Mapping[str, Any], ours: str, channel: Channel) -> Arrival:
    sender, name = text_of(message.get("from"), longest=LONGEST), text_of(message.get("id"))
    if not sender or not name:
        return unknown(message)
    return Inbound(
        channel=channel,
        vendor_id=name[:128],
        sender=_number(sender),
        recipient=_number(ours),
        body=_words(message),
        payload=message,
    )


def _words(message: Mapping[str, Any]) -> str:
    """What a message says: its text, the button that was tapped, or the caption of a picture."""
    kind = text_of(message.get("type"))
    part = object_of(message.get(kind))
    reply = object_of(part.get(text_of(part.get("type"))))
    told = [
        object_of(message.get("text")).get("body"),
        part.get("text"),
        reply.get("title"),
        part.get("caption"),
        part.get("emoji"),
    ]
    return next((text for text in (text_of(t, longest=32_000) for t in told) if text), "")


def _status(status: Mapping[str, Any]) -> Report:
    name, state = text_of(status.get("id")), text_of(status.get("status"))
    event = Event(
        ref=name,
        address=_number(text_of(status.get("recipient_id"), longest=LONGEST)),
        key=key(name, state),
        payload=status,
        planted=_planted(text_of(status.get("biz_opaque_callback_data"))),
    )
    codes = [text_of(error.get("code")) for error in objects_of(status.get("errors"))]
    said = next((ERRORS[code] for code in codes if code in ERRORS), None)
    return event.report(
        STATES.get(state, state or "unknown"),
        code=codes[0] if codes else None,
        permanent=said == "unreachable",
        said=said,
    )


def _preference(wish: Mapping[str, Any]) -> Report:
    """Somebody has stopped, or taken back, marketing messages in WhatsApp itself."""
    address = _number(text_of(wish.get("wa_id"), longest=LONGEST))
    value = text_of(wish.get("value")).lower()
    event = Event(
        ref="",
        address=address,
        key=key("preference", address, value, text_of(wish.get("timestamp"))),
        payload=wish,
        planted={},
    )
    stopped = value in _STOPPED
    return event.report(
        "unsubscribed" if stopped else value or "unknown",
        kind="other",
        said="opted_out" if stopped else None,
    )


def _messaging(event: Mapping[str, Any], channel: Channel) -> Arrival:
    message = object_of(event.get("message"))
    postback = object_of(event.get("postback"))
    name = text_of(message.get("mid")) or text_of(postback.get("mid"))
    sender = text_of(object_of(event.get("sender")).get("id"), longest=LONGEST)
    # An echo is what we wrote ourselves.
    if not name or not sender or message.get("is_echo") is True:
        return _seen(event)
    words = text_of(message.get("text"), longest=32_000) or text_of(postback.get("title"))
    return Inbound(
        channel=channel,
        vendor_id=name[:128],
        sender=sender,
        recipient=text_of(object_of(event.get("recipient")).get("id"), longest=LONGEST),
        body=words,
        payload=event,
    )


def _seen(event: Mapping[str, Any]) -> Report:
    """A receipt of reading names its message; anything else means nothing to us."""
    name = text_of(object_of(event.get("read")).get("mid"))
    if not name:
        return unknown(event)
    return Event(ref=name, address="", key=key(name, "read"), payload=event, planted={}).report(
        "read"
    )


def _planted(echoed: str) -> Mapping[str, Any]:
    """What we gave along: the attempt's id, or all ids as an object."""
    try:
        value = orjson.loads(echoed)
    except orjson.JSONDecodeError:
        return {"attempt": echoed}
    return object_of(value)


def _number(text: str) -> str:
    digits = text.removeprefix("+").replace(" ", "").replace("-", "")
    return f"+{digits}" if digits.isascii() and digits.isdigit() else text
