"""Vonage's webhooks of both APIs, told apart by the names of their fields.

SMS API: developer.vonage.com/en/api/sms (`messageId`); Messages API:
developer.vonage.com/en/api/messages (`message_uuid`). Numbers come without their +.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from followup_contracts.payload import Channel
from followup_replies.addresses import LONGEST
from followup_replies.bodies import object_of, text_of
from followup_replies.errors import Unfit
from followup_replies.inbound import LONGEST_BODY, Inbound, Part
from followup_replies.letters import Event, key, unknown
from followup_replies.states import Report, Said

STATES: Mapping[str, str] = MappingProxyType(
    {
        "accepted": "sent",
        "submitted": "sent",
        "buffered": "deferred",
        "delivered": "delivered",
        "expired": "undelivered",
        "failed": "undelivered",
        "undeliverable": "undelivered",
        "rejected": "failed",
        "read": "read",
    }
)

ERRORS: Mapping[str, Said | None] = MappingProxyType(
    {
        "3": "dead",  # the number is no longer active
        "4": "unreachable",  # barred by the user, for good
        "9": "opted_out",  # the user has asked not to get this service's messages
        "13": None,  # age restriction
        "14": None,  # blocked by the carrier
    }
)
"""Codes of receipts (`err-code`) after which a text will not arrive later either, and what
they say of the number (api.support.vonage.com, article 204014733)."""

SUCCESS = "0"

MOST_PARTS = 40
"""Parts that are put together. Phones may send 255 (3GPP TS 23.040, 9.2.3.24.1), but make a
picture message of a text long before; what counts more is read part by part."""
LONGEST_PART = 160
"""Characters of a part: 140 octets hold no more (3GPP TS 23.038, 6.1.2)."""


def arrival_of(
    said: Mapping[str, Any], query: Mapping[str, str], *, channel: Channel
) -> Inbound | Report:
    """What a webhook brings; raises `Unfit` for a text without a sender."""
    if text_of(said.get("message_uuid")):
        return _message(said, query, channel)
    if not text_of(said.get("messageId")):
        return unknown(said)
    if "status" in said:
        return _receipt(said, query)
    text = _text(
        said,
        channel,
        name=text_of(said.get("messageId")),
        sender=said.get("msisdn"),
        recipient=said.get("to"),
        body=said.get("text"),
    )
    part, body = _part(said), said.get("text")
    if part is None or not isinstance(body, str) or len(body) > LONGEST_PART:
        return text
    return replace(text, part=part, body=body)  # a blank may end it: words go on


def _part(said: Mapping[str, Any]) -> Part | None:
    """Which part of a long text it is (…/sms/guides/inbound-sms, "concatenated").

    None for a text of its own, and for one whose carrier does not say: not all of them do.
    """
    concat, ref = str(said.get("concat")).lower(), text_of(said.get("concat-ref"), longest=64)
    total, number = _count(said.get("concat-total")), _count(said.get("concat-part"))
    if concat != "true" or not ref or total == 1 or not 1 <= number <= total:
        return None
    return Part(ref, total, number)


def _count(value: Any) -> int:
    """A number of parts; 0 for what is none."""
    text = text_of(value)
    digits = text if text.isascii() and text.isdigit() else ""
    count = int(digits) if 0 < len(digits) <= len(str(MOST_PARTS)) else 0
    return count if count <= MOST_PARTS else 0


def number(value: Any) -> str:
    """A number in E.164; a name stays a name."""
    text = text_of(value, longest=LONGEST)
    return f"+{text}" if text.isascii() and text.isdigit() else text


def _message(
    said: Mapping[str, Any], query: Mapping[str, str], channel: Channel
) -> Inbound | Report:
    name = text_of(said.get("message_uuid"))
    status = text_of(said.get("status"))
    if not status:
        body = said.get("text") or object_of(said.get("button")).get("text")
        body = body or object_of(said.get("reply")).get("title")
        return _text(
            said, channel, name=name, sender=said.get("from"), recipient=said.get("to"), body=body
        )
    error = object_of(said.get("error"))
    code = text_of(error.get("title")) or text_of(error.get("type")).rpartition("/")[2] or None
    event = _event(said, query, ref=name, address=number(said.get("to")), state=status)
    return event.report(STATES.get(status, status), code=code)


def _receipt(said: Mapping[str, Any], query: Mapping[str, str]) -> Report:
    name, status = text_of(said.get("messageId")), text_of(said.get("status"))
    code = text_of(said.get("err-code"))
    event = _event(said, query, ref=name, address=number(said.get("msisdn")), state=status)
    state = STATES.get(status, status or "unknown")
    if code in {"", SUCCESS}:
        return event.report(state)
    return event.report(state, code=code, permanent=code in ERRORS, said=ERRORS.get(code))


def _event(
    said: Mapping[str, Any], query: Mapping[str, str], *, ref: str, address: str, state: str
) -> Event:
    echoed = text_of(said.get("client-ref")) or text_of(said.get("client_ref"))
    return Event(
        ref=ref,
        address=address,
        key=key(ref, state),
        payload=said,
        planted={"attempt": echoed} | dict(query),
    )


def _text(
    said: Mapping[str, Any], channel: Channel, *, name: str, sender: Any, recipient: Any, body: Any
) -> Inbound:
    address = number(sender)
    if not address:
        raise Unfit("/from" if "message_uuid" in said else "/msisdn")
    return Inbound(
        channel=channel,
        vendor_id=name[:128],
        sender=address,
        recipient=number(recipient),
        body=text_of(body, longest=LONGEST_BODY),
        payload=said,
    )
