"""From a call's content to the octets of a letter (RFC 5322), with nothing to smuggle in.

Every header value loses its line breaks, names outside RFC 5322's letters are refused,
and what the letter itself needs cannot be overridden by a template's headers.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

from followup_dispatcher.providers.port import Content

_POLICY = SMTP.clone(cte_type="7bit", max_line_length=78)
_MAILBOX = re.compile(
    r"(?:(?P<name>[^<>\r\n\0]{0,200})<)?"
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64})@(?P<domain>[^\s@<>()\",:;\[\]\\]{1,255})"
    r"(?(name)>)"
)
_NAME = re.compile(r"[!-9;-~]{1,76}")
_LONGEST_VALUE = 900
"""Characters; a line of a letter has at most 998 (RFC 5322 section 2.1.1)."""
_OURS = frozenset(
    ("from", "to", "sender", "cc", "bcc", "subject", "date", "message-id", "mime-version")
)


class BadAddress(ValueError):
    """An address that no letter can be written to or from; the message says which."""


def message_id(attempt_id: UUID, sender: str) -> str:
    """The letter's own id: the same attempt always has the same one."""
    return f"<{attempt_id}@{mailbox(sender, 'sender').domain}>"


def mailbox(written: str, whose: str) -> Address:
    """`address` or `Name <address>`, and nothing looser; the domain in Punycode (RFC 3492).

    The standard library's parser would mend what it doesn't understand, and mended is
    another person's address.
    """
    found = _MAILBOX.fullmatch(written.strip())
    if found is None:
        raise BadAddress(f"{whose}: not an address that SMTP can carry")
    name = (found["name"] or "").strip().strip('"').strip()
    try:
        domain = found["domain"].encode("idna").decode()
        return Address(display_name=name, username=found["local"], domain=domain)
    except (UnicodeError, ValueError, IndexError, MessageError) as error:
        raise BadAddress(f"{whose}: not an address that SMTP can carry") from error


def compose(
    content: Content, *, sender: Address, recipient: Address, message_id: str, now: datetime
) -> bytes:
    """The letter: plain text, or plain text and HTML as alternatives."""
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = sender
    letter["To"] = recipient
    letter["Subject"] = _line(content.subject or "")
    opaque = {"Date": format_datetime(now), "Message-ID": message_id}
    for name, value in _allowed(content.headers).items():
        if value.isascii():
            opaque[name] = _line(value)
        else:
            letter[name] = _line(value)
    letter.set_content(content.text)
    if content.html is not None:
        letter.add_alternative(content.html, subtype="html")
    return _lines(opaque) + letter.as_bytes()


def _lines(headers: Mapping[str, str]) -> bytes:
    """Headers as they are, folded between bracketed URLs alone.

    The standard library turns an identifier or a URL that is too long for a line into
    encoded words, which nobody decodes there (RFC 2047 section 5 forbids it).
    """
    lines = (f"{name}: {value}".replace(", <", ",\r\n <") for name, value in headers.items())
    return "".join(line + "\r\n" for line in lines).encode("ascii")


def _allowed(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if _NAME.fullmatch(name)
        and len(value) <= _LONGEST_VALUE
        and name.lower() not in _OURS
        and not name.lower().startswith("content-")
    }


def extra_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What a letter carries beside its own headers, each value in one line."""
    return {name: _line(value) for name, value in _allowed(headers).items()}


def _line(value: str) -> str:
    return " ".join(value.split())
