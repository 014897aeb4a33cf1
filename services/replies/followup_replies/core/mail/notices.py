"""Reports about letters: not delivered (RFC 3464) and complained about (RFC 5965).

What a status means for the address: RFC 3463 enhanced codes. 5.1.1, 5.1.2, 5.1.10 and
5.2.1 say that nobody has it; 4.x and 5.2.2 (mailbox full) pass; 5.7.x blames the sender.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final, Literal

from followup_replies.core.mail.parts import address_in, decoded, header, parts, within

Action = Literal["failed", "delayed", "delivered", "relayed", "expanded"]
_ACTIONS: Final[tuple[Action, ...]] = ("failed", "delayed", "delivered", "relayed", "expanded")
DEAD: Final = frozenset({"5.1.1", "5.1.2", "5.1.10", "5.2.1"})
_STATUS: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_FIELD: Final = re.compile(r"(?m)^([A-Za-z-]{1,60}):[ \t]*(.*(?:\n[ \t].*)*)")
_MOST_RECIPIENTS: Final = 100
_MOST_FIELDS: Final = 60


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a letter for one recipient; `status` is x.y.z or empty."""

    recipient: str
    action: Action
    status: str

    @property
    def is_dead(self) -> bool:
        """Whether nobody has this address, by its status."""
        return self.action == "failed" and self.status in DEAD


@dataclass(frozen=True, slots=True)
class Feedback:
    """A complaint: who complained about which letter of ours."""

    recipient: str
    kind: str


def is_report(message: Message, kind: str) -> bool:
    """Tell a `multipart/report` of this kind."""
    if message.get_content_type() != "multipart/report":
        return False
    told = str(message.get_param("report-type", "")).strip().lower()
    return told == kind or (not told and _part(message, f"message/{kind}") is not None)


def fates(message: Message) -> tuple[Fate, ...]:
    """What a delivery status notification says, a fate per recipient; at most 100."""
    part = _part(message, "message/delivery-status")
    if part is None:
        return ()
    found: list[Fate] = []
    for fields in _groups(part):
        recipient = _address(fields.get("final-recipient") or fields.get("original-recipient", ""))
        action = next(
            (known for known in _ACTIONS if known == fields.get("action", "").strip().lower()), None
        )
        if recipient and action is not None and len(found) < _MOST_RECIPIENTS:
            told = f"{fields.get('status', '')} {fields.get('diagnostic-code', '')}"
            status = _STATUS.search(told)
            found.append(Fate(recipient, action, status.group(1) if status else ""))
    return tuple(found)


def feedback(message: Message) -> Feedback | None:
    """What an abuse report says, or None where it names nobody."""
    part = _part(message, "message/feedback-report")
    if part is None:
        return None
    fields: dict[str, str] = {}
    for group in _groups(part):
        fields |= group
    original = _original(message)
    recipient = _address(
        fields.get("original-rcpt-to")
        or fields.get("removal-recipient")
        or (header(original, "to") if original is not None else "")
    )
    return Feedback(recipient, fields.get("feedback-type", "abuse").strip().lower()[:40])


def original_id(message: Message) -> str:
    """The Message-ID of the letter a report is about, empty where it is not in it."""
    original = _original(message)
    return "" if original is None else header(original, "message-id")


def _part(message: Message, content_type: str) -> Message | None:
    return next((part for part in parts(message) if part.get_content_type() == content_type), None)


def _original(message: Message) -> Message | None:
    for part in parts(message):
        kind = part.get_content_type()
        if kind == "message/rfc822":
            inner = within(part)
            if inner:
                return inner[0]
        elif kind == "text/rfc822-headers":
            found = Message()
            for name, value in list(_FIELD.findall(decoded(part)))[:_MOST_FIELDS]:
                found[name] = " ".join(value.split())
            return found
    return None


def _groups(part: Message) -> Iterator[dict[str, str]]:
    """The groups of fields of a report: Python parses them as messages, or leaves text."""
    for group in within(part)[: _MOST_RECIPIENTS + 1]:
        yield {name.lower(): str(value) for name, value in group.items()}
    if part.is_multipart():
        return
    for block in decoded(part).split("\n\n")[: _MOST_RECIPIENTS + 1]:
        yield {name.lower(): value.strip() for name, value in _FIELD.findall(block)}


def _address(field: str) -> str:
    """The address of a field like `rfc822; ann@example.com`."""
    return address_in(field.rpartition(";")[2])
