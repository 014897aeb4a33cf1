"""SES's events and notifications, which differ in little but the name of their type.

docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html and
…/notification-contents.html.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from followup_replies.bodies import object_of, objects_of, text_of
from followup_replies.core.bounces import bounce_of
from followup_replies.letters import Event, key, unknown
from followup_replies.states import Report

STATES: Mapping[str, str] = MappingProxyType(
    {
        "send": "queued",
        "delivery": "delivered",
        "deliverydelay": "deferred",
        "open": "opened",
        "click": "clicked",
    }
)


def type_of(message: Mapping[str, Any]) -> str:
    """The type of a message, in lower case and without blanks."""
    said = text_of(message.get("eventType")) or text_of(message.get("notificationType"))
    return said.lower().replace(" ", "")


def reports_of(message: Mapping[str, Any]) -> list[Report]:
    """What a message tells, for each recipient."""
    name = type_of(message)
    mail = object_of(message.get("mail"))
    if not name or not mail:
        return [unknown(message)]
    reader = _READERS.get(name, _state)
    return [
        reader(name, _event(name, message, mail, recipient), recipient)
        for recipient in _recipients(name, message, mail)
    ]


def _event(
    name: str, message: Mapping[str, Any], mail: Mapping[str, Any], recipient: Mapping[str, Any]
) -> Event:
    ref, address = text_of(mail.get("messageId")), text_of(recipient.get("emailAddress"))
    detail = object_of(message.get(_DETAILS.get(name, name)))
    # A topic may tell of one thing twice, under two ids of its own.
    once = text_of(detail.get("feedbackId")) or text_of(detail.get("timestamp"))
    return Event(
        ref=ref,
        address=address,
        key=key("ses", name, ref, once, address),
        payload=message,
        planted=_tags(mail),
    )


_DETAILS: Mapping[str, str] = MappingProxyType({"deliverydelay": "deliveryDelay"})
"""Where an event's details stand, if not under its own name."""


def _tags(mail: Mapping[str, Any]) -> dict[str, Any]:
    """Our tags; each has a list of values."""
    tags = object_of(mail.get("tags"))
    return {name: value[0] for name, value in tags.items() if isinstance(value, list) and value}


_AFFECTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bounce": ("bounce", "bouncedRecipients"),
        "complaint": ("complaint", "complainedRecipients"),
        "deliverydelay": ("deliveryDelay", "delayedRecipients"),
    }
)


def _recipients(
    name: str, message: Mapping[str, Any], mail: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Whom it is about; where it does not say, whom the letter went to."""
    part, field = _AFFECTED.get(name, ("", ""))
    found = objects_of(object_of(message.get(part)).get(field))
    if found:
        return found
    sent_to = mail.get("destination")
    addresses = sent_to if isinstance(sent_to, list) else []
    return [{"emailAddress": address} for address in addresses[:50]] or [{}]


def _state(name: str, event: Event, _recipient: Mapping[str, Any]) -> Report:
    state = STATES.get(name)
    return event.kept(name) if state is None else event.report(state)


def _bounced(_name: str, event: Event, recipient: Mapping[str, Any]) -> Report:
    kind = text_of(object_of(event.payload.get("bounce")).get("bounceType"))
    status, said = text_of(recipient.get("status")), text_of(recipient.get("diagnosticCode"))
    return event.bounced(bounce_of(status, said, hard=kind == "Permanent"))


def _complained(_name: str, event: Event, _recipient: Mapping[str, Any]) -> Report:
    kind = text_of(object_of(event.payload.get("complaint")).get("complaintFeedbackType"))
    if kind == "not-spam":  # somebody took it out of the spam folder
        return event.kept(kind)
    return event.report("complained", code=kind or "complaint", said="complained")


def _rejected(_name: str, event: Event, _recipient: Mapping[str, Any]) -> Report:
    return event.report("failed", code="rejected")


def _unrendered(_name: str, event: Event, _recipient: Mapping[str, Any]) -> Report:
    return event.report("failed", code="rendering_failure")


def _subscription(name: str, event: Event, _recipient: Mapping[str, Any]) -> Report:
    """Somebody left by the link that SES manages."""
    wishes = object_of(object_of(event.payload.get("subscription")).get("newTopicPreferences"))
    topics = objects_of(wishes.get("topicSubscriptionStatus"))
    left = {text_of(topic.get("subscriptionStatus")).lower() for topic in topics} == {"optout"}
    if wishes.get("unsubscribeAll") is True or left:
        return event.report("unsubscribed", said="opted_out")
    return event.kept(name)


_READERS: Mapping[str, Callable[[str, Event, Mapping[str, Any]], Report]] = MappingProxyType(
    {
        "bounce": _bounced,
        "complaint": _complained,
        "reject": _rejected,
        "renderingfailure": _unrendered,
        "subscription": _subscription,
    }
)
