"""The parts of a MIME message: within bounds, and decoded whatever their charset claims.

RFC 2045 to 2047 as people's programs write them; what breaks them is read as well as it
goes. Nothing that a part refers to is ever fetched.
"""

import codecs
import contextlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from typing import Final

from followup_replies.core.mail.markup import text_of_markup

MOST_BYTES: Final = 10 * 1024 * 1024
_MOST_BOUNDARIES: Final = 40
"""Multiparts in one message; mailing lists and forwards stay far below."""
_MOST_DIVIDERS: Final = 5_000
"""Lines that begin like the end of a part."""
_MOST_PARTS: Final = 200
_MOST_HEADERS: Final = 200
_LONGEST_HEADER: Final = 2_000
LONGEST_TEXT: Final = 100_000
"""Characters of a text that are looked at."""
_NO_CHARSETS: Final = frozenset(
    {"punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"}
)
"""Codecs of Python that are no charset of a letter; some take long over nonsense."""
_ENDLESS: Final = re.compile(
    rb"^content-(?:type|disposition):(?:[^\n]{2000}|(?:[^\n]{0,2000}\n[ \t]){40})",
    re.IGNORECASE | re.MULTILINE,
)
"""Headers with more parameters than anybody needs; reading them takes for ever."""
_ADDRESS: Final = re.compile(r"[^\s<>()\[\]\",;:@]{1,64}@[^\s<>()\[\]\",;:@]{1,255}")
_IN_BRACKETS: Final = re.compile(r"<\s{0,9}([^\s<>]{1,320})\s{0,9}>\s*$")
_FLOWED: Final = re.compile(r" \n(?!-- \n)")


def parsed(raw: bytes) -> Message | None:
    """Give the message, or None for what is too large, too deep or none at all."""
    if len(raw) > MOST_BYTES or raw.count(b"\n--") > _MOST_DIVIDERS:
        return None
    if raw.lower().count(b"boundary=") > _MOST_BOUNDARIES or _ENDLESS.search(raw):
        return None
    try:
        message = message_from_bytes(raw)
        known = [*message.keys()]
    except (MessageError, ValueError, RecursionError, LookupError):
        return None
    return message if known and len(known) <= _MOST_HEADERS else None


def header(message: Message, name: str) -> str:
    """Give a header in readable form, empty where there is none; encoded words decoded."""
    return _readable(message.get(name))


def headers(message: Message) -> dict[str, str]:
    """Give the headers by name in lower case; of several of a name the first."""
    found: dict[str, str] = {}
    for name, value in message.items():
        found.setdefault(name.lower()[:100], _readable(value))
    return found


def address_in(field: str) -> str:
    """Give the address of a field like `Ann <ann@example.com>`, empty where there is none.

    The standard library's reader takes long over some nonsense; this one is not fooled by a
    display name that looks like an address.
    """
    field = field[:_LONGEST_HEADER]
    bracketed = _IN_BRACKETS.search(field)
    found = _ADDRESS.search(bracketed.group(1) if bracketed else field)
    return found.group() if found else ""


def parts(message: Message) -> Iterator[Message]:
    """Give the leaves of the message that are its own, not those of letters within."""
    waiting, seen = [message], 0
    while waiting and seen < _MOST_PARTS:
        part = waiting.pop()
        seen += 1
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            waiting.extend(reversed(within(part)))
        else:
            yield part


def within(part: Message) -> list[Message]:
    """Give the messages inside a part, none where it holds a text."""
    inner = part.get_payload() if part.is_multipart() else []
    return [item for item in inner if isinstance(item, Message)]


def text_of(message: Message) -> str:
    """Give what the letter says: its plain texts, else what its markup says."""
    plain: list[str] = []
    marked: list[str] = []
    for part in parts(message):
        if part.get_content_disposition() == "attachment":
            continue
        if part.get_content_type() == "text/plain":
            plain.append(_unflowed(part, decoded(part)))
        elif part.get_content_type() == "text/html":
            marked.append(text_of_markup(decoded(part)))
    told = "\n\n".join(text.strip("\n") for text in plain if text.strip())
    return (told or "\n\n".join(text for text in marked if text.strip()))[:LONGEST_TEXT]


def decoded(part: Message) -> str:
    """Give a part as text, whatever its transfer encoding and charset are said to be."""
    raw: object = None
    if (_charset(part) or "") in _NO_CHARSETS:
        part.set_param("charset", "utf-8")
    with contextlib.suppress(ValueError, LookupError, MessageError):
        raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    text = _text(raw[: LONGEST_TEXT * 4], _charset(part))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")[:LONGEST_TEXT]
    # UTF-7 can spell half a surrogate pair, which nothing can keep.
    return lines if lines.isascii() else lines.encode("utf-8", "replace").decode()


def _charset(part: Message) -> str | None:
    with contextlib.suppress(ValueError, LookupError, MessageError):
        return part.get_content_charset()
    return None


def _text(raw: bytes, charset: str | None) -> str:
    for name in (charset, "utf-8", "cp1252"):
        with contextlib.suppress(LookupError, ValueError):
            if name and codecs.lookup(name).name not in _NO_CHARSETS:
                # A bounded read may end within a character.
                return raw.decode(name, "strict" if len(raw) < LONGEST_TEXT * 4 else "ignore")
    return raw.decode("latin-1")


def _unflowed(part: Message, text: str) -> str:
    """Join soft line ends (RFC 3676)."""
    if str(part.get_param("format", "")).lower() != "flowed":
        return text
    return _FLOWED.sub(" ", text)


def _readable(value: object) -> str:
    text = str(value or "")[:_LONGEST_HEADER]
    with contextlib.suppress(ValueError, LookupError, MessageError):
        text = str(make_header(decode_header(text)))
    return " ".join(text.replace("\0", "").split()).encode("utf-8", "replace").decode()
