"""Letters that vendors have taken apart for us, as messages of ours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email import policy
from email.parser import HeaderParser
from email.utils import parseaddr
from typing import Any

from followup_replies.addresses import LONGEST
from followup_replies.bodies import whole
from followup_replies.core.mail.markup import text_of_markup
from followup_replies.errors import Unfit
from followup_replies.inbound import LONGEST_BODY, Inbound
from followup_replies.letters import key, short

_MOST_HEADERS = 200
_LONGEST_HEADER = 8_000
_LONGEST_SUBJECT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter as its vendor hands it over. `recipient` and `sender` are the envelope's.

    `return_path` is that of the envelope where the vendor tells it: empty, it is a
    machine's (RFC 3834).
    `name` is what the vendor calls it; without one its Message-ID and envelope name it.
    """

    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    payload: Mapping[str, Any]
    name: str = ""
    return_path: str | None = None

    def inbound(self) -> Inbound:
        """The message; raises `Unfit` when nobody sent it."""
        written = self.headers.get("from") or self.sender
        sender = (parseaddr(written)[1] or parseaddr(self.sender)[1])[:LONGEST]
        if "@" not in sender:
            raise Unfit("/from")
        headers = dict(self.headers)
        if self.return_path is not None:
            headers["return-path"] = f"<{self.return_path.strip('<>')[:LONGEST]}>"
        body = self.text if self.text.strip() else text_of_markup(self.html)
        return Inbound(
            channel="email",
            vendor_id=short(self.name or self._name(sender)),
            sender=sender,
            recipient=self.recipient[:LONGEST],
            body=body[:LONGEST_BODY],
            subject=self.subject[:_LONGEST_SUBJECT] or None,
            headers=headers,
            payload=self.payload,
        )

    def _name(self, sender: str) -> str:
        message_id = self.headers.get("message-id", "")
        if message_id:
            return key(message_id, self.recipient)
        # Without an id the same words at the same moment are the same letter.
        date = self.headers.get("date", "")
        return key(sender, self.recipient, date, self.subject, short(self.text + " " * 200))


def headers_in(text: str) -> dict[str, str]:
    """The headers of a raw block, by name in lower case, unfolded and decoded."""
    message = HeaderParser(policy=policy.compat32).parsestr(text[: _MOST_HEADERS * 1_000])
    return headers_of(message.items())


def headers_of(pairs: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Headers by name in lower case; of several of a name the first."""
    found: dict[str, str] = {}
    for name, value in list(pairs)[:_MOST_HEADERS]:
        if isinstance(name, str):
            unfolded = " ".join(str(value)[:_LONGEST_HEADER].split())
            found.setdefault(whole(name.strip().lower()), whole(unfolded))
    return found


def first_address(value: Any) -> str:
    """The first of what may be one address or a list of them."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return value[:LONGEST] if isinstance(value, str) else ""
