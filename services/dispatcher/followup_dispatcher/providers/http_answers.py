"""What an HTTP answer to a send means, by a vendor's table of codes.

Every vendor has its own codes; which statuses are definite is the same for all. A vendor's
own sentences are never repeated: they quote addresses.
"""

import json
from collections.abc import Callable, Mapping
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
    ACCOUNT = "not accepted, and nothing else of this account would be for now"
    BROKEN = "not accepted, and nothing would be until a person has mended the account"
    UNKNOWN = "no page of the vendor says whether it was accepted"


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code's verdict, and what it says in our words."""

    verdict: Verdict
    reason: str


Meanings = Mapping[str, Meaning]


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """A vendor's errors: its table, where an answer holds the code, and what 401, 403 say.

    `unproven` is for an account's statuses (401, 403) without a code of the table.
    """

    meanings: Meanings
    code_of: Callable[[Reply], str | None]
    unproven: Meaning = Meaning(Verdict.BROKEN, "the credentials were not accepted")


_DEFINITE = frozenset({400, 402, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 431})
"""Statuses by which HTTP itself says that the request was not carried out (RFC 9110,
section 15.5). A 408 is none of them: somebody in between may have given up waiting."""

_TOO_MANY = 429
_ACCOUNT_STATUSES = frozenset({401, 403})
_OK, _REDIRECT = 200, 300
_LONGEST_CODE = 80
_LONGEST_PAUSE = 86_400


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


def inside(value: object, *path: str | int) -> Any:
    """What stands at a path of a JSON value, or None where it is not there."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def text(value: object) -> str | None:
    """A text that says something, or a number as one; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value[:_LONGEST_CODE] if isinstance(value, str) and value else None


def not_accepted(reply: Reply, codes: Codes) -> Refused | RetryLater | Unknown:
    """What an answer that is not a 2xx means for the attempt."""
    if reply.status not in _DEFINITE | _ACCOUNT_STATUSES | {_TOO_MANY}:
        return Unknown(f"status {reply.status}")
    code, after = codes.code_of(reply), pause_of(reply)
    if code is not None and code in codes.meanings:
        return said(code, codes.meanings[code], after=after)
    shown = code or str(reply.status)
    if reply.status == _TOO_MANY:
        return said(shown, Meaning(Verdict.CROWDED, "too many requests at once"), after=after)
    if reply.status in _ACCOUNT_STATUSES:
        return said(shown, codes.unproven, after=after)
    return said(code or f"http-{reply.status}", Meaning(Verdict.REFUSE, "refused"))


def said(
    code: str, meaning: Meaning, *, after: timedelta | None = None
) -> Refused | RetryLater | Unknown:
    """A code's meaning as an answer."""
    reason = meaning.reason
    match meaning.verdict:
        case Verdict.SUPPRESS | Verdict.REFUSE:
            return Refused(code, reason, suppress=meaning.verdict is Verdict.SUPPRESS)
        case Verdict.UNKNOWN:
            return Unknown(f"{code}: {reason}")
        case verdict:
            return RetryLater(
                code,
                reason,
                after,
                account_wide=verdict in {Verdict.ACCOUNT, Verdict.BROKEN},
                crowded=verdict is Verdict.CROWDED,
                broken=verdict is Verdict.BROKEN,
            )


def pause_of(reply: Reply) -> timedelta | None:
    """Retry-After in seconds; the date form would need agreeing clocks and is left out."""
    value = reply.headers.get("Retry-After", "").strip()
    if not (value.isascii() and value.isdigit()):
        return None
    return timedelta(seconds=min(int(value[:9]), _LONGEST_PAUSE))
