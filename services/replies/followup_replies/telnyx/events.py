"""Telnyx's events about texts (developers.telnyx.com/docs/messaging/messages/receiving-webhooks).

A call's events carry other types; they are kept and mean nothing until calls go out here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from followup_contracts.payload import Channel
from followup_replies.addresses import LONGEST
from followup_replies.bodies import object_of, objects_of, text_of
from followup_replies.errors import Unfit
from followup_replies.inbound import Inbound
from followup_replies.letters import Event, key, unknown
from followup_replies.states import Report, Said

STATES: Mapping[str, str] = MappingProxyType(
    {
        "queued": "queued",
        "sending": "queued",
        "sent": "sent",
        "delivered": "delivered",
        "delivery_unconfirmed": "sent",
        "dlr_timeout": "sent",
        "sending_failed": "failed",
        "delivery_failed": "undelivered",
        "gw_timeout": "undelivered",
        "expired": "undelivered",
        "read": "read",
    }
)

ERRORS: Mapping[str, Said] = MappingProxyType(
    {
        "40001": "unreachable",  # not routable: a landline, or no such route
        "40012": "dead",  # invalid destination number
        "40300": "opted_out",  # blocked due to a STOP
        "40310": "dead",  # invalid `to`
    }
)
"""Codes that say something of the number (developers.telnyx.com/docs/messaging/messages/
error-codes). All others may pass, or are the sender's."""

_STATUS_EVENTS = frozenset({"message.sent", "message.finalized", "message.read"})

_OPT_OUT: Mapping[str, Literal["STOP", "START", "HELP"]] = MappingProxyType(
    {
        "STOP": "STOP",
        "OPT_OUT": "STOP",
        "START": "START",
        "OPT_IN": "START",
        "HELP": "HELP",
    }
)
"""What Telnyx took a text for and has answered itself (`autoresponse_type`)."""


def arrival_of(
    body: Mapping[str, Any], query: Mapping[str, str], *, channel: Channel
) -> Inbound | Report:
    """What a webhook brings; raises `Unfit` for a text without a sender."""
    data = object_of(body.get("data"))
    name, payload = text_of(data.get("event_type")), object_of(data.get("payload"))
    if name == "message.received":
        return _inbound(payload, channel)
    if not text_of(data.get("id")):
        return unknown(body)
    event = _event(data, payload, query)
    if name in _STATUS_EVENTS:
        return _status(event, payload)
    return event.kept(name)


def _inbound(payload: Mapping[str, Any], channel: Channel) -> Inbound:
    sender = text_of(object_of(payload.get("from")).get("phone_number"), longest=LONGEST)
    name = text_of(payload.get("id"), longest=128)
    if not sender or not name:
        raise Unfit("/data/payload/from/phone_number" if name else "/data/payload/id")
    recipients = objects_of(payload.get("to"))
    recipient = recipients[0] if recipients else {}
    return Inbound(
        channel=channel,
        vendor_id=name,
        sender=sender,
        recipient=text_of(recipient.get("phone_number"), longest=LONGEST),
        body=text_of(payload.get("text"), longest=32_000),
        vendor_opt_out=_OPT_OUT.get(text_of(payload.get("autoresponse_type")).upper()),
        payload=payload,
    )


def _event(data: Mapping[str, Any], payload: Mapping[str, Any], query: Mapping[str, str]) -> Event:
    recipients = objects_of(payload.get("to"))
    return Event(
        ref=text_of(payload.get("id")),
        address=text_of(recipients[0].get("phone_number")) if recipients else "",
        key=key("telnyx", text_of(data.get("id"))),
        payload=data,
        planted=query if query.get("attempt") else {"attempt": _tag(payload)},
    )


def _tag(payload: Mapping[str, Any]) -> str:
    """The attempt, which went along as the first tag."""
    tags = payload.get("tags")
    return text_of(tags[0]) if isinstance(tags, list) and tags else ""


def _status(event: Event, payload: Mapping[str, Any]) -> Report:
    recipients = objects_of(payload.get("to"))
    status = text_of(recipients[0].get("status")) if recipients else ""
    codes = [text_of(error.get("code")) for error in objects_of(payload.get("errors"))]
    said = next((ERRORS[code] for code in codes if code in ERRORS), None)
    return event.report(
        STATES.get(status, status or "unknown"),
        code=codes[0] if codes else None,
        permanent=said is not None,
        said=said,
    )
