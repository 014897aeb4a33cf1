"""The distributed deployment that a run injures, with everything it stands on.

Each service is a process behind one front per service; broker and database are reached
through proxies. Whatever ends by itself is started again, as a supervisor would.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg
from fleet import Fleet

from chaos.evidence import Disruption
from chaos.plan import REPLICAS, SERVICES
from chaos.provider import ACCOUNT, TOKEN
from chaos.proxies import Front, ports_towards
from followup_database import migrate
from followup_database.embedded import EmbeddedPostgres
from followup_embedded.owners import OWNERS
from followup_testkit.brokers import OwnBroker, own_broker
from followup_testkit.databases import server_address, through
from followup_testkit.ports import free_port
from followup_testkit.proxies import TcpProxy
from followup_testkit.reaper import Reaper
from followup_testkit.waiting import until

CHANNELS = ("sms", "voice")
SETTLING = 4
"""Seconds after which the stub's list counts as whole: it never lags."""
RESTART_AFTER = 0.5
RECOVERIES = 9
LOOK_LIMIT = 1.5


def service_of(name: str) -> str:
    """The service a replica is one of."""
    return name.partition("-")[0]


@dataclass(frozen=True)
class Vendor:
    """The stub provider, in its own process."""

    base_url: str
    control: str
    account_sid: str = ACCOUNT
    auth_token: str = TOKEN

    @property
    def port(self) -> int:
        """Where services reach it."""
        return int(self.base_url.rpartition(":")[2])


@dataclass
class Deployment:
    """What a run may look at and injure."""

    fleet: Fleet
    vendor: Vendor
    broker: OwnBroker
    postgres: EmbeddedPostgres
    amqp: TcpProxy
    database: TcpProxy
    fronts: MappingProxyType[str, Front]
    disruptions: list[Disruption] = field(default_factory=list)
    exits: Counter[str] = field(default_factory=Counter)
    doomed: dict[str, float] = field(default_factory=dict)
    """Replicas that we end ourselves, with the seconds until they come back."""
    closing: bool = False

    def url(self, service: str) -> str:
        """Where clients reach a service."""
        return self.fronts[service].url

    def process(self, name: str) -> asyncio.subprocess.Process | None:
        """A replica's process, if it is up."""
        process = self.fleet.processes.get(name)
        return None if process is None or process.returncode is not None else process

    def kill(self, name: str, *, back_in: float) -> bool:
        """SIGKILL a replica; False when it is down already."""
        process = self.process(name)
        if process is None:
            return False
        self.doomed[name] = back_in
        self.disturbed("kill", name, peers=self.peers(name))
        process.kill()
        return True

    async def terminate(self, name: str) -> int | None:
        """SIGTERM a replica and wait for its end; None when it is down already."""
        process = self.process(name)
        if process is None:
            return None
        self.doomed[name] = 0.0
        peers = self.peers(name)
        process.send_signal(signal.SIGTERM)
        code = await process.wait()
        if code != 0:
            self.disturbed("kill", name, peers=peers)
        return code

    async def freeze(self, name: str, *, seconds: float) -> bool:
        """SIGSTOP a replica for a while; False when it is down."""
        process = self.process(name)
        if process is None:
            return False
        began, peers = datetime.now(UTC), self.peers(name)
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            self.disturbed("freeze", name, peers=peers, since=began)
        return True

    def peers(self, name: str) -> frozenset[int]:
        """The ports by which a replica is connected to the provider now."""
        process = self.process(name)
        return frozenset() if process is None else ports_towards(process.pid, self.vendor.port)

    def disturbed(
        self, kind: str, name: str, *, peers: frozenset[int], since: datetime | None = None
    ) -> None:
        """Note what was done to a replica until now."""
        now = datetime.now(UTC)
        self.disruptions.append(Disruption(kind, name, since or now, now, peers))

    def crash_postgres(self) -> None:
        """Stop the server in immediate mode and start it again; blocks."""
        pid = self.postgres.server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        while _lives(pid):
            time.sleep(0.02)
        for _ in range(RECOVERIES):
            # It waits ten seconds for the recovery, and goes on waiting when asked again.
            with suppress(subprocess.SubprocessError):
                self.postgres.server.ensure_postgres_running()
                return
        raise RuntimeError("PostgreSQL does not come back after a crash")

    async def fill_postgres(self, *, seconds: float) -> None:
        """Take every connection the server has left, then break the services' own."""
        held: list[asyncpg.Connection] = []
        try:
            with suppress(asyncpg.PostgresError, OSError):
                while True:
                    held.append(await asyncpg.connect(self.postgres.url))
            await self.database.drop()
            with suppress(asyncpg.PostgresError, OSError):
                while True:
                    held.append(await asyncpg.connect(self.postgres.url))
            await asyncio.sleep(seconds)
        finally:
            for connection in held:
                connection.terminate()

    async def ready(self, name: str) -> bool:
        """Whether a replica is up and says that it can work."""
        process = self.process(name)
        if process is None:
            return False
        try:
            return await self.fleet.ready(name)
        except (AssertionError, OSError):
            return False

    async def any_ready(self, service: str) -> bool:
        """Whether some replica of a service is up and says so at once."""
        names = [name for name in REPLICAS if service_of(name) == service]
        try:
            async with asyncio.timeout(LOOK_LIMIT):
                return any(await asyncio.gather(*map(self.ready, names)))
        except TimeoutError:
            return False

    async def all_ready(self, *, within: float = 120.0) -> None:
        """Wait until every replica can work."""
        async with asyncio.TaskGroup() as group:
            for name in REPLICAS:
                condition = partial(self.ready, name)
                group.create_task(until(condition, within=within, what=f"{name} is ready"))

    async def supervise(self, name: str) -> None:
        """Keep a replica running; note how it ended when nobody had ended it."""
        while not self.closing:
            process = await self.fleet.spawn(service_of(name), name=name)
            code = await process.wait()
            assert self.fleet.reaper is not None
            self.fleet.reaper.forget_group(process.pid)
            pause = self.doomed.pop(name, None)
            if pause is None:
                self.exits[f"{name} exit {code}"] += 1
            await asyncio.sleep(RESTART_AFTER if pause is None else pause)


