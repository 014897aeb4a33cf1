"""Postmark's records (postmarkapp.com/developer/webhooks/webhooks-overview)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from followup_replies.bodies import object_of, text_of
from followup_replies.core.bounces import bounce_of
from followup_replies.letters import Event, key, unknown
from followup_replies.states import Report

_HARD: Mapping[str, bool | None] = MappingProxyType(
    {
        "HardBounce": True,
        "BadEmailAddress": True,
        "SoftBounce": False,
        "Transient": False,
        "DnsError": False,
        "Undeliverable": True,
        "OpenRelayTest": False,
        "VirusNotification": False,
        "SMTPApiError": False,
        "DMARCPolicy": False,
        "TemplateRenderingFailed": False,
    }
)
"""Types of bounces (postmarkapp.com/developer/api/bounce-api) that are about a letter's way,
and whether for good."""

_BLOCKED = frozenset({"Blocked", "SpamNotification", "ISPBlock"})
_AUTOMATIC = frozenset({"AutoResponder", "AddressChange", "ChallengeVerification"})
"""Answers of machines that came to the bounce address: the letter has arrived."""
_OPTED_OUT = frozenset({"Unsubscribe", "ManualSuppression"})
_COMPLAINED = frozenset({"SpamComplaint"})

_MOMENTS = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")


def report_of(record: Mapping[str, Any]) -> Report:
    """What a record tells."""
    name = text_of(record.get("RecordType"))
    if not name:
        return unknown(record)
    event = _event(record, name)
    reader = _READERS.get(name)
    return event.kept(name) if reader is None else reader(event)


def _event(record: Mapping[str, Any], name: str) -> Event:
    ref = text_of(record.get("MessageID"))
    address = text_of(record.get("Email")) or text_of(record.get("Recipient"))
    at = next((text_of(record[moment]) for moment in _MOMENTS if record.get(moment)), "")
    # Only bounces and complaints have an id of their own.
    own = text_of(record.get("ID"))
    return Event(
        ref=ref,
        address=address,
        key=key(name, own) if own else key(name, ref, address, at),
        payload=record,
        planted=object_of(record.get("Metadata")),
    )


def _bounced(event: Event) -> Report:
    kind = text_of(event.payload.get("Type"))
    if kind in _OPTED_OUT:
        return event.report("unsubscribed", code=kind, said="opted_out")
    if kind in _COMPLAINED:
        return _complained(event)
    if kind in _AUTOMATIC:
        return event.report("delivered", code=kind)
    details = text_of(event.payload.get("Details")), text_of(event.payload.get("Description"))
    if kind in _BLOCKED:
        return event.report("undelivered", code=bounce_of(*details, hard=False).code or kind)
    if kind not in _HARD:
        return event.kept(kind)
    return event.bounced(bounce_of(*details[:1], hard=_HARD[kind]))


def _complained(event: Event) -> Report:
    return event.report("complained", code="SpamComplaint", said="complained")


def _subscription(event: Event) -> Report:
    """Somebody left, or an address is usable again.

    That it is usable is not its owner's word: an operator may have said so, so it lifts
    nothing here.
    """
    if event.payload.get("SuppressSending") is False:
        return event.kept("resubscribed")
    why = text_of(event.payload.get("SuppressionReason"))
    if why == "HardBounce":
        return event.report("undelivered", code=why, permanent=True, said="dead")
    if why == "SpamComplaint":
        return _complained(event)
    return event.report("unsubscribed", code=why or "Unsubscribe", said="opted_out")


_READERS: Mapping[str, Callable[[Event], Report]] = MappingProxyType(
    {
        "Delivery": lambda event: event.report("delivered"),
        "Open": lambda event: event.report("opened"),
        "Click": lambda event: event.report("clicked"),
        "Bounce": _bounced,
        "SpamComplaint": _complained,
        "SubscriptionChange": _subscription,
    }
)
