"""A business clock that can be jumped; for the demo and for tests.

Machine time (leases, time-outs, sweeps) never follows it: nothing here is for that.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SteppingClock:
    """Business time from `start` on, flowing with machine time, jumped forward at will.

    Calling it gives the present moment in UTC. Hand it to `Databases.open(clock=…)`.
    """

    __slots__ = ("_moment", "_monotonic", "_since")

    def __init__(self, start: datetime, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._monotonic = monotonic
        self._moment = start.astimezone(UTC)
        self._since = monotonic()

    def __call__(self) -> datetime:
        """The present moment."""
        return self._moment + timedelta(seconds=self._monotonic() - self._since)

    def jump(self, to: datetime) -> None:
        """Make `to` the present moment; raises `ValueError` for a jump into the past."""
        if to < self():
            raise ValueError(f"{to.isoformat()} is past: business time only goes forward")
        self._moment = to.astimezone(UTC)
        self._since = self._monotonic()
