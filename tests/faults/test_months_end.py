"""Running services live through the end of a month: the boundary comes while they work.

The processes live by the machine's clock, so the boundary is put where that will be in
two seconds: the present month ends there and the next begins.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fleet import Fleet
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from followup_database.engine import async_url
from followup_database.ids import smallest_id
from followup_database.partitions import month_after
from followup_messaging.rabbitmq import delete_topology
from followup_testkit.brokers import OwnBroker
from followup_testkit.databases import PostgresForTests
from followup_testkit.twilio import StubProvider
from followup_testkit.twilio.faults import Silence
from followup_testkit.waiting import until

pytestmark = pytest.mark.timeout(400)  # processes start, and the boundary has to come

TABLES = ("messaging.outbox", "messaging.inbox", "dispatcher.attempts")
SERVICES = ("intake", "scheduler", "dispatcher")
BEFORE, AFTER = 4, 4


@pytest.fixture
async def fleet(
    postgres_server: PostgresForTests, own_rabbit: OwnBroker, stub: StubProvider, tmp_path: Path
) -> AsyncIterator[Fleet]:
    """On a database of its own, for its partitions are cut anew."""
    await delete_topology(own_rabbit.url)
    url = await postgres_server.fresh()
    fleet = Fleet(url, own_rabbit.url, tmp_path, stub)
    await fleet.prepare()
    yield fleet
    await fleet.stop()
    await postgres_server.drop(url)


async def end_month(fleet: Fleet) -> tuple[datetime, str, str]:
    """Have the present month end in two seconds, and the next one begin; when, and their names."""
    engine = create_async_engine(async_url(fleet.database_url))
    async with engine.begin() as connection:
        # All at once, before the moment is chosen: nothing comes behind it meanwhile.
        await connection.execute(text(f"LOCK TABLE {', '.join(TABLES)} IN ACCESS EXCLUSIVE MODE"))
        cut = datetime.now(UTC) + timedelta(seconds=2)
        this, following = await cut_months(connection, cut)
    await engine.dispose()
    return cut, f"{this:%Y_%m}", f"{following:%Y_%m}"


async def cut_months(connection: AsyncConnection, cut: datetime) -> tuple[datetime, datetime]:
    """Divide the present month and the next one anew, at a moment; their beginnings."""
    this = datetime(cut.year, cut.month, 1, tzinfo=UTC)
    following = month_after(this)
    ranges = ((this, this, cut), (following, cut, month_after(following)))
    for table in TABLES:
        for month, _, _ in ranges:
            await connection.execute(
                text(f"ALTER TABLE {table} DETACH PARTITION {table}_{month:%Y_%m}")
            )
        for month, low, high in ranges:
            await connection.execute(
                text(
                    f"ALTER TABLE {table} ATTACH PARTITION {table}_{month:%Y_%m}"
                    f" FOR VALUES FROM ('{smallest_id(low)}') TO ('{smallest_id(high)}')"
                )
            )
    return this, following


async def months_of(fleet: Fleet, table: str) -> Counter[str]:
    """How many rows each month holds."""
    rows = await fleet.rows(f"SELECT right(tableoid::regclass::text, 7) AS month FROM {table}")
    return Counter(row["month"] for row in rows)


async def test_sends_on_both_sides_of_a_months_end(fleet: Fleet, stub: StubProvider) -> None:
    """Each goes once; a call over the boundary, and one told of twice, included."""
    await asyncio.gather(*map(fleet.start, SERVICES))
    await fleet.publish_sequence()
    for number in range(BEFORE):
        await fleet.post_lead(number)
    await until(lambda: _sent(fleet, BEFORE), within=60, what="the first are told of")
    stub.script.append(Silence(accepted=True))
    await fleet.post_lead(BEFORE)
    await stub.requests(BEFORE + 1, within=60)

    cut, this, following = await end_month(fleet)
    await until(lambda: datetime.now(UTC) > cut, what="the month ends")
    stub.release()
    for number in range(AFTER):
        await fleet.post_lead(BEFORE + 1 + number)

    everybody = BEFORE + 1 + AFTER
    await stub.requests(everybody, within=60)
    await until(lambda: _sent(fleet, everybody), within=60, what="all touches are known as sent")
    assert len({request.to for request in stub.ledger.requests}) == everybody
    assert len(stub.ledger.requests) == everybody
    attempts = await months_of(fleet, "dispatcher.attempts")
    assert attempts == {this: BEFORE + 1, following: AFTER}
    assert set(await months_of(fleet, "messaging.inbox")) == {this, following}
    # A command that comes once more is answered from the ledger, on either side.
    await fleet.rows("""
        UPDATE scheduler.touches SET state = 'commanded', outstanding = true,
               commanded_at = clock_timestamp() - interval '5 minutes' RETURNING 1""")
    await until(lambda: _sent(fleet, everybody), within=60, what="all are answered again")
    assert len(stub.ledger.requests) == everybody
    assert await fleet.rows("SELECT error FROM messaging.dead") == []


async def _sent(fleet: Fleet, count: int) -> bool:
    (row,) = await fleet.rows("SELECT count(*) AS n FROM scheduler.touches WHERE state = 'sent'")
    return bool(row["n"] == count)
