"""SendGrid's events (www.twilio.com/docs/sendgrid/for-developers/tracking-events/event).

A webhook is an array of events of many letters, in any order. Custom arguments stand
beside the event's own fields; `attempt` is ours unless it is the vendor's count of
deferrals, which is a number.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from followup_replies.bodies import MOST_EVENTS, text_of
from followup_replies.core.bounces import bounce_of
from followup_replies.errors import Unfit
from followup_replies.letters import Event, key, unknown
from followup_replies.states import Report, Said

STATES: Mapping[str, str] = MappingProxyType(
    {
        "processed": "queued",
        "deferred": "deferred",
        "delivered": "delivered",
        "open": "opened",
        "click": "clicked",
    }
)

DROPPED: Mapping[str, Said] = MappingProxyType(
    {
        "unsubscribed address": "opted_out",
        "spam reporting address": "complained",
        "bounced address": "dead",
        "invalid": "dead",
    }
)
"""Why SendGrid would not even try: what it holds against the address."""


def reports_of(value: Any) -> list[Report]:
    """What an array of events tells; raises `Unfit` for what is none, or has too many."""
    if not isinstance(value, list) or len(value) > MOST_EVENTS:
        raise Unfit("")
    return [_report(item) for item in value]


def _report(item: Any) -> Report:
    if not isinstance(item, dict) or not text_of(item.get("event")):
        return unknown(item)
    name, event = text_of(item["event"]), _event(item)
    reader = _READERS.get(name)
    if reader is not None:
        return reader(event)
    state = STATES.get(name)
    return event.kept(name) if state is None else event.report(state)


def _event(item: Mapping[str, Any]) -> Event:
    # The id that the API answered with is the part before the first dot.
    ref = text_of(item.get("sg_message_id")).partition(".")[0]
    parts = [text_of(item.get(name)) for name in ("event", "email", "timestamp")]
    return Event(
        ref=ref,
        address=text_of(item.get("email")),
        key=text_of(item.get("sg_event_id")) or key(ref, *parts),
        payload=item,
        planted=item,
    )


def _bounced(event: Event) -> Report:
    """`blocked` is the receiving server's mood, `bounce` its judgement of the address."""
    status, reason = (text_of(event.payload.get(name)) for name in ("status", "reason"))
    blocked = text_of(event.payload.get("type")) == "blocked"
    return event.bounced(bounce_of(status, reason, hard=not blocked))


def _dropped(event: Event) -> Report:
    reason = text_of(event.payload.get("reason")) or text_of(event.payload.get("type"))
    said = DROPPED.get(reason.lower())
    return event.report("failed", code=reason or "dropped", permanent=said is not None, said=said)


_READERS: Mapping[str, Callable[[Event], Report]] = MappingProxyType(
    {
        "bounce": _bounced,
        "blocked": _bounced,
        "dropped": _dropped,
        "spamreport": lambda event: event.report("complained", said="complained"),
        "unsubscribe": lambda event: event.report("unsubscribed", said="opted_out"),
        "group_unsubscribe": lambda event: event.report("unsubscribed", said="opted_out"),
    }
)
