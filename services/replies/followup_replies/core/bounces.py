"""What a returned letter says: that nobody is there, not now, or not from you.

By the enhanced status code (RFC 3463, its registry by RFC 5248) where there is one, else
by what the vendor took it for and what the text says. A dead address is never written to
again; a full mailbox may be; a block is the sender's to mend.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

BounceKind = Literal["dead", "later", "sender", "refused"]
"""`dead`: no such mailbox or domain. `later`: full, slow, greylisted. `sender`: blocked for
what we are or wrote. `refused`: for good, and not the address's fault."""

_STATUS: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY: Final = re.compile(r"(?<![\d.-])([45])\d\d(?=[\s-]|$)")
_LONGEST: Final = 2_000

_SENDERS_FAULT: Final = frozenset({"5.1.7", "5.1.8", "5.1.9"})
"""5.1.x about the sender's address; all others are about the recipient's (RFC 3463, 3.2)."""
_DEAD: Final = frozenset({"5.2.1"})
"""Mailbox disabled, not accepting messages (RFC 3463, 3.3)."""
_FULL: Final = frozenset({"5.2.2"})
"""Mailbox full: a permanent code for what passes."""

_FULL_WORDS: Final = ("mailbox full", "mailbox is full", "over quota", "quota exceeded",
                      "exceeded storage", "insufficient storage")  # fmt: skip
_BLOCKED_WORDS: Final = ("block list", "blocklist", "blacklist", "blocked", "spam", "reputation",
                         "dmarc", "policy", "rate limit", "unsolicited")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bounce:
    """Why a letter came back. `code`: enhanced status, else the SMTP reply, else a word."""

    kind: BounceKind
    code: str

    @property
    def permanent(self) -> bool:
        """Whether this address will not take a letter of ours later either."""
        return self.kind == "dead"


def bounce_of(*texts: str, hard: bool | None = None) -> Bounce:
    """Read what the recipient's server said, the most telling text first.

    `hard` is what the vendor took it for, None where it does not say.
    """
    said = " ".join(text[:_LONGEST] for text in texts if text)
    found = _STATUS.search(said)
    if found is not None:
        status = ".".join(str(int(part)) for part in found.groups())
        kind = _by_status(status)
        if kind is not None:
            return Bounce(kind, status)
    reply = _REPLY.search(said)
    code = found.group() if found else reply.group() if reply else ""
    return _by_words(said.lower(), code=code, permanent=_permanent(reply, hard=hard))


def _permanent(reply: "re.Match[str] | None", *, hard: bool | None) -> bool:
    if hard is not None:
        return hard
    return reply is not None and reply.group(1) == "5"


def _by_status(status: str) -> BounceKind | None:
    """The kind of a code that decides by itself; None where the text must help."""
    subject = status.split(".")[1]
    if status.startswith("4."):
        return "later"
    if status in _FULL:
        return "later"
    if status in _SENDERS_FAULT or subject == "7":
        return "sender"
    if status in _DEAD or (status.startswith("5.") and subject == "1"):
        return "dead"
    return "refused" if status.startswith("5.") and subject in {"3", "6"} else None


def _by_words(said: str, *, code: str, permanent: bool) -> Bounce:
    if any(word in said for word in _FULL_WORDS):
        return Bounce("later", code or "mailbox_full")
    if not permanent:
        return Bounce("later", code or "soft")
    if any(word in said for word in _BLOCKED_WORDS):
        return Bounce("sender", code or "blocked")
    return Bounce("dead", code or "hard")
