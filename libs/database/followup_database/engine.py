"""Transactions: the one way to PostgreSQL.

Statements are SQLAlchemy's, and so is the pool; they are carried out by the driver
itself. Going through SQLAlchemy's cursor costs three times as much (docs/decisions/
statements-by-the-driver.md), and there is nothing it does that these statements need.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import TextClause, event, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from followup_database.beside import carry_out
from followup_database.errors import NotCommitted
from followup_database.roles import Role

Row = Mapping[str, Any]
"""A row by column name."""

_BEGIN = """
SELECT set_config('followup.tenant', $1, true), COALESCE($2::timestamptz, now()) AS now
"""
# A list of one key is cheaper by a plan of its own than by one for any list, so PostgreSQL
# would plan each time what takes longer to plan than to do (docs/decisions/plans-that-stay.md).
_BEGIN_BY_PLANS_THAT_STAY = """
SELECT set_config('followup.tenant', $1, true), COALESCE($2::timestamptz, now()) AS now,
       set_config('plan_cache_mode', 'force_generic_plan', true)
"""
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_UNDO_LIMIT = 5.0


class Transaction:
    """An open transaction, with the business time that holds for all of it.

    `now` is the database's clock unless the `Database` was given another; `tenant`
    is the tenant it was opened for (None: a worker's batch over all of them).
    JSON goes in as text (`to_json`) and comes out as Python values.
    """

    __slots__ = ("connection", "now", "on_commit", "tenant")

    def __init__(
        self, connection: "asyncpg.Connection[Any]", *, now: datetime, tenant: UUID | None
    ) -> None:
        self.connection = connection
        self.now = now
        self.tenant = tenant
        self.on_commit: list[Callable[[], None]] = []

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Have this called when the commit has succeeded; it must be quick and not fail."""
        self.on_commit.append(callback)

    async def all(self, statement: TextClause, /, **params: Any) -> Sequence[Row]:
        """Every row, by column name."""
        sql, names = compiled(statement.text)
        rows = await self.connection.fetch(sql, *(params[name] for name in names))
        return cast("Sequence[Row]", rows)

    async def first(self, statement: TextClause, /, **params: Any) -> Row | None:
        """The first row or None."""
        sql, names = compiled(statement.text)
        row = await self.connection.fetchrow(sql, *(params[name] for name in names))
        return cast("Row | None", row)

    async def scalar(self, statement: TextClause, /, **params: Any) -> Any:
        """The first column of the first row, or None."""
        sql, names = compiled(statement.text)
        return await self.connection.fetchval(sql, *(params[name] for name in names))

    async def run(self, statement: TextClause, /, **params: Any) -> int:
        """Carry out a statement and say how many rows it touched."""
        sql, names = compiled(statement.text)
        status = await self.connection.execute(sql, *(params[name] for name in names))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0


@lru_cache(maxsize=4096)
def compiled(statement: str) -> tuple[str, tuple[str, ...]]:
    """A statement with the driver's numbered parameters, and their names in order."""
    compiled = text(statement).compile(dialect=dialect())  # type: ignore[no-untyped-call]  # as SQLAlchemy has it
    return str(compiled), tuple(compiled.positiontup or ())


class Database:
    """A pool of connections under one role.

    `clock` gives business time for every transaction; None means the database's own
    clock, which is what production uses. Connections are made when first needed.
    """

    def __init__(
        self,
        url: str,
        *,
        role: Role,
        pool_size: int = 8,
        pool_timeout: float = 5.0,
        clock: Callable[[], datetime | None] | None = None,
        application: str = "followup",
    ) -> None:
        self.role = role
        self.clock = clock
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            pool_use_lifo=True,
            hide_parameters=True,  # they hold personal data, and errors are logged
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "role": role.value,
                    "application_name": application,
                    "timezone": "UTC",
                    "enable_seqscan": "off",
                    "jit": "off",  # statements are short; compiling them costs more than it saves
                },
            },
        )
        event.listen(self.engine.sync_engine, "connect", _decode_json)

    @asynccontextmanager
    async def transaction(
        self, *, tenant: UUID | None = None, snapshot: bool = False, plans_stay: bool = False
    ) -> AsyncIterator[Transaction]:
        """Commit when the block ends well, roll back when it raises.

        With `snapshot` it only reads, and all its statements see the rows of one moment:
        for an answer put together of several tables, which a commit in between would tear.
        With `plans_stay` a statement is planned once for whatever it is asked with: for
        those that look rows up by keys, and not for one that asks more or less by what it
        is given (`:after IS NULL OR id > :after`).
        Under `Role.API` a tenant is required: a transaction without one would see
        nothing and its caller would take that for an empty database.
        """
        if self.role is Role.API and tenant is None:
            raise ValueError("a transaction of followup_api needs its tenant")
        now = self.clock() if self.clock is not None else None
        async with self.engine.connect() as lent:
            connection = await _live(lent)
            try:
                await connection.execute(_SNAPSHOT if snapshot else "BEGIN")
                begin = _BEGIN_BY_PLANS_THAT_STAY if plans_stay else _BEGIN
                row = await connection.fetchrow(begin, "" if tenant is None else str(tenant), now)
                transaction = Transaction(connection, now=row["now"], tenant=tenant)
                yield transaction
                if not snapshot:
                    await carry_out(transaction)
                # A transaction that has failed answers its COMMIT with a rollback.
                if await connection.execute("COMMIT") != "COMMIT":
                    raise NotCommitted("the transaction had failed before its commit")
            except BaseException as error:
                # The driver's word for a link that went in the middle of an exchange.
                lost = isinstance(error, asyncpg.InternalClientError)
                await _undo(lent, connection, doubtful=lost or not isinstance(error, Exception))
                if lost:
                    raise asyncpg.ConnectionDoesNotExistError("the connection was lost") from error
                raise
        for callback in transaction.on_commit:
            callback()

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()


