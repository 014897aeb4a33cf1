"""Loops: a body that does one round and says when the next is due, and what drives it."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

import structlog

from followup_database.errors import is_outage
from followup_runtime.metrics import Metrics

_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.1, 10.0


@dataclass(frozen=True, slots=True)
class Tick:
    """What one round did, and in how many seconds the next is due (0: at once)."""

    worked: int
    again_in: float


class Loop(Protocol):
    """A round that can be called on its own."""

    @property
    def name(self) -> str:
        """For logs and metrics; constant."""
        ...

    async def run_once(self) -> Tick:
        """Do a bounded amount of work. May raise: nothing of that round counts then."""
        ...


class Runner(Protocol):
    """Work that goes on until it is told to stop."""

    @property
    def name(self) -> str:
        """For logs and metrics; constant."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Return soon after `stop` is set, with the work in hand finished."""
        ...


class LoopRunner:
    """Ticks a loop: on time, at once when woken, and slower while it fails.

    An outage of the database is logged when it begins and when it ends; any other
    error each time, with an id. Neither ends the loop. The pause after failures
    doubles from 0.1 s to 10 s.
    """

    def __init__(
        self, loop: Loop, *, wake: asyncio.Event | None = None, metrics: Metrics | None = None
    ) -> None:
        self.loop = loop
        self.wake = wake
        self._log = structlog.get_logger("followup.loop").bind(loop=loop.name)
        self._errors = metrics.loop_errors.labels(loop.name) if metrics is not None else None
        self._due = metrics.loop_due.labels(loop.name) if metrics is not None else None
        self._failures = 0
        self._out = False

    @property
    def name(self) -> str:
        """The loop's."""
        return self.loop.name

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set; the round in hand is finished."""
        stopping = asyncio.ensure_future(stop.wait())
        self._due_in(0.0)
        try:
            while not stop.is_set():
                if self.wake is not None:
                    self.wake.clear()
                await self._pause(stopping, await self._round())
        finally:
            stopping.cancel()

    async def _round(self) -> float:
        try:
            tick = await self.loop.run_once()
        except Exception as error:  # noqa: BLE001 - a loop outlives whatever one round meets
            return self._failed(error)
        if self._out:
            self._log.info("loop.database_back")
        self._failures, self._out = 0, False
        self._due_in(tick.again_in)
        return tick.again_in

    def _due_in(self, seconds: float) -> None:
        """When the next round is due; it stays while a round hangs or rounds fail."""
        if self._due is not None:
            self._due.set(time.time() + seconds)

    def _failed(self, error: Exception) -> float:
        pause = min(_FIRST_BACKOFF * 2.0 ** min(self._failures, 16), _LONGEST_BACKOFF)
        self._failures += 1
        if self._errors is not None:
            self._errors.inc()
        if not is_outage(error):
            self._log.error("loop.failed", error_id=str(uuid4()), exc_info=error)
        elif not self._out:
            self._out = True
            self._log.warning("loop.database_unreachable", error=type(error).__name__)
        return pause

    async def _pause(self, stopping: asyncio.Future[Any], seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waits: set[asyncio.Future[Any]] = {stopping}
        woken = asyncio.ensure_future(self.wake.wait()) if self.wake is not None else None
        if woken is not None:
            waits.add(woken)
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if woken is not None:
                woken.cancel()
