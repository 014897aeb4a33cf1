"""What a race is run on: servers of its own, and each service a process of its own."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from followup_database import migrate
from followup_database.embedded import EmbeddedPostgres
from followup_directory.vault import new_secret_key
from followup_embedded.owners import OWNERS
from followup_testkit.brokers import own_broker
from followup_testkit.ports import free_port
from followup_testkit.reaper import Reaper
from followup_testkit.waiting import until
from race.asking import ask

SERVICES = {"intake": 1, "scheduler": 2, "dispatcher": 3, "replies": 2}
FEW_SERVICES = {"intake": 1, "scheduler": 1, "dispatcher": 2, "replies": 1}
"""Processes of each service: of a whole run, and of a short one."""

SUPPRESSION_KEY = "the suppression key of a race"
PUBLIC_URL = "https://race.example"

_READY_WITHIN = 60.0
_DRAIN_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Servers:
    """A database, migrated, and a broker."""

    database_url: str
    amqp_url: str
    reaper: Reaper
    ours: tuple[EmbeddedPostgres, object] | None = None

    @classmethod
    async def start(cls) -> Self:
        """Servers of this run's own, with their ordinary settings."""
        folder = Path(tempfile.mkdtemp(prefix="followup-race-"))
        folder.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet; PostgreSQL has its own user
        reaper = Reaper()
        reaper.delete(folder)
        broker = await asyncio.to_thread(own_broker, folder / "rabbit", reaper)
        reaper.stop_postgres(folder / "postgres")
        postgres = await asyncio.to_thread(EmbeddedPostgres.start, folder / "postgres")
        await migrate(postgres.url, OWNERS)
        return cls(postgres.url, broker.url, reaper, (postgres, broker))

    @classmethod
    def given(cls, database_url: str, amqp_url: str) -> Self:
        """Somebody else's: the database is migrated, the broker has nothing in it."""
        return cls(database_url, amqp_url, Reaper())

    def stop(self) -> None:
        """End what was started."""
        if self.ours is not None:
            postgres, broker = self.ours
            broker.stop()
            postgres.stop()
        self.reaper.close()


@dataclass
class Ground:
    """The processes, by name."""

    servers: Servers
    services: Mapping[str, int] = field(default_factory=lambda: SERVICES)
    secret_key: str = field(default_factory=new_secret_key)
    logs: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="followup-race-logs-")))
    texts: int = field(default_factory=free_port)
    mail: int = field(default_factory=free_port)
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)

    @property
    def provider(self) -> str:
        """Where the provider takes texts."""
        return f"http://127.0.0.1:{self.texts}"

    async def start(self) -> None:
        """Start everything and wait until it is ready."""
        script = str(Path(__file__).with_name("provider.py"))
        await self._spawn("provider", [script, str(self.texts), str(self.mail)])
        for service in self.services:
            for name in self.names(service):
                port = free_port()
                self.urls[name] = f"http://127.0.0.1:{port}"
                await self._spawn(name, ["-m", f"followup_{service}"], port=port)
        await self._answering("provider", f"{self.provider}/arrivals?from=0")
        for name, url in self.urls.items():
            await self._answering(name, f"{url}/readyz")

    def names(self, service: str) -> list[str]:
        """The processes of a service."""
        return [f"{service}-{number + 1}" for number in range(self.services[service])]

    async def stop(self) -> None:
        """Drain the services, then end whatever is left."""
        for process in self.processes.values():
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes.values():
            with suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_WITHIN):
                    await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a process a signal."""
        self.processes[name].send_signal(number)

    async def _spawn(self, name: str, arguments: list[str], *, port: int = 0) -> None:
        with (self.logs / f"{name}.log").open("wb") as log:
            self.processes[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                env={**os.environ, **self._environment(), "FOLLOWUP_HTTP_PORT": str(port)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.servers.reaper.kill_group(self.processes[name].pid)

    async def _answering(self, name: str, url: str) -> None:
        async def ready() -> bool:
            process = self.processes[name]
            if process.returncode is not None:
                tail = (self.logs / f"{name}.log").read_text()[-2000:]
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{tail}")
            try:
                return (await ask("GET", url)).status == 200
            except OSError:
                return False

        await until(ready, within=_READY_WITHIN, what=f"{name} ready")

    def _environment(self) -> dict[str, str]:
        return {
            "FOLLOWUP_DATABASE_URL": self.servers.database_url,
            "FOLLOWUP_AMQP_URL": self.servers.amqp_url,
            "FOLLOWUP_SECRET_KEYS": self.secret_key,
            "FOLLOWUP_SUPPRESSION_KEY": SUPPRESSION_KEY,
            "FOLLOWUP_PUBLIC_URL": PUBLIC_URL,
            "FOLLOWUP_API_POOL": "4",
            "FOLLOWUP_WORKER_POOL": "6",
            "FOLLOWUP_LOG_LEVEL": "WARNING",
        }
