"""Everything in one process: database, bus and all services under one application.

    async with Embedded(settings) as house:
        async with house.running():
            ...  # house.app is an ASGI application; mount it or serve it

Without `database_url` a real PostgreSQL is started in `data_dir`; without `amqp_url`
the bus is in process. The services do not know which.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from fastapi import FastAPI
from sqlalchemy.pool import QueuePool

from followup_database import Database, migrate
from followup_database.embedded import EmbeddedPostgres
from followup_directory import Tenant, ensure_default_tenant
from followup_dispatcher import wiring as dispatcher
from followup_embedded.owners import OWNERS
from followup_intake import wiring as intake
from followup_messaging.inprocess import InProcessBus
from followup_messaging.port import Bus
from followup_messaging.rabbitmq import RabbitBus
from followup_replies import wiring as replies
from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.loops import LoopRunner, Runner
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service
from followup_runtime.settings import Settings
from followup_scheduler import wiring as scheduler

BUILDERS: Mapping[str, Callable[..., Service]] = {
    "intake": intake.build,
    "scheduler": scheduler.build,
    "dispatcher": dispatcher.build,
    "replies": replies.build,
}
"""Every service by name; the one place that knows them all."""

POOL = 12
DRAIN_SECONDS = 6.0
SETTLE_SECONDS = 2.0
"""What is on its way may take so long to arrive before the drain cuts it off."""

_POLL = 0.002

Clock = Callable[[], datetime | None]


class Embedded:
    """All of Followup in this process, from `async with` to its end.

    `clock` replaces business time (a demo, a test); None leaves it to the database.
    Entering migrates, and makes tenant `default` with the bootstrap key of the settings.
    """

    databases: Databases
    bus: Bus
    metrics: Metrics
    services: Sequence[Service]
    app: FastAPI
    tenant: Tenant

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self._clock = clock
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start the database and the bus, migrate and build the services."""
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of everything, in reverse order."""
        await self._stack.aclose()

    @property
    def pending(self) -> int:
        """What all services hold in memory; 0 means that nothing moves by itself."""
        return sum(service.pending() for service in self.services)

    @property
    def still(self) -> bool:
        """Whether at this instant nothing is held in memory and no transaction is open."""
        return self.pending == 0 and not any(
            _in_use(database) for database in (self.databases.api, self.databases.worker)
        )

    def nudge(self) -> None:
        """Say that the business clock was jumped: what has come due is looked for at once."""
        for service in self.services:
            service.nudge()

    async def settled(self, *, within: float) -> bool:
        """Wait until nothing is pending any more, at most so many seconds."""
        try:
            async with asyncio.timeout(within):
                while self.pending:  # noqa: ASYNC110 - held in many places, none knows of us
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            return False
        return True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Event]:
        """Run every consumer and loop for the block, then drain as a process would.

        The event is set when one of them ends before the block does. Drain: loops end
        first, for they make new work; what is on its way has a moment to arrive, for in
        process a message is confirmed by its consumer; then consumers, then relays.
        """
        stops = [asyncio.Event() for _ in range(3)]
        broken = asyncio.Event()
        stages: list[list[asyncio.Task[None]]] = [[], [], []]
        for stage, runner in self._staged():
            task = asyncio.create_task(runner.run(stops[stage]), name=runner.name)
            task.add_done_callback(lambda _: broken.set())
            stages[stage].append(task)
        try:
            yield broken
        finally:
            whole = not broken.is_set()
            for number, (stop, tasks) in enumerate(zip(stops, stages, strict=True)):
                stop.set()
                await _ended(tasks)
                if number == 0 and whole:
                    await self.settled(within=SETTLE_SECONDS)

    def _staged(self) -> Iterator[tuple[int, Runner]]:
        """Every runner with the stage of the drain in which it ends."""
        for service in self.services:
            yield from ((0 if isinstance(r, LoopRunner) else 1, r) for r in service.runners)
            yield from ((2, r) for r in service.finishers)

    async def _open(self) -> None:
        url = self.settings.database_url or await self._database()
        await migrate(url, OWNERS)
        self.databases = Databases.open(url, api_pool=POOL, worker_pool=2 * POOL, clock=self._clock)
        self._stack.push_async_callback(self.databases.close)
        async with self.databases.worker.transaction() as tx:
            self.tenant = await ensure_default_tenant(tx, self.settings.bootstrap_key)
        amqp = self.settings.amqp_url
        self.bus = InProcessBus() if amqp is None else RabbitBus(amqp)
        await self.bus.connect()
        self._stack.push_async_callback(self.bus.close)
        self.metrics = Metrics()
        self.services = [
            build(self.settings, bus=self.bus, databases=self.databases, metrics=self.metrics)
            for build in BUILDERS.values()
        ]
        for service in self.services:
            self._stack.push_async_callback(service.close)
        self.app = create_app(self.services, self.databases, self.metrics)

    async def _database(self) -> str:
        folder = self.settings.data_dir / "postgres"
        server = await asyncio.to_thread(EmbeddedPostgres.start, folder)
        self._stack.push_async_callback(asyncio.to_thread, server.stop)
        return server.url


def _in_use(database: Database) -> int:
    """Connections of its pool that somebody holds."""
    pool = database.engine.pool
    if not isinstance(pool, QueuePool):
        raise TypeError(f"{type(pool).__name__} does not count its connections")
    return pool.checkedout()


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for their own end; what is late is cut off, and what failed says so."""
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        for task in late:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        errors = [r for r in results if isinstance(r, Exception)]
        if errors:
            raise ExceptionGroup("parts of the process failed", errors)
