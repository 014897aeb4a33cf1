"""Databases for tests: one server a session, one fresh migrated database a test."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
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

_DISCONNECT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
# Deleting beats truncating by far where there are a few rows: no new files, no fsync of them.
_FIND_ROWS = """
DO $$
DECLARE name regclass; found boolean; count int := 0;
BEGIN
  PERFORM set_config('session_replication_role', 'replica', true);  -- no triggers, no order
  FOR name IN
    SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'version'
       AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', name) INTO found;
    IF found THEN
      count := count + 1;
      IF NOT {pretend} THEN EXECUTE format('DELETE FROM %s', name); END IF;
    END IF;
  END LOOP;
  PERFORM set_config('test.found', count::text, true);
END $$
"""


@dataclass(slots=True)
class PostgresForTests:
    """A server: the one in FOLLOWUP_TEST_DATABASE_URL (a superuser), else the embedded one."""

    url: str
    embedded: EmbeddedPostgres | None = None
    template: str | None = None
    _clean: list[str] = field(default_factory=list)
    _seeded: bool = False

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
        self._seeded = await self._delete_rows(self.named(name), pretend=True) > 0
        self.template = name

    async def borrow(self) -> str:
        """The address of a migrated database without a row in it, to be given back.

        Emptying one takes a fiftieth of the time that making one does. A test that
        changes the schema itself makes its own by `fresh`.
        """
        return self._clean.pop() if self._clean else await self.fresh()

    async def give_back(self, url: str) -> None:
        """Break what is still connected to it and empty it for the next test."""
        await self._execute(_DISCONNECT.format(name=make_url(url).database))
        if self._seeded:  # rows that a migration made cannot be told from a test's
            await self.drop(url)
            return
        await self._delete_rows(url, pretend=False)
        self._clean.append(url)

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
        """Let go of the server; on a shared one what was made is deleted."""
        if self.embedded is not None:
            self.embedded.stop()
            return
        template = [] if self.template is None else [self.named(self.template)]
        for url in (*self._clean, *template):
            await self.drop(url)

    def named(self, database: str) -> str:
        """The address of one of the server's databases."""
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    async def _delete_rows(self, url: str, *, pretend: bool) -> int:
        """Empty every table that is not; how many there were."""
        engine = create_async_engine(async_url(url))
        try:
            async with engine.begin() as connection:
                await connection.execute(text(_FIND_ROWS.format(pretend=str(pretend).lower())))
                return int(await connection.scalar(text("SELECT current_setting('test.found')")))
        finally:
            await engine.dispose()

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
