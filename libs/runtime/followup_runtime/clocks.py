"""Business clocks that can be jumped; for the demo and for tests.

Machine time (leases, time-outs, sweeps) never follows it: nothing here is for that.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class StandingClock:
    """Business time that stands at a moment until it is moved, and then at another.

    Calling it gives the present moment in UTC. Hand it to `Databases.open(clock=…)`.
    """

    __slots__ = ("_moment",)

    def __init__(self, start: datetime) -> None:
        self._moment = _aware(start)

    def __call__(self) -> datetime:
        """The present moment."""
        return self._moment

    def jump(self, to: datetime) -> None:
        """Make `to` the present moment; raises `ValueError` for a jump into the past."""
        self._moment = _later(_aware(to), self._moment)


class SteppingClock:
    """Business time from `start` on, flowing with machine time, jumped forward at will.

    Calling it gives the present moment in UTC. Hand it to `Databases.open(clock=…)`.
    """

    __slots__ = ("_moment", "_monotonic", "_since")

    def __init__(self, start: datetime, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._moment = _aware(start)
        self._since = monotonic()

    def __call__(self) -> datetime:
        """The present moment."""
        return self._moment + timedelta(seconds=self._monotonic() - self._since)

    def jump(self, to: datetime) -> None:
        """Make `to` the present moment; raises `ValueError` for a jump into the past."""
        self._moment = _later(_aware(to), self())
        self._since = self._monotonic()


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a clock needs an aware datetime")
    return moment.astimezone(UTC)


def _later(to: datetime, now: datetime) -> datetime:
    if to < now:
        raise ValueError(f"{to.isoformat()} is past: business time only goes forward")
    return to
