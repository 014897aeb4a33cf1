"""Handing out the slots of a rate: a run of them, reserved at once, cut into touches.

A rate is a generic cell rate algorithm: one number, the next free moment. A
reservation moves it on by what was granted; touches take their segments from the
run in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Run:
    """`granted` slots of a rate, the first at `start`, one `every` so long."""

    start: datetime
    granted: int
    every: timedelta

    @property
    def free_again(self) -> datetime:
        """The first moment after this run: the estimate for what got no slot."""
        return self.start + self.granted * self.every


def allot(run: Run, costs: Sequence[int]) -> list[datetime | None]:
    """The moment of each touch, given how many slots each costs; None: no slot left.

    In order, and a touch that does not fit does not let a cheaper later one pass it,
    so a long message is never starved by short ones.
    """
    moments: list[datetime | None] = []
    used, full = 0, False
    for cost in costs:
        full = full or used + cost > run.granted
        moments.append(None if full else run.start + used * run.every)
        used += 0 if full else cost
    return moments