async def _live(lent: AsyncConnection) -> "asyncpg.Connection[Any]":
    """The driver's connection, made anew when the pooled one died while nobody used it."""
    connection = await _driver(lent)
    if connection.is_closed():
        await lent.invalidate()
        connection = await _driver(lent)
    return connection


async def _driver(lent: AsyncConnection) -> "asyncpg.Connection[Any]":
    return cast("asyncpg.Connection[Any]", (await lent.get_raw_connection()).driver_connection)


async def _undo(
    lent: AsyncConnection, connection: "asyncpg.Connection[Any]", *, doubtful: bool
) -> None:
    """Roll back; a connection in doubt is given up, and the server rolls back itself.

    `doubtful`: lost within an exchange, or cancelled, within a statement perhaps.
    """
    if doubtful:
        connection.terminate()
    elif not connection.is_closed():
        try:
            await connection.execute("ROLLBACK", timeout=_UNDO_LIMIT)
        except Exception:  # noqa: BLE001 - what matters is the error this came after
            connection.terminate()
    if connection.is_closed():
        await lent.invalidate()


def async_url(url: str) -> str:
    """The same database by the asyncpg driver, whatever driver the address names."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def to_json(value: Any) -> str:
    """JSON text of a value; datetimes and UUIDs as strings."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def _plain(value: Any) -> str:
    # asyncpg's UUIDs are a subclass, which orjson does not take for one.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _decode_json(dbapi_connection: Any, _record: Any) -> None:
    # The dialect hands JSON on as text for its typed columns; our statements are
    # plain text, so the driver decodes. Parameters stay text either way. In the binary
    # format, which rows within rows have, a byte that tells its version leads a jsonb.
    for kind, head in (("json", b""), ("jsonb", b"\x01")):
        dbapi_connection.run_async(
            lambda connection, kind=kind, head=head: connection.set_type_codec(
                kind,
                schema="pg_catalog",
                encoder=lambda given: head + given.encode(),
                decoder=lambda sent: orjson.loads(memoryview(sent)[len(head) :]),
                format="binary",
            )
        )
