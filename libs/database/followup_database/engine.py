"""Transactions: the one way to PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import event, text
from sqlalchemy.engine import RowMapping, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql import Executable

from followup_database.roles import Role

_BEGIN = text(
    "SELECT set_config('followup.tenant', CAST(:tenant AS text), true),"
    " COALESCE(CAST(:now AS timestamptz), now()) AS now"
)


class Transaction:
    """An open transaction, with the business time that holds for all of it.

    `now` is the database's clock unless the `Database` was given another; `tenant`
    is the tenant it was opened for (None: a worker's batch over all of them).
    JSON goes in as text (`to_json`) and comes out as Python values.
    """

    __slots__ = ("connection", "now", "on_commit", "tenant")

    def __init__(self, connection: AsyncConnection, *, now: datetime, tenant: UUID | None) -> None:
        self.connection = connection
        self.now = now
        self.tenant = tenant
        self.on_commit: list[Callable[[], None]] = []

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Have this called when the commit has succeeded; it must be quick and not fail."""
        self.on_commit.append(callback)

    async def all(self, statement: Executable, /, **params: Any) -> Sequence[RowMapping]:
        """Every row, by column name."""
        return (await self.connection.execute(statement, params)).mappings().all()

    async def first(self, statement: Executable, /, **params: Any) -> RowMapping | None:
        """The first row or None."""
        return (await self.connection.execute(statement, params)).mappings().first()

    async def scalar(self, statement: Executable, /, **params: Any) -> Any:
        """The first column of the first row, or None."""
        return (await self.connection.execute(statement, params)).scalar()

    async def run(self, statement: Executable, /, **params: Any) -> int:
        """Carry out a statement and say how many rows it touched."""
        return (await self.connection.execute(statement, params)).rowcount


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
                    "jit": "off",  # statements are short; compiling them costs more than it saves
                },
            },
        )
        event.listen(self.engine.sync_engine, "connect", _decode_json)

    @asynccontextmanager
    async def transaction(self, *, tenant: UUID | None = None) -> AsyncIterator[Transaction]:
        """Commit when the block ends well, roll back when it raises.

        Under `Role.API` a tenant is required: a transaction without one would see
        nothing and its caller would take that for an empty database.
        """
        if self.role is Role.API and tenant is None:
            raise ValueError("a transaction of followup_api needs its tenant")
        now = self.clock() if self.clock is not None else None
        async with self.engine.begin() as connection:
            row = (
                await connection.execute(
                    _BEGIN, {"tenant": "" if tenant is None else str(tenant), "now": now}
                )
            ).one()
            transaction = Transaction(connection, now=row.now, tenant=tenant)
            yield transaction
        for callback in transaction.on_commit:
            callback()

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()


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
    # plain text, so the driver decodes. Parameters stay text either way.
    for kind in ("json", "jsonb"):
        dbapi_connection.run_async(
            lambda connection, kind=kind: connection.set_type_codec(
                kind, schema="pg_catalog", encoder=str, decoder=orjson.loads, format="text"
            )
        )
