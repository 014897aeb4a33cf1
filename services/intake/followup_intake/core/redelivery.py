"""What an endpoint's answer means, and when it is tried again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

WINDOW = timedelta(days=3)
"""How long a delivery is tried, and how long an endpoint may fail before it is disabled."""
FIRST = timedelta(seconds=5)
LONGEST = timedelta(hours=6)
LONGEST_ASKED = timedelta(hours=24)
"""The longest `Retry-After` that is honoured: whoever asks for more is asked after a day."""
JITTER = 0.2
RESTING_AFTER = 5
"""Failures in a row after which an endpoint is asked by one delivery at a time."""
LONGEST_REST = timedelta(minutes=10)

_GONE = 410
_MOST_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: status, the pause that was asked for, the beginning of the body."""

    status: int
    retry_after: timedelta | None
    body: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nothing came back; in words that tell nothing of what was sent.

    `ours`: nobody was asked, so it tells nothing of the endpoint.
    """

    why: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The endpoint has it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The endpoint wants nothing any more: 410 (Standard Webhooks, "Delivery")."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is tried again after a pause."""

    pause: timedelta


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It was tried for `WINDOW`."""


def follows(
    outcome: Answered | Unanswered, *, tries: int, age: timedelta, chance: float
) -> Taken | Gone | Again | GivenUp:
    """What follows from a try that was the `tries`th, when its delivery was so old.

    2xx is taken and nothing else: a redirect is no answer. The last try is at the end of
    `WINDOW`, or when the endpoint asked for it. `chance` is from 0 to 1.
    """
    if isinstance(outcome, Answered):
        if outcome.status // 100 == 2:  # noqa: PLR2004 - the class of success
            return Taken()
        if outcome.status == _GONE:
            return Gone()
    if age >= WINDOW:
        return GivenUp()
    asked = outcome.retry_after if isinstance(outcome, Answered) else None
    pause = min(backoff(tries, chance=chance), WINDOW - age)
    return Again(max(pause, min(asked or timedelta(0), LONGEST_ASKED)))


def backoff(tries: int, *, chance: float) -> timedelta:
    """The pause after so many failed tries: doubling from 5 s to 6 h, a fifth more or less."""
    doublings = min(max(tries, 1) - 1, _MOST_DOUBLINGS)
    whole = min(timedelta(seconds=FIRST.seconds << doublings), LONGEST)
    return whole * (1 - JITTER + 2 * JITTER * chance)


def rest(failures: int) -> timedelta:
    """For how long an endpoint is left alone after so many failures in a row."""
    if failures < RESTING_AFTER:
        return timedelta(0)
    doublings = min(failures - RESTING_AFTER, _MOST_DOUBLINGS)
    return min(timedelta(seconds=FIRST.seconds << doublings), LONGEST_REST)


def asked_pause(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """`Retry-After` in seconds or as a date (RFC 9110 section 10.2.3); None for anything else."""
    given = headers.get("Retry-After", "").strip()
    if given.isascii() and given.isdigit():
        return timedelta(seconds=min(int(given[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(given)
    except (ValueError, OverflowError):  # numbers that no date and no zone holds
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
