from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from followup_database import Database, Role
from followup_database.engine import async_url
from followup_database.ids import smallest_id
from followup_messaging import dead
from followup_messaging.maintenance import AHEAD, Maintenance, first_kept
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


async def test_months_ahead_are_made_and_old_ones_dropped(own_url: str) -> None:
    """A missing month comes back; inbox months past their keeping go, others never."""
    old_from, old_to = (smallest_id(datetime(2020, m, 1, tzinfo=UTC)) for m in (1, 2))
    bounds = f"FOR VALUES FROM ('{old_from}') TO ('{old_to}')"
    next_month = first_kept(datetime.now(UTC), -1)
    await run(
        own_url,
        f"CREATE TABLE messaging.inbox_2020_01 PARTITION OF messaging.inbox {bounds}",
        f"CREATE TABLE messaging.outbox_2020_01 PARTITION OF messaging.outbox {bounds}",
        f"DROP TABLE messaging.inbox_{next_month:%Y_%m}",
    )
    worker = Database(own_url, role=Role.WORKER, pool_size=2)
    tick = await Maintenance(worker).run_once()
    inbox, outbox = await partitions(worker, "inbox"), await partitions(worker, "outbox")
    again = await Maintenance(worker).run_once()
    await worker.close()
    assert tick.worked == 2
    assert again.worked == 0
    assert f"inbox_{next_month:%Y_%m}" in inbox
    assert "inbox_2020_01" not in inbox
    assert "outbox_2020_01" in outbox
    assert {"inbox_rest"} < inbox
    assert len(inbox) == AHEAD + 1


async def test_a_login_that_owns_nothing_leaves_the_months_alone(own_url: str) -> None:
    """Roles kept apart: no failure, the months are somebody else's."""
    name = f"login_{uuid4().hex[:8]}"
    next_month = first_kept(datetime.now(UTC), -1)
    await run(
        own_url,
        f"CREATE ROLE {name} LOGIN PASSWORD 'x' IN ROLE followup_worker, followup_api",
        f"DROP TABLE messaging.inbox_{next_month:%Y_%m}",
    )
    url = make_url(own_url).set(username=name, password="x").render_as_string(hide_password=False)
    worker = Database(url, role=Role.WORKER, pool_size=2)
    tick = await Maintenance(worker).run_once()
    months = await partitions(worker, "inbox")
    await worker.close()
    await run(own_url, f"DROP ROLE {name}")
    assert tick.worked == 0
    assert f"inbox_{next_month:%Y_%m}" not in months


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
    await Maintenance(databases.worker).run_once()
    async with databases.worker.transaction() as tx:
        left = await dead.list_dead(tx)
    assert [letter.message_id for letter in left] == [letters[2].message_id]


@pytest.mark.parametrize(
    ("now", "kept", "expected"),
    [
        (datetime(2026, 11, 22, tzinfo=UTC), 3, datetime(2026, 8, 1, tzinfo=UTC)),
        (datetime(2026, 1, 31, tzinfo=UTC), 1, datetime(2025, 12, 1, tzinfo=UTC)),
        (datetime(2026, 12, 1, tzinfo=UTC), -1, datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_first_month_kept(now: datetime, kept: int, expected: datetime) -> None:
    """Whole months are counted, over the year's end too."""
    assert first_kept(now, kept) == expected
