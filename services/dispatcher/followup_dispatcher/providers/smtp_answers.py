"""What a mail server's replies mean.

Sources: reply codes, RFC 5321 section 4.2; enhanced status codes, RFC 3463 and the IANA
registry of RFC 5248. 5.7.x is a policy against the sender, not a dead address (RFC 3463
section 3.8), and 5.2.2 a full mailbox that may be emptied (section 3.3).
"""

import re
from enum import Enum

from followup_dispatcher.providers.port import Refused, RetryLater, Unknown

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""No such mailbox, no such domain, not an address, moved, null MX, mailbox disabled."""
_FULL = "5.2.2"
_CROWDED = frozenset({"4.3.2", "4.4.5", "4.7.28"})
"""Takes no mail at the moment, congested (RFC 3463 sections 3.4 and 3.5), mail flood (IANA)."""
_CLOSING = 421
"""The server ends the conversation (RFC 5321 section 4.2.2): whoever comes next hears the same."""
_ACCOUNT_CODES = frozenset({530, 534, 535, 538})
"""Authentication (RFC 4954 section 6)."""


class Stage(Enum):
    """How far the conversation had come."""

    GREETING = "greeting"
    SENDER = "sender"
    RECIPIENT = "recipient"
    LETTER = "letter"


def meaning(stage: Stage, code: int, text: str) -> Refused | RetryLater | Unknown:
    """What a reply that is not the hoped-for one means for the attempt."""
    found = _ENHANCED.match(text)
    enhanced = found.group(1) if found else None
    shown = f"{code} {enhanced}" if enhanced else str(code)
    match code // 100:
        case 4:
            return RetryLater(
                shown,
                f"put off at the {stage.value}",
                account_wide=stage is Stage.GREETING,
                crowded=code == _CLOSING or enhanced in _CROWDED,
            )
        case 5:
            return _permanent(stage, shown, enhanced, code)
        case _ if stage is Stage.LETTER:
            return Unknown(f"reply {code}")
        case _:
            return RetryLater(shown, f"no sense in the reply at the {stage.value}")


def _permanent(stage: Stage, shown: str, enhanced: str | None, code: int) -> Refused | RetryLater:
    reason = f"refused at the {stage.value}"
    if stage is Stage.GREETING:
        return RetryLater(shown, reason, account_wide=True)
    if stage is Stage.SENDER and _is_account(enhanced, code):
        return RetryLater(shown, reason, account_wide=True, broken=True)
    if stage is Stage.SENDER:
        return Refused(shown, reason)
    if enhanced == _FULL:
        return RetryLater(shown, "the mailbox is full")
    return Refused(shown, reason, suppress=enhanced in _DEAD)


def _is_account(enhanced: str | None, code: int) -> bool:
    """Credentials or policy: nothing that this account sends would pass."""
    return code in _ACCOUNT_CODES or (enhanced or "").startswith("5.7.")
