"""A letter as it came through the wires (RFC 5322, RFC 2045), as its readable parts.

Bounded in size, parts and depth. Text in any charset that its sender names, or none; the
first plain text is what was written, and the first HTML where there is no plain text.
What is attached is named, not read; nothing is fetched.
"""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

from followup_replies.bodies import whole
from followup_replies.errors import Unfit
from followup_replies.mail import Letter, headers_of
from followup_replies.posted import text_in

_MOST_PARTS = 200
_MOST_HEADERS = 200
_LONGEST_HEADER = 8_000
_MOST_BOUNDARIES = 40
_MOST_DIVIDERS = 5_000
_DEEPEST = 20
_LARGEST_TEXT = 1_000_000


def letter_of(raw: bytes, *, sender: str, recipient: str, name: str = "") -> Letter:
    """The letter in these octets; envelope and name are the vendor's. Raises `Unfit`."""
    if raw.count(b"\n--") > _MOST_DIVIDERS or raw.lower().count(b"boundary=") > _MOST_BOUNDARIES:
        raise Unfit("")  # the parser takes long over these, and no mail program writes them
    try:
        message = message_from_bytes(raw, policy=policy.compat32)
        parts = list(_parts(message, 0))[:_MOST_PARTS]
        headers = headers_of(
            (header, _decoded(value)) for header, value in message.items()[:_MOST_HEADERS]
        )
    except (RecursionError, ValueError, LookupError, MessageError):
        raise Unfit("") from None
    return Letter(
        name=name,
        sender=sender,
        recipient=recipient,
        subject=headers.get("subject", ""),
        text=_first(parts, "text/plain"),
        html=_first(parts, "text/html"),
        headers=headers,
        payload={
            "headers": headers,
            "sender": sender,
            "recipient": recipient,
            "attached": [_named(part) for part in parts if _is_attached(part)],
        },
    )


def _parts(message: Message, depth: int) -> Iterator[Message]:
    """The leaves, in order; what is deeper than any mail program nests is left out."""
    inner = message.get_payload()
    if not (message.is_multipart() and isinstance(inner, list)):
        yield message
        return
    if depth < _DEEPEST:
        for part in inner:
            if isinstance(part, Message):
                yield from _parts(part, depth + 1)


def _first(parts: list[Message], kind: str) -> str:
    for part in parts:
        if part.get_content_type() == kind and not _is_attached(part):
            octets = part.get_payload(decode=True)
            if isinstance(octets, bytes):
                return whole(text_in(octets[:_LARGEST_TEXT], _charset(part)))
    return ""


def _is_attached(part: Message) -> bool:
    text = part.get_content_maintype() in {"text", "multipart"}
    return str(part.get("content-disposition", "")).lower().startswith("attachment") or not text


def _charset(part: Message) -> Any:
    named = part.get_param("charset")
    return named[2] if isinstance(named, tuple) else named


def _named(part: Message) -> dict[str, Any]:
    octets = part.get_payload(decode=True)
    return {
        "name": _decoded(part.get_filename() or ""),
        "type": whole(part.get_content_type()),
        "size": len(octets) if isinstance(octets, bytes) else 0,
    }


def _decoded(value: Any) -> str:
    """A header with its encoded words (RFC 2047) read; as it came where they can't be."""
    text = str(value)[:_LONGEST_HEADER]
    try:
        return whole(str(make_header(decode_header(text))))
    except (LookupError, ValueError, MessageError):
        return whole(text)
