"""When the sweeper publishes again what nobody has handled."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from followup_contracts.events import LeadConverted
from followup_database import Database, Role
from followup_messaging.inprocess import InProcessBus
from followup_messaging.outbox import Outbox
from followup_runtime.databases import Databases

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)

_AGE = text("""
    UPDATE messaging.outbox SET next_at = clock_timestamp(),
           created_at = clock_timestamp() - CAST(:age AS interval)
""")
_PAUSE = text("SELECT next_at - clock_timestamp() AS pause FROM messaging.outbox")


@pytest.mark.parametrize(
    ("age", "pause"),
    [
        (timedelta(seconds=10), timedelta(seconds=30)),
        (timedelta(seconds=30), timedelta(seconds=30)),
        (timedelta(seconds=90), timedelta(seconds=90)),
        (timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta(days=2), timedelta(minutes=5)),
    ],
)
async def test_the_pause_grows_with_the_age_of_the_message(
    databases: Databases, age: timedelta, pause: timedelta
) -> None:
    """From 30 s to 5 min: a backlog is not multiplied by copies of itself."""
    bus = InProcessBus()
    await bus.connect()
    outbox = Outbox("intake", bus, databases.worker)
    message = outbox.message(
        LeadConverted(lead_id=uuid4(), person_id=uuid4(), at=NOW),
        tenant_id=uuid4(),
        subject="test",
        time=NOW,
    )
    async with databases.worker.transaction() as tx:
        await outbox.add(tx, [message])
    async with databases.worker.transaction() as tx:
        await tx.run(_AGE, age=age)
    tick = await outbox.sweeper.run_once()
    async with databases.worker.transaction() as tx:
        left = await tx.scalar(_PAUSE)
    await bus.close()
    assert tick.worked == 1
    assert pause - timedelta(seconds=5) < left < pause + timedelta(seconds=5)


_ADD = text("""
    INSERT INTO messaging.outbox
      (id, tenant_id, type, exchange, routing_key, consumers, body, next_at)
    SELECT gen_random_uuid(), gen_random_uuid(), 't', 'e', 'k', '{}', '',
           clock_timestamp() + interval '30 s'
      FROM generate_series(1, 2000)
""")
_FLUSH = text("SELECT pg_stat_force_next_flush()")
_READ = text("""
    SELECT sum(seq_tup_read + COALESCE(idx_tup_fetch, 0)) FROM pg_stat_user_tables
     WHERE schemaname = 'messaging' AND relname LIKE 'outbox%'
""")


async def test_what_is_not_due_is_not_looked_at(database_url: str) -> None:
    """However much has left in the last half minute, a look at what is due costs nothing."""
    bus = InProcessBus()
    await bus.connect()
    database = Database(database_url, role=Role.WORKER, pool_size=1)
    outbox = Outbox("intake", bus, database)

    async def read() -> int:
        async with database.transaction() as tx:
            await tx.run(_FLUSH)
        async with database.transaction() as tx:
            return int(await tx.scalar(_READ))

    async with database.transaction() as tx:
        await tx.run(_ADD)
    before = await read()
    assert (await outbox.sweeper.run_once()).worked == 0
    assert await read() - before < 10
    await bus.close()
    await database.close()