@asynccontextmanager
async def deployed(folder: Path, reaper: Reaper, *, seed: int) -> AsyncIterator[Deployment]:
    """Everything started, migrated and ready; ended with the block, and with this process."""
    async with AsyncExitStack() as stack:
        reaper.stop_postgres(folder / "postgres")
        broker, postgres = await asyncio.gather(
            asyncio.to_thread(own_broker, folder / "rabbit", reaper),
            asyncio.to_thread(EmbeddedPostgres.start, folder / "postgres"),
        )
        stack.callback(postgres.stop)
        stack.callback(broker.stop)
        await migrate(postgres.url, OWNERS)
        vendor = await _vendor(folder, reaper, stack, seed=seed)
        parts = urlsplit(broker.url)
        amqp = await stack.enter_async_context(TcpProxy((str(parts.hostname), parts.port or 5672)))
        database = await stack.enter_async_context(TcpProxy(server_address(postgres.url)))
        fleet = Fleet(
            through(postgres.url, database.host, database.port),
            urlunsplit(parts._replace(netloc=f"guest:guest@{amqp.host}:{amqp.port}")),
            folder,
            vendor,
            reaper=reaper,
        )
        ports = {name: free_port() for name in REPLICAS}
        fleet.urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        fronts = {}
        for service in SERVICES:
            front = Front([port for name, port in ports.items() if service_of(name) == service])
            fronts[service] = await stack.enter_async_context(front)
        fleet.environment["FOLLOWUP_PUBLIC_URL"] = fronts["replies"].url
        fleet.environment["FOLLOWUP_LOG_LEVEL"] = os.environ.get("CHAOS_LOG_LEVEL", "WARNING")
        await fleet.prepare(CHANNELS, settling_seconds=SETTLING)
        stack.push_async_callback(fleet.stop)
        deployment = Deployment(
            fleet, vendor, broker, postgres, amqp, database, MappingProxyType(fronts)
        )
        supervisors = [asyncio.create_task(deployment.supervise(name)) for name in REPLICAS]
        stack.push_async_callback(_end, deployment, supervisors)
        await deployment.all_ready()
        yield deployment


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended may wait for long to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


async def _end(deployment: Deployment, supervisors: list[asyncio.Task[None]]) -> None:
    deployment.closing = True
    for supervisor in supervisors:
        supervisor.cancel()
    await asyncio.gather(*supervisors, return_exceptions=True)


async def _vendor(folder: Path, reaper: Reaper, stack: AsyncExitStack, *, seed: int) -> Vendor:
    port, control = free_port(), free_port()
    script = str(Path(__file__).with_name("provider.py"))
    with (folder / "provider.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            script,
            *map(str, (port, control, seed)),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    reaper.kill_group(process.pid)
    stack.push_async_callback(process.wait)
    stack.callback(process.kill)
    url = f"http://127.0.0.1:{control}"

    async def answers() -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{url}/counts") as answer:
                return answer.ok
        except aiohttp.ClientError:
            return False

    await until(answers, what="the provider answers")
    return Vendor(f"http://127.0.0.1:{port}", url)
