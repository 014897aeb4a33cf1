"""What Twilio's answers to a send mean.

Sources: the error dictionary, twilio.com/docs/api/errors/<code>, one page per code; for
429, twilio.com/docs/api/errors/20429 (the request was not processed). Twilio's POSTs are
not idempotent and no page says that a 5xx was not accepted, so a 5xx is unknown. Codes
of the 30000s are mostly reported by callback; they stand here for the rare answer that
carries one. The vendor's own sentences are not repeated: they quote phone numbers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from followup_dispatcher.providers.http_line import Reply
from followup_dispatcher.providers.port import Refused, RetryLater, Unknown


class Verdict(Enum):
    """What follows from an error code."""

    SUPPRESS = "the address can never be reached on this channel"
    REFUSE = "this touch will never be sent"
    RETRY = "not accepted, may be tried again"
    CROWDED = "not accepted, for there was too much at once"
    ACCOUNT = "not accepted, and nothing else of this account would be"


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code's verdict and what it says; its page is twilio.com/docs/api/errors/<code>."""

    verdict: Verdict
    reason: str


MEANINGS: Mapping[int, Meaning] = {
    10001: Meaning(Verdict.ACCOUNT, "the account is not active"),
    10004: Meaning(Verdict.CROWDED, "too many calls at once"),
    20003: Meaning(Verdict.ACCOUNT, "the credentials were not accepted"),
    20005: Meaning(Verdict.ACCOUNT, "the account is not active"),
    20006: Meaning(Verdict.ACCOUNT, "the credentials give no access to this resource"),
    20404: Meaning(Verdict.ACCOUNT, "the account does not exist at this address"),
    20429: Meaning(Verdict.CROWDED, "too many requests at once"),
    21201: Meaning(Verdict.REFUSE, "no recipient"),
    21205: Meaning(Verdict.REFUSE, "the URL of the call is not valid"),
    21210: Meaning(Verdict.REFUSE, "the caller number is not verified"),
    21211: Meaning(Verdict.SUPPRESS, "the recipient is not a valid number"),
    21212: Meaning(Verdict.REFUSE, "the sender is not a valid number"),
    21214: Meaning(Verdict.REFUSE, "the recipient's number cannot be reached"),
    21215: Meaning(Verdict.REFUSE, "the account may not call this country"),
    21216: Meaning(Verdict.REFUSE, "calls to this number are blocked"),
    21217: Meaning(Verdict.SUPPRESS, "the recipient does not look like a phone number"),
    21219: Meaning(Verdict.REFUSE, "a trial account may not call this number"),
    21408: Meaning(Verdict.REFUSE, "the account may not text this country"),
    21601: Meaning(Verdict.REFUSE, "the sender cannot text"),
    21602: Meaning(Verdict.REFUSE, "no text"),
    21603: Meaning(Verdict.REFUSE, "no sender"),
    21604: Meaning(Verdict.REFUSE, "no recipient"),
    21605: Meaning(Verdict.REFUSE, "the text is too long"),
    21606: Meaning(Verdict.REFUSE, "the sender cannot text this recipient"),
    21608: Meaning(Verdict.REFUSE, "a trial account may not text this number"),
    21609: Meaning(Verdict.REFUSE, "the callback URL is not valid"),
    21610: Meaning(Verdict.SUPPRESS, "the recipient has opted out"),
    21611: Meaning(Verdict.CROWDED, "the sender's queue is full"),
    21612: Meaning(Verdict.REFUSE, "no route from this sender to this recipient"),
    21614: Meaning(Verdict.SUPPRESS, "the recipient's number cannot receive texts"),
    21617: Meaning(Verdict.REFUSE, "the text is too long"),
    21635: Meaning(Verdict.SUPPRESS, "the recipient's number is a landline"),
    21659: Meaning(Verdict.REFUSE, "the sender is not a number of this vendor"),
    21703: Meaning(Verdict.REFUSE, "the messaging service has no sender"),
    22005: Meaning(Verdict.CROWDED, "the queue of calls is full"),
    30001: Meaning(Verdict.CROWDED, "the queue is full"),
    30002: Meaning(Verdict.ACCOUNT, "the account is suspended"),
    30003: Meaning(Verdict.RETRY, "the handset cannot be reached"),
    30004: Meaning(Verdict.REFUSE, "blocked"),
    30005: Meaning(Verdict.REFUSE, "the handset is unknown"),
    30006: Meaning(Verdict.SUPPRESS, "a landline, or its carrier cannot be reached"),
    30007: Meaning(Verdict.REFUSE, "filtered by the carrier"),
    30008: Meaning(Verdict.RETRY, "failed for an unknown reason"),
    30022: Meaning(Verdict.CROWDED, "over the carrier's rate"),
    30023: Meaning(Verdict.CROWDED, "over the carrier's daily cap"),
    30034: Meaning(Verdict.REFUSE, "the sender is not registered with the carriers"),
    30610: Meaning(Verdict.RETRY, "the recipient's quiet hours, in the vendor's view"),
    63038: Meaning(Verdict.ACCOUNT, "the account is over its daily cap"),
}

