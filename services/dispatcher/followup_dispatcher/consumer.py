"""Taking commands: no more than can be called now, settled once they are claimed.

There is no inbox here: the ledger is what makes a second delivery harmless.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from followup_contracts.commands import SendTouch
from followup_contracts.envelope import MAX_BYTES, Message, Unreadable, decode
from followup_contracts.payload import Lane
from followup_database import Database
from followup_database.errors import is_outage
from followup_dispatcher.calls import Caller
from followup_dispatcher.capacity import Capacity
from followup_dispatcher.claims import ClaimDesk
from followup_dispatcher.metrics import Metrics
from followup_messaging import dead
from followup_messaging.errors import BusDown
from followup_messaging.failures import describe
from followup_messaging.port import Bus, Delivery, Subscription

log = structlog.get_logger(__name__)

T = TypeVar("T")

MOST = 64
LINGER = 0.002
RECHECK = 0.2
PATIENCE = 2.0
"""Seconds a command waits here for its account's share before the scheduler has it back."""
PAUSE_FIRST, PAUSE_MOST = 0.1, 5.0


class CommandConsumer:
    """One command queue: channel and lane."""

    def __init__(  # noqa: PLR0913 - keyword-only wiring
        self,
        *,
        bus: Bus,
        queue: str,
        lane: Lane,
        database: Database,
        desk: ClaimDesk,
        caller: Caller,
        capacity: Capacity,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"dispatcher:{queue}"
        self._bus = bus
        self._queue = queue
        self._lane = lane
        self._database = database
        self._desk = desk
        self._caller = caller
        self._capacity = capacity
        self._metrics = metrics
        self._clock = clock
        self._waiting: list[tuple[Delivery, Message, float]] = []
        self._seen = -1

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and call until `stop`; a batch begun is finished first."""
        pause = PAUSE_FIRST
        while not stop.is_set():
            self._waiting = []
            try:
                async with self._bus.subscribe(self._queue, prefetch=2 * MOST) as source:
                    while not stop.is_set():
                        await self._turn(source, stop)
                        pause = PAUSE_FIRST
                return
            except BusDown:
                log.warning("consumer_pauses", consumer=self.name, cause="bus", seconds=pause)
            except Exception as error:
                if not is_outage(error):
                    log.exception("consumer_failed", consumer=self.name)
                log.warning("consumer_pauses", consumer=self.name, cause="error", seconds=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(PAUSE_MOST, pause * 2)

    async def _turn(self, source: Subscription, stop: asyncio.Event) -> None:
        room = min(MOST, self._capacity.free(self._lane))
        if room <= 0:
            await _first(stop, self._capacity.changed())
            return
        if self._waiting and self._worth_another_try():
            self._seen = self._capacity.given_back
            again, self._waiting = self._waiting[:room], self._waiting[room:]
            await self._work(source, again)
            room = min(MOST, self._capacity.free(self._lane))
        if len(self._waiting) >= MOST or room <= 0:
            await _first(stop, asyncio.wait_for(self._capacity.changed(), RECHECK))
            return
        taking = source.take(most=room, linger=LINGER)
        if self._waiting:
            deliveries = await _first(stop, asyncio.wait_for(taking, RECHECK))
        else:
            deliveries = await _first(stop, taking)
        if deliveries:
            await self._work(source, await self._readable(source, deliveries))

    def _worth_another_try(self) -> bool:
        """Commands whose account had its full share: has anything changed for them?"""
        oldest = self._clock() - self._waiting[0][2]
        return self._capacity.given_back != self._seen or oldest > PATIENCE

    async def _work(
        self, source: Subscription, batch: Sequence[tuple[Delivery, Message, float]]
    ) -> None:
        if not batch:
            return
        self._metrics.claimed(len(batch))
        limit = self._clock() - PATIENCE
        tired = frozenset(message.id for _, message, since in batch if since < limit)
        try:
            claims = await self._desk.claim([message for _, message, _ in batch], tired=tired)
        except Exception as error:
            if is_outage(error) or len(batch) == 1:
                if not is_outage(error):
                    await self._bury(source, batch[0][0], describe(error))
                    return
                raise
            for one in batch:
                await self._work(source, [one])
            return
        self._caller.begin(claims.claimed)
        postponed = {message.id for message in claims.postponed}
        self._waiting += [one for one in batch if one[1].id in postponed]
        await source.settle([d for d, message, _ in batch if message.id not in postponed])

    async def _readable(
        self, source: Subscription, deliveries: Sequence[Delivery]
    ) -> list[tuple[Delivery, Message, float]]:
        readable = []
        for delivery in deliveries:
            try:
                message = decode(delivery.body)
                if not isinstance(message.data, SendTouch):
                    raise Unreadable(f"{message.type} does not belong on {self._queue}")
            except Unreadable as error:
                await self._bury(source, delivery, str(error))
            else:
                readable.append((delivery, message, self._clock()))
        return readable

    async def _bury(self, source: Subscription, delivery: Delivery, error: str) -> None:
        burial = dead.Burial(
            consumer="dispatcher",
            queue=self._queue,
            routing_key=delivery.routing_key,
            body=delivery.body[:MAX_BYTES],
            error=error,
        )
        async with self._database.transaction() as tx:
            await dead.bury(tx, [burial])
        log.error("dead_letter", consumer=self.name)
        await source.settle([delivery])


async def _first(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The work's result, or None when stopped, or its own time was up, before that."""
    task = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        with suppress(TimeoutError):
            return task.result() if task.done() else None
        return None
    finally:
        stopped.cancel()
        task.cancel()
        await asyncio.wait((task, stopped))
