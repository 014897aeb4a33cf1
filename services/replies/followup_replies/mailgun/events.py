"""Mailgun's events (documentation.mailgun.com/docs/mailgun/user-manual/events/events)."""

from collections.abc import Callable, Mapping
from email.utils import parseaddr
from types import MappingProxyType
from typing import Any

from followup_replies.bodies import object_of, text_of
from followup_replies.core.bounces import bounce_of
from followup_replies.letters import Event, key, unknown
from followup_replies.states import Report, Said

STATES: Mapping[str, str] = MappingProxyType(
    {"accepted": "queued", "delivered": "delivered", "opened": "opened", "clicked": "clicked"}
)

SUPPRESSED: Mapping[str, Said] = MappingProxyType(
    {
        "suppress-bounce": "dead",
        "suppress-unsubscribe": "opted_out",
        "suppress-complaint": "complained",
    }
)
"""Reasons for which Mailgun did not even try: what its own lists hold."""


def report_of(body: Mapping[str, Any]) -> Report:
    """What a webhook tells."""
    data = object_of(body.get("event-data"))
    name = text_of(data.get("event"))
    if not name:
        return unknown(body)
    event = _event(data, name)
    reader = _READERS.get(name)
    if reader is not None:
        return reader(event)
    state = STATES.get(name)
    return event.kept(name) if state is None else event.report(state)


def _event(data: Mapping[str, Any], name: str) -> Event:
    headers = object_of(object_of(data.get("message")).get("headers"))
    address = text_of(data.get("recipient")) or parseaddr(text_of(headers.get("to")))[1]
    ref = text_of(headers.get("message-id")).strip("<>")
    # The id is the only one of its day; with its moment it is the only one.
    parts = [text_of(data.get(part)) for part in ("id", "timestamp")]
    return Event(
        ref=f"<{ref}>" if ref else "",
        address=address,
        key=key(name, *parts, *([] if parts[0] else [ref, address])),
        payload=data,
        planted=object_of(data.get("user-variables")),
    )


def _failed(event: Event) -> Report:
    """Temporary: Mailgun goes on trying. Permanent: it has given up, for whatever reason."""
    if text_of(event.payload.get("severity")) == "temporary":
        return event.report("deferred")
    reason = text_of(event.payload.get("reason"))
    said = SUPPRESSED.get(reason)
    if said is not None:
        return event.report("failed", code=reason, permanent=True, said=said)
    status = object_of(event.payload.get("delivery-status"))
    enhanced, code, message, description = (
        text_of(status.get(name)) for name in ("enhanced-code", "code", "message", "description")
    )
    # Mailgun gives up after hours of deferrals too: then nobody said "for good".
    hard = False if reason == "old" else code.startswith("5") or reason == "bounce"
    return event.bounced(bounce_of(enhanced, message or description, code, hard=hard))


def _rejected(event: Event) -> Report:
    reason = text_of(object_of(event.payload.get("reject")).get("reason"))
    return event.report("failed", code=reason or "rejected")


_READERS: Mapping[str, Callable[[Event], Report]] = MappingProxyType(
    {
        "failed": _failed,
        "rejected": _rejected,
        "complained": lambda event: event.report("complained", said="complained"),
        "unsubscribed": lambda event: event.report("unsubscribed", said="opted_out"),
    }
)
