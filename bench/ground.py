"""What a run stands on: a broker and a PostgreSQL of its own, with their ordinary settings.

`fsync` and `synchronous_commit` are on. Every measurement gets a database of its own, so
that none finds what another left.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aio_pika
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from followup_contracts.topology import QUEUES
from followup_database.embedded import EmbeddedPostgres
from followup_database.engine import async_url
from followup_testkit.brokers import Broker, find_broker
from followup_testkit.reaper import Reaper


@dataclass
class Ground:
    """The servers; `size` multiplies how much of everything is measured."""

    reaper: Reaper
    broker: Broker
    postgres: EmbeddedPostgres
    folder: Path
    size: float

    @classmethod
    def start(cls, *, size: float = 1.0) -> Self:
        """Start both; they end with this process, however it ends."""
        folder = Path(tempfile.mkdtemp(prefix="followup-bench-"))
        folder.chmod(0o755)
        reaper = Reaper()
        reaper.delete(folder)
        broker = find_broker(folder / "rabbit", reaper)
        reaper.stop_postgres(folder / "postgres")
        return cls(reaper, broker, EmbeddedPostgres.start(folder / "postgres"), folder, size)

    def stop(self) -> None:
        """End both."""
        self.broker.stop()
        self.postgres.stop()
        self.reaper.close()

    def scaled(self, count: int) -> int:
        """A count at this run's size."""
        return max(1, int(count * self.size))

    async def database(self, name: str, *, like: str | None = None) -> str:
        """Make a database, empty or a copy of another; returns its address."""
        await self._administer(f"DROP DATABASE IF EXISTS {name}")
        await self._administer(f"CREATE DATABASE {name}" + (f" TEMPLATE {like}" if like else ""))
        return make_url(self.postgres.url).set(database=name).render_as_string(hide_password=False)

    async def drop(self, name: str) -> None:
        """Delete a database and give its space back."""
        await self._administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def clear_broker(self) -> None:
        """Delete the services' queues with what is left in them."""
        connection = await aio_pika.connect(self.broker.url)
        async with connection:
            channel = await connection.channel()
            for queue in QUEUES:
                await channel.queue_delete(queue.name)

    async def _administer(self, statement: str) -> None:
        engine = create_async_engine(async_url(self.postgres.url), isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(statement))
        await engine.dispose()
