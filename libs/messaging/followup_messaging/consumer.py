"""The consumer loop: the heart of every service, written once.

Take a batch; one transaction for inbox, handler and outbox; commit; settle. What comes
out of it leaves beside this loop, by the relay.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from followup_contracts import Message, Unreadable, decode
from followup_contracts.envelope import MAX_BYTES
from followup_database import Database, Transaction
from followup_database.errors import is_conflict, is_outage
from followup_messaging import dead, inbox
from followup_messaging.errors import BusDown
from followup_messaging.failures import describe, origin
from followup_messaging.identity import identify
from followup_messaging.port import Bus, Delivery, Subscription

Handler = Callable[[Transaction, Sequence[Message]], Awaitable[None]]
"""Handles messages not handled before, in the transaction that notes that they are.

It may be called again with the same messages, if its transaction came to nothing.
"""

TRIES = 3
"""Failures of a message on its own that make it a dead letter."""
BLAMELESS_TRIES = 10
"""The same for failures that look like somebody else's: a deadlock, a broken connection."""
TRY_PAUSE = 0.1
PAUSE_FIRST, PAUSE_MOST = 0.1, 5.0

_log = structlog.get_logger()
_T = TypeVar("_T")


class Consumer:
    """Handles one queue of one service until told to stop.

    Each message's effect is committed once, however often it arrives (`inbox` off: the
    handler sees to that itself). A message that cannot be read, or fails `TRIES` times
    on its own, becomes a dead letter. While the database or the broker is down nothing
    is taken and nothing lost. `counts` holds what became of messages.
    """

    def __init__(  # noqa: PLR0913 - keyword-only wiring
        self,
        *,
        bus: Bus,
        database: Database,
        queue: str,
        service: str,
        handle: Handler,
        most: int = 200,
        linger: float = 0.004,
        prefetch: int = 100,
        inbox: bool = True,
    ) -> None:
        self.name = f"{service}:{queue}"
        self.counts: Counter[str] = Counter()
        self._bus = bus
        self._database = database
        self._queue = queue
        self._service = service
        self._handle = handle
        self._most = most
        self._linger = linger
        self._prefetch = prefetch
        self._inbox = inbox
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`; a batch begun is finished and settled first."""
        self._stop = stop
        pause = PAUSE_FIRST
        while not stop.is_set():
            before = self.counts["taken"]
            try:
                async with self._bus.subscribe(self._queue, prefetch=self._prefetch) as source:
                    await self._consume(source)
            except BusDown:
                cause = "bus"
            except Exception as error:  # noqa: BLE001 - see below
                # Unexpected failures end here too: the subscription is closed, its
                # messages come again, and a consumer never dies of one of them.
                cause = "database" if is_outage(error) else "unexpected"
                if cause == "unexpected":
                    self._report("consumer failed", error)
            else:
                return
            pause = PAUSE_FIRST if self.counts["taken"] > before else min(pause * 2, PAUSE_MOST)
            _log.warning("consumer pauses", consumer=self.name, cause=cause, seconds=pause)
            self.counts["pauses"] += 1
            await self._rest(pause, probe=cause == "database")

    async def _consume(self, source: Subscription) -> None:
        while not self._stop.is_set():
            batch = await self._until_stopped(source.take(most=self._most, linger=self._linger))
            if batch is None:
                return
            self.counts["taken"] += len(batch)
            await self._work(source, batch)

    async def _work(self, source: Subscription, batch: Sequence[Delivery]) -> None:
        readable = await self._read(source, batch)
        if not readable:
            return
        try:
            await self._handle_all([message for _, message in readable])
        except Exception as error:
            if is_outage(error):
                raise
            if len(readable) > 1:
                self._report("batch failed", error)
            for delivery, message in readable:
                await self._one(source, delivery, message)
            return
        await source.settle([delivery for delivery, _ in readable])

    async def _handle_all(self, messages: Sequence[Message]) -> None:
        async with self._database.transaction(plans_stay=True) as tx:
            fresh = await self._fresh(tx, messages)
            if fresh:
                await self._handle(tx, fresh)
        self.counts["handled"] += len(fresh)
        self.counts["repeated"] += len(messages) - len(fresh)

    async def _fresh(self, tx: Transaction, messages: Sequence[Message]) -> list[Message]:
        unique = {message.id: message for message in messages}
        if not self._inbox:
            return list(unique.values())
        new = await inbox.record(tx, self._service, list(unique.values()))
        return [message for id_, message in unique.items() if id_ in new]

    async def _one(self, source: Subscription, delivery: Delivery, message: Message) -> None:
        """One message alone; after its tries it is dead."""
        tries = 0
        while (error := await self._attempt(message)) is not None:
            tries += 1
            self._report("message failed", error, message=str(message.id), tries=tries)
            blameless = is_outage(error) or is_conflict(error)
            if tries >= (BLAMELESS_TRIES if blameless else TRIES):
                await self._bury([(delivery, describe(error))])
                break
            await self._rest(min(TRY_PAUSE * tries, PAUSE_MOST))
            if self._stop.is_set():
                return  # unsettled, so it comes again elsewhere, with all its tries
        await source.settle([delivery])

    async def _attempt(self, message: Message) -> Exception | None:
        """What went wrong with one message; raises what is an outage beyond doubt."""
        try:
            await self._handle_all([message])
        except Exception as error:
            if is_outage(error) and not await self._answers():
                raise
            return error
        return None

    async def _read(
        self, source: Subscription, batch: Sequence[Delivery]
    ) -> list[tuple[Delivery, Message]]:
        readable: list[tuple[Delivery, Message]] = []
        unreadable: list[tuple[Delivery, str]] = []
        for delivery in batch:
            try:
                readable.append((delivery, decode(delivery.body)))
            except Unreadable as error:
                unreadable.append((delivery, str(error)))
        if unreadable:
            await self._bury(unreadable)
            whole = [d for d, _ in unreadable if len(d.body) <= MAX_BYTES]
            await source.settle(whole)
            # The letter holds only the beginning of these; the broker keeps them whole.
            for delivery in (d for d, _ in unreadable if len(d.body) > MAX_BYTES):
                await source.refuse(delivery)
        return readable

    async def _bury(self, letters: Sequence[tuple[Delivery, str]]) -> None:
        burials = [
            dead.Burial(
                consumer=self._service,
                queue=self._queue,
                routing_key=delivery.routing_key,
                body=delivery.body[:MAX_BYTES],
                error=error,
                message_id=identify(delivery.body).message_id,
                tenant_id=identify(delivery.body).tenant_id,
            )
            for delivery, error in letters
        ]
        async with self._database.transaction() as tx:
            await dead.bury(tx, burials)
        self.counts["dead"] += len(burials)
        for burial in burials:
            _log.error("dead letter", consumer=self.name, message=str(burial.message_id))

    async def _until_stopped(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """The work's result, or None when stopped before it was there."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            return None
        finally:
            stopped.cancel()
            task.cancel()
            await asyncio.wait((task, stopped))

    async def _rest(self, seconds: float, *, probe: bool = False) -> None:
        """Pause; with `probe` on, until the database answers. Stopping ends it at once."""
        while not self._stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stop.wait()
            if not probe or await self._answers():
                return
            seconds = min(seconds * 2, PAUSE_MOST)

    async def _answers(self) -> bool:
        try:
            async with self._database.transaction():
                return True
        except Exception as error:
            if not is_outage(error):
                raise
            return False

    def _report(self, event: str, error: BaseException, **ids: Any) -> None:
        _log.error(
            event,
            consumer=self.name,
            error=type(error).__name__,
            at=origin(error),
            **ids,
        )
