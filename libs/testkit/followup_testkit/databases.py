"""Databases for tests: one server a session, one fresh migrated database a test."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from followup_database import Owner, migrate, new_id
from followup_database.embedded import EmbeddedPostgres
from followup_database.engine import async_url
from followup_testkit.reaper import Reaper

VARIABLE = "FOLLOWUP_TEST_DATABASE_URL"


@dataclass(slots=True)
class PostgresForTests:
    """A server: the one in FOLLOWUP_TEST_DATABASE_URL, else the embedded one."""

    url: str
    embedded: EmbeddedPostgres | None = None
    template: str | None = None

    @classmethod
    def start(cls, folder: Path, reaper: Reaper) -> Self:
        """Find or start it; the embedded one keeps its data under `folder`."""
        if given := os.environ.get(VARIABLE):
            return cls(given)
        data = folder / "postgres"
        reaper.stop_postgres(data)
        server = EmbeddedPostgres.start(data)
        return cls(server.url, server)

    async def prepare(self, owners: Sequence[Owner]) -> None:
        """Migrate all owners once, into the template that fresh databases are copied from."""
        name = f"followup_template_{os.getpid()}"
        await self._execute(f'DROP DATABASE IF EXISTS "{name}"')
        await self._execute(f'CREATE DATABASE "{name}"')
        await migrate(self.named(name), owners)
        self.template = name

    async def fresh(self) -> str:
        """The address of a new migrated database."""
        name = f"followup_{new_id().hex}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"')
        return self.named(name)

    async def empty(self) -> str:
        """The address of a new database that nobody has migrated."""
        name = f"followup_{new_id().hex}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self.named(name)

    async def drop(self, url: str) -> None:
        """Delete a database, whoever is still connected to it."""
        await self._execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    async def stop(self) -> None:
        """Let go of the server; on a shared one the template is deleted."""
        if self.embedded is not None:
            self.embedded.stop()
        elif self.template is not None:
            await self.drop(self.named(self.template))

    def named(self, database: str) -> str:
        """The address of one of the server's databases."""
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    async def _execute(self, statement: str) -> None:
        engine = create_async_engine(async_url(self.url), isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(text(statement))
        finally:
            await engine.dispose()


def server_address(url: str) -> tuple[str, int] | str:
    """Where a proxy reaches the server of a database: host and port, or a socket's path."""
    parts = make_url(url)
    host = _first(parts.query.get("host")) or parts.host or "127.0.0.1"
    port = parts.port or int(_first(parts.query.get("port")) or 5432)
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


def through(url: str, host: str, port: int) -> str:
    """The same database by way of a proxy that listens on host and port."""
    parts = make_url(url)
    query = {name: value for name, value in parts.query.items() if name not in ("host", "port")}
    moved = URL.create(
        parts.drivername,
        username=parts.username,
        password=parts.password,
        host=host,
        port=port,
        database=parts.database,
        query=query,
    )
    return moved.render_as_string(hide_password=False)


def _first(value: str | tuple[str, ...] | None) -> str | None:
    return value[0] if isinstance(value, tuple) else value
