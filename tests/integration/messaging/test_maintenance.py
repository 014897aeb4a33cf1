from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from asyncpg import InsufficientPrivilegeError
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from followup_database import Database, Role
from followup_database.engine import async_url
from followup_database.ids import smallest_id
from followup_database.months import AHEAD
from followup_messaging import dead
from followup_messaging.maintenance import ExpiredLetters, Months
from followup_runtime.databases import Databases
from followup_testkit.databases import PostgresForTests


@pytest.fixture
async def own_url(postgres_server: PostgresForTests) -> AsyncIterator[str]:
    """A database of the test's own, for it changes the schema."""
    url = await postgres_server.fresh()
    yield url
    await postgres_server.drop(url)


async def run(url: str, *statements: str) -> None:
    engine = create_async_engine(async_url(url))
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def partitions(database: Database, table: str) -> set[str]:
    async with database.transaction() as tx:
        rows = await tx.all(
            text("SELECT inhrelid::regclass::text AS n FROM pg_inherits"
                 " WHERE inhparent = CAST(:t AS regclass)"),
            t=f"messaging.{table}",
        )  # fmt: skip
    return {row["n"].removeprefix("messaging.") for row in rows}


def month(ahead: int) -> datetime:
    """The first instant of a month, counted from the present one."""
    now = datetime.now(UTC)
    months = now.year * 12 + now.month - 1 + ahead
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def partition(schema: str, table: str, begins: datetime) -> str:
    after = datetime(begins.year + begins.month // 12, begins.month % 12 + 1, 1, tzinfo=UTC)
    return (
        f"CREATE TABLE {schema}.{table}_{begins:%Y_%m} PARTITION OF {schema}.{table}"
        f" FOR VALUES FROM ('{smallest_id(begins)}') TO ('{smallest_id(after)}')"
    )


@pytest.fixture
async def worker(own_url: str) -> AsyncIterator[Database]:
    """A worker whose login owns no table, as where roles are kept apart."""
    name = f"login_{uuid4().hex[:8]}"
    await run(own_url, f"CREATE ROLE {name} LOGIN PASSWORD 'x' IN ROLE followup_worker")
    url = make_url(own_url).set(username=name, password="x").render_as_string(hide_password=False)
    database = Database(url, role=Role.WORKER, pool_size=2)
    yield database
    await database.close()
    await run(own_url, f"DROP ROLE {name}")


async def test_months_ahead_are_made_and_old_ones_dropped(own_url: str, worker: Database) -> None:
    """By a worker that owns nothing: missing months come back, empty and old ones go."""
    await run(
        own_url,
        partition("messaging", "inbox", month(-4)),
        partition("messaging", "inbox", month(-3)),
        partition("messaging", "outbox", month(-4)),
        f"DROP TABLE messaging.inbox_{month(1):%Y_%m}",
        f"DROP TABLE messaging.outbox_{month(AHEAD - 1):%Y_%m}",
    )
    expected = await bounds(worker, "inbox", month(2))
    tick = await Months(worker, "messaging").run_once()
    again = await Months(worker, "messaging").run_once()
    inbox, outbox = await partitions(worker, "inbox"), await partitions(worker, "outbox")
    assert (tick.worked, again.worked) == (4, 0)
    assert f"inbox_{month(1):%Y_%m}" in inbox
    assert f"inbox_{month(-3):%Y_%m}" in inbox
    assert f"inbox_{month(-4):%Y_%m}" not in inbox
    assert f"outbox_{month(-4):%Y_%m}" not in outbox
    assert len(inbox) == AHEAD + 2
    # As the migration makes them: bounded by the lowest ids of their months.
    assert str(smallest_id(month(2))) in expected
    made = await bounds(worker, "inbox", month(1))
    assert str(smallest_id(month(1))) in made
    assert str(smallest_id(month(2))) in made


async def bounds(database: Database, table: str, begins: datetime) -> str:
    async with database.transaction() as tx:
        found = await tx.scalar(
            text("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = :name"),
            name=f"{table}_{begins:%Y_%m}",
        )
    return str(found)


async def test_keys_cannot_tend_months(own_url: str) -> None:
    """Only workers may call what runs with the owner's rights."""
    api = Database(own_url, role=Role.API, pool_size=1)
    with pytest.raises(InsufficientPrivilegeError, match="permission denied"):
        async with api.transaction(tenant=uuid4()) as tx:
            await tx.run(text("SELECT messaging.tend_months(13)"))
    with pytest.raises(InsufficientPrivilegeError, match="permission denied"):
        async with api.transaction(tenant=uuid4()) as tx:
            await tx.run(text("SELECT messaging.tend_months(13, '2100-01-01')"))
    await api.close()


async def test_dead_letters_expire(databases: Databases) -> None:
    """After thirty days, whatever their state; a younger one stays."""
    letters = [
        dead.Burial("intake", "intake.ingress", "key", b"raw", "why", message_id=uuid4())
        for _ in range(3)
    ]
    async with databases.worker.transaction() as tx:
        await dead.bury(tx, letters)
        await tx.run(
            text("UPDATE messaging.dead SET at = clock_timestamp() - interval '31 days',"
                 " state = 'dropped' WHERE message_id = :id"), id=letters[0].message_id
        )  # fmt: skip
        await tx.run(
            text("UPDATE messaging.dead SET at = clock_timestamp() - interval '31 days'"
                 " WHERE message_id = :id"), id=letters[1].message_id
        )  # fmt: skip
    await ExpiredLetters(databases.worker).run_once()
    async with databases.worker.transaction() as tx:
        left = await dead.list_dead(tx)
    assert [letter.message_id for letter in left] == [letters[2].message_id]