_DEFINITE = frozenset({400, 402, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 431})
"""Statuses by which HTTP itself says that the request was not carried out (RFC 9110,
section 15.5). A 408 is none of them: somebody in between may have given up waiting."""

_TOO_MANY = 429
_ACCOUNT_STATUSES = frozenset({401, 403})
_OK = 200
_REDIRECT = 300


def accepted(status: int) -> bool:
    """Whether the status says that the vendor took the request."""
    return _OK <= status < _REDIRECT


def fields(body: bytes) -> dict[str, Any] | None:
    """The object in a body, or None when it is none, or was cut off."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def error_code(answer: Mapping[str, Any] | None, key: str = "code") -> int | None:
    """The vendor's number; both error shapes, its own and RFC 9457's, call it `code`."""
    value = None if answer is None else answer.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def not_accepted(reply: Reply) -> Refused | RetryLater | Unknown:
    """What an answer that is not a 2xx means for the attempt."""
    code = error_code(fields(reply.body))
    if reply.status not in _DEFINITE | _ACCOUNT_STATUSES | {_TOO_MANY}:
        return Unknown(f"status {reply.status}")
    if code is not None and code in MEANINGS:
        return by_code(code, after=_after(reply))
    if reply.status == _TOO_MANY:
        reason = "too many requests at once"
        return RetryLater(str(code or _TOO_MANY), reason, _after(reply), crowded=True)
    if reply.status in _ACCOUNT_STATUSES:
        return RetryLater(
            str(code or reply.status), "the account was refused", _after(reply), account_wide=True
        )
    return Refused(str(code or f"http-{reply.status}"), "refused")


def by_code(code: int, *, after: timedelta | None = None) -> Refused | RetryLater:
    """What a code means; one that is not in the table refuses this touch alone."""
    meaning = MEANINGS.get(code, Meaning(Verdict.REFUSE, "refused"))
    match meaning.verdict:
        case Verdict.SUPPRESS:
            return Refused(str(code), meaning.reason, suppress=True)
        case Verdict.REFUSE:
            return Refused(str(code), meaning.reason)
        case Verdict.RETRY:
            return RetryLater(str(code), meaning.reason, after)
        case Verdict.CROWDED:
            return RetryLater(str(code), meaning.reason, after, crowded=True)
        case Verdict.ACCOUNT:
            return RetryLater(str(code), meaning.reason, after, account_wide=True)


def _after(reply: Reply) -> timedelta | None:
    """Retry-After in seconds; the date form would need agreeing clocks and is left out."""
    value = reply.headers.get("Retry-After", "").strip()
    if not (value.isascii() and value.isdigit()):
        return None
    return timedelta(seconds=min(int(value[:9]), 86_400))
