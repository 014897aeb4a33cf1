"""The task that publishes what was committed, beside everything else."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import text

from followup_database import Database
from followup_database.errors import is_outage
from followup_messaging.port import Bus, Fate, Outgoing
from followup_messaging.turns import Turns

BATCH = 500
FORGET_AFTER = 0.5
"""Seconds in which rows nobody waits for are gathered, to be deleted together."""
FLYING = 32
"""Publishes under way at once: a queue nobody reads must not hold up the others."""
LATER_BATCH, LATER_FLYING = 100, 16
"""The same for lane `later`: what comes after it on the wire must not wait for long."""
PUBLISH_LIMIT = 10.0
"""Seconds until a publish that nobody confirms counts as failed."""
DRAIN_LIMIT = 1.5
"""Seconds given to the last publishes of a process that ends; rows are safe anyway. Less
than a process gives its finishers (2 s), so that it ends by itself."""
WAITING_LIMIT = 25_000
"""Messages of a lane kept in memory; past it events wait for the sweeper, commands for the
reconciler."""
TRIES = 6
"""Publishes of an event by this task, over some 6 s; after them the sweeper has it."""

_FORGET = text("DELETE FROM messaging.outbox WHERE id = ANY(CAST(:ids AS uuid[]))")

_log = structlog.get_logger()


@dataclass(slots=True)
class Parcel:
    """A message to publish. `stored`: it has an outbox row; `awaited`: services must handle it."""

    outgoing: Outgoing
    tenant_id: UUID
    stored: bool
    awaited: bool
    tries: int = 0

    @property
    def later(self) -> bool:
        """Whether it is of lane `later`, which its routing key ends with."""
        return self.outgoing.routing_key.endswith(".later")

    @property
    def ends_when_confirmed(self) -> bool:
        """Nobody of ours is waited for, so the confirmed row is of no more use."""
        return self.stored and not self.awaited


class Relay:
    """Publishes in bulk what `hand_over` gives it, until told to stop.

    Handing over never waits. A stored message that fails is tried again with growing
    pauses, then left to the sweeper; one without a row is dropped with a log line.
    `counts` holds what became of messages, by fate.
    """

    def __init__(self, service: str, bus: Bus, database: Database) -> None:
        self.name = f"{service}.relay"
        self.counts: Counter[str] = Counter()
        self._bus = bus
        self._database = database
        self._urgent: Turns[Parcel] = Turns()
        self._later: Turns[Parcel] = Turns()
        self._flying: set[asyncio.Task[None]] = set()
        self._later_flying = 0
        self._pausing = 0
        self._news = asyncio.Event()
        self._stopped = False
        self._forgettable: list[UUID] = []
        self._forgetting: asyncio.Task[None] | None = None

    @property
    def pending(self) -> int:
        """Messages in memory that are not confirmed yet; 0 means that all is out."""
        return self._waiting + self._pausing + len(self._flying)

    @property
    def _waiting(self) -> int:
        return len(self._urgent) + len(self._later)

    def hand_over(self, parcels: Sequence[Parcel]) -> None:
        """Take these to be published; called after a commit."""
        for parcel in parcels:
            turns = self._later if parcel.later else self._urgent
            if len(turns) < WAITING_LIMIT:
                turns.add(parcel.tenant_id, parcel)
            else:
                self.counts["overflow"] += 1
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop`, then what is left, for at most `DRAIN_LIMIT` seconds."""
        self._stopped = False
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._news.set())
        try:
            while not stop.is_set():
                await self._news.wait()
                self._news.clear()
                self._launch()
            await self._drain()
            await self._forget()
        finally:
            if self._forgetting is not None:
                self._forgetting.cancel()
            self._stopped = True
            stopping.cancel()
            for task in self._flying:
                task.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)

    async def _drain(self) -> None:
        self._stopped = True  # what fails from here on is not tried again
        try:
            async with asyncio.timeout(DRAIN_LIMIT):
                while self._waiting or self._flying:
                    self._launch()
                    await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            _log.warning("publishing not finished", relay=self.name, left=self.pending)

    def _launch(self) -> None:
        while self._urgent and len(self._flying) - self._later_flying < FLYING:
            self._fly(self._urgent.take(BATCH)).add_done_callback(self._landed)
        while self._later and not self._urgent and self._later_flying < LATER_FLYING:
            self._later_flying += 1
            self._fly(self._later.take(LATER_BATCH)).add_done_callback(self._landed_later)

    def _fly(self, batch: Sequence[Parcel]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._publish(batch))
        self._flying.add(task)
        return task

    def _landed_later(self, task: asyncio.Task[None]) -> None:
        self._later_flying -= 1
        self._landed(task)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._news.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("publishing failed", relay=self.name, error=type(error).__name__)

    async def _publish(self, batch: Sequence[Parcel]) -> None:
        fates = await self._fates([parcel.outgoing for parcel in batch])
        self.counts.update(fate.value for fate in fates)
        confirmed = [p for p, fate in zip(batch, fates, strict=True) if fate is Fate.CONFIRMED]
        others = [p for p, fate in zip(batch, fates, strict=True) if fate is not Fate.CONFIRMED]
        self._try_again([parcel for parcel in others if parcel.stored])
        for parcel in others:
            if not parcel.stored:
                _log.warning("command dropped", relay=self.name, message=str(parcel.outgoing.id))
        self._forget_soon(p.outgoing.id for p in confirmed if p.ends_when_confirmed)

    async def _fates(self, messages: Sequence[Outgoing]) -> Sequence[Fate]:
        try:
            async with asyncio.timeout(PUBLISH_LIMIT):
                return await self._bus.publish(messages)
        except TimeoutError:
            return [Fate.FAILED] * len(messages)

    def _try_again(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            parcel.tries += 1
        again = [parcel for parcel in parcels if parcel.tries < TRIES]
        if not again or self._stopped:
            return
        pause = 0.1 * 2 ** again[0].tries
        self._pausing += len(again)
        asyncio.get_running_loop().call_later(pause, self._resume, again)

    def _resume(self, parcels: Sequence[Parcel]) -> None:
        self._pausing -= len(parcels)
        self.hand_over(parcels)

    def _forget_soon(self, ids: Iterable[UUID]) -> None:
        """Have these rows deleted with others: nobody waits for it, and a commit is dear."""
        self._forgettable.extend(ids)
        if self._forgettable and (self._forgetting is None or self._forgetting.done()):
            self._forgetting = asyncio.create_task(self._forget_later())

    async def _forget_later(self) -> None:
        await asyncio.sleep(FORGET_AFTER)
        await self._forget()

    async def _forget(self) -> None:
        wanted, self._forgettable = self._forgettable, []
        if not wanted:
            return
        try:
            async with self._database.transaction() as tx:
                await tx.run(_FORGET, ids=wanted)
        except Exception as error:
            if not is_outage(error):
                raise
            # The sweeper publishes them once more and forgets them then.
            _log.warning("outbox not cleared", relay=self.name, rows=len(wanted))
