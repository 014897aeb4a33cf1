"""The fence between a stop and the sends it forbids.

A claim that looked before the stop committed has begun its call, or given up, within
`LEASE` of the time before its transaction began. Whoever stops answers no earlier than
`ACKNOWLEDGE_AFTER` behind its own commit. So when the stop is answered, no send it
forbids begins any more: without locks, and without clocks that agree.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

LEASE = 0.150
"""Seconds from before a claim's transaction to the first byte of its call."""

ACKNOWLEDGE_AFTER = 0.250
"""Seconds from a stop's commit to its answer: the lease and room for a late scheduler."""


class StopFence:
    """The stopping side's wait, on this machine's monotonic clock."""

    __slots__ = ("_monotonic", "_sleep")

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep

    def moment(self) -> float:
        """The monotonic time; take it right after the commit."""
        return self._monotonic()

    async def settle(self, committed_at: float) -> None:
        """Return when `ACKNOWLEDGE_AFTER` has passed since `committed_at`.

        For a message seen before, `committed_at` is the moment after reading that:
        the first delivery's commit may be only just behind us.
        """
        # A timer may ring a clock tick early; the promise may not.
        while (left := committed_at + ACKNOWLEDGE_AFTER - self._monotonic()) > 0:
            await self._sleep(left)
