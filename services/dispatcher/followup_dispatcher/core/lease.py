"""A claim is a lease: the right to begin a call, for 150 ms.

The clock is this process's monotonic one, read before the claiming transaction
began, so the lease never outlives what the transaction saw. The stopping side waits
250 ms after its own commit before it answers; between the two no clocks need agree.
"""

from collections.abc import Callable
from dataclasses import dataclass

LEASE = 0.150
"""Seconds from before the claiming transaction to the first byte handed over."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`taken` is the monotonic moment before the claiming transaction began."""

    taken: float
    clock: Callable[[], float]

    def time_left(self) -> float:
        """Seconds in which the call may still begin; 0 or less: renew first."""
        return self.taken + LEASE - self.clock()
