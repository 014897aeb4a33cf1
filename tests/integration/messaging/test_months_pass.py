"""Monthly tables over the turns of months and years, and what is never dropped."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from followup_database import Database, Role, migrate, new_id
from followup_database.engine import async_url
from followup_database.ids import smallest_id
from followup_database.months import AHEAD
from followup_database.partitions import create_months, month_after
from followup_embedded.owners import OWNERS
from followup_messaging.maintenance import Months
from followup_testkit.databases import PostgresForTests

TICK = timedelta(milliseconds=1)
INBOX = """INSERT INTO messaging.inbox (message_id, consumer, tenant_id)
VALUES (:id, 'scheduler', :id)"""
OUTBOX = """INSERT INTO messaging.outbox
  (id, tenant_id, type, exchange, routing_key, consumers, body)
VALUES (:id, :id, 'followup.lead.captured.v1', '', 'nowhere', '{scheduler,replies}', '')"""
ATTEMPT = """INSERT INTO dispatcher.attempts
  (touch_id, number, id, tenant_id, enrollment_id, lead_id, person_id, channel, lane, round,
   epoch, step, contact_round, state, account_id, provider, sender, template, claimed_at)
VALUES (:id, 1, :id, :id, :id, :id, :id, 'sms', 'now', 1, 0, 's', 'r', :state, :id, 'p', 's', 't',
   clock_timestamp())"""


@dataclass
class Calendar:
    """A database of its own whose months are tended as of a clock that the test moves."""

    url: str
    worker: Database
    now: datetime

    async def tend(self, schema: str = "messaging") -> int:
        return (await Months(self.worker, schema, clock=lambda: self.now).run_once()).worked

    async def owner(self, statement: str, **params: object) -> None:
        engine = create_async_engine(async_url(self.url))
        async with engine.begin() as connection:
            await connection.execute(text(statement), params)
        await engine.dispose()

    async def put(self, statement: str, at: datetime, **params: object) -> UUID:
        """A row whose id was made at a moment."""
        id_ = id_of(at)
        await self.owner(statement, id=id_, **params)
        return id_

    async def months(self, table: str) -> set[str]:
        """The months a table has, and `rest`."""
        rows = await self._all(
            "SELECT inhrelid::regclass::text AS n FROM pg_inherits"
            " WHERE inhparent = CAST(:table AS regclass)",
            table=table,
        )
        return {row["n"].removeprefix(f"{table}_") for row in rows}

    async def where(self, table: str) -> dict[UUID, str]:
        """Which month each row is in."""
        key = "message_id" if table.endswith("inbox") else "id"
        rows = await self._all(f"SELECT {key} AS id, tableoid::regclass::text AS n FROM {table}")
        return {row["id"]: row["n"].removeprefix(f"{table}_") for row in rows}

    async def _all(self, statement: str, **params: object) -> list:
        async with self.worker.transaction() as tx:
            return list(await tx.all(text(statement), **params))


def id_of(at: datetime) -> UUID:
    """A UUIDv7 as it would have been made at a moment."""
    random = new_id().int & ((1 << 80) - 1)
    return UUID(int=smallest_id(at).int | random)


def name(at: datetime) -> str:
    return f"{at:%Y_%m}"


def first(at: datetime) -> datetime:
    return datetime(at.year, at.month, 1, tzinfo=UTC)


@pytest.fixture
async def calendar(postgres_server: PostgresForTests) -> AsyncIterator[Callable]:
    """Makes a calendar that stands at a moment, with the months that were made then."""
    opened: list[Calendar] = []

    async def at(now: datetime) -> Calendar:
        url = await postgres_server.fresh()
        made = Calendar(url, Database(url, role=Role.WORKER, pool_size=3), now)
        opened.append(made)
        for table in ("messaging.outbox", "messaging.inbox", "dispatcher.attempts"):
            for month in await made.months(table):
                await made.owner(f"DROP TABLE {table}_{month}")
            for statement in create_months(*table.split("."), start=now, count=AHEAD):
                await made.owner(statement)
        return made

    yield at
    for made in opened:
        await made.worker.close()
        await postgres_server.drop(made.url)


@pytest.mark.parametrize(
    "end",
    [
        datetime(2027, 1, 31, 23, 59, 59, 999000, tzinfo=UTC),
        datetime(2027, 4, 30, 23, 59, 59, 999000, tzinfo=UTC),
        datetime(2027, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
        datetime(2028, 2, 29, 23, 59, 59, 999000, tzinfo=UTC),
    ],
    ids=["January", "April", "year's end", "29 February"],
)
@pytest.mark.parametrize(("table", "statement"), [("inbox", INBOX), ("outbox", OUTBOX)])
async def test_rows_on_both_sides_of_midnight_are_in_their_months(
    calendar, end: datetime, table: str, statement: str
) -> None:
    """The last millisecond of a month and the first of the next, tended before and after."""
    world = await calendar(end)
    assert await world.tend() == 0
    before = await world.put(statement, world.now)
    ahead = await world.put(statement, end + timedelta(seconds=3))  # another machine's clock
    world.now = end + TICK
    assert await world.tend() == 2  # a month further on, of each table
    after = await world.put(statement, world.now)

    assert world.now == first(world.now)
    assert await world.where(f"messaging.{table}") == {
        before: name(end),
        ahead: name(world.now),
        after: name(world.now),
    }


async def test_three_years_leave_no_gap_and_no_litter(calendar) -> None:
    """Every month has its partition in time, and old ones are gone: leap years too."""
    world = await calendar(datetime(2027, 11, 17, 12, tzinfo=UTC))
    for _ in range(36):
        id_ = await world.put(INBOX, world.now)
        world.now = month_after(world.now) + timedelta(days=14)
        await world.tend()
        in_rest = [m for m in (await world.where("messaging.inbox")).values() if m == "rest"]
        assert in_rest == []
        assert id_ in await world.where("messaging.inbox")
    assert await world.months("messaging.inbox") == {
        "rest",
        *(f"{2030 + (7 + n) // 12}_{(7 + n) % 12 + 1:02}" for n in range(3 + AHEAD)),
    }
    assert len(await world.months("messaging.outbox")) == 1 + 3 + AHEAD


async def test_two_months_without_the_job_harm_nobody(calendar) -> None:
    """Months were made a year ahead; the job catches up at once when it runs again."""
    world = await calendar(datetime(2027, 11, 30, 23, 59, tzinfo=UTC))
    await world.tend()
    world.now = datetime(2028, 2, 1, 0, 0, 1, tzinfo=UTC)
    row = await world.put(OUTBOX, world.now)
    assert await world.tend() == 6
    assert (await world.where("messaging.outbox"))[row] == "2028_02"
    assert await world.tend() == 0


async def test_rows_that_came_before_their_month_was_made_move_into_it(calendar) -> None:
    """Nobody tended for two years: nothing was refused, and nothing stays behind."""
    world = await calendar(datetime(2027, 1, 15, tzinfo=UTC))
    kept = await world.put(OUTBOX, world.now)
    world.now = datetime(2029, 2, 28, 23, 59, tzinfo=UTC)
    late = await world.put(OUTBOX, world.now)
    later = await world.put(OUTBOX, datetime(2029, 3, 1, tzinfo=UTC))
    assert (await world.where("messaging.outbox"))[late] == "rest"
    await world.tend()
    assert await world.where("messaging.outbox") == {
        kept: "2027_01",
        late: "2029_02",
        later: "2029_03",
    }
    with pytest.raises(Exception, match="duplicate key"):  # indexes moved along
        await world.owner(OUTBOX, id=late)


async def test_two_processes_tend_at_once(calendar) -> None:
    """One does it, the other goes on; nothing is done twice."""
    world = await calendar(datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC))
    world.now = datetime(2028, 6, 1, tzinfo=UTC)
    changed = await asyncio.gather(*(world.tend() for _ in range(3)))
    changed.append(await world.tend())
    # The months from June on of two tables; December to February go of both.
    assert sum(changed) == AHEAD * 2 + 3 * 2
    assert await world.tend() == 0


@pytest.mark.parametrize("place", ["month", "rest"])
async def test_a_month_with_an_unanswered_event_is_kept_with_its_inbox(calendar, place) -> None:
    """One consumer was away for a year: the other must not be given the event again."""
    began = datetime(2027, 1, 15, tzinfo=UTC)
    world = await calendar(began)
    if place == "rest":
        await world.owner("DROP TABLE messaging.outbox_2027_01")
    event = await world.put(OUTBOX, began)
    await world.owner(INBOX, id=event)
    handled = await world.put(INBOX, datetime(2027, 2, 1, tzinfo=UTC))
    world.now = datetime(2028, 1, 15, tzinfo=UTC)
    await world.tend()
    assert event in await world.where("messaging.outbox")
    inbox = await world.where("messaging.inbox")
    assert event in inbox
    assert handled not in inbox

    await world.owner("DELETE FROM messaging.outbox")
    await world.tend()
    assert await world.where("messaging.inbox") == {}


@pytest.mark.parametrize(
    ("state", "kept"),
    [("claimed", True), ("unknown", True), ("accepted", False), ("retry_later", False)],
)
async def test_a_month_of_the_ledger_is_kept_while_an_attempt_is_open(calendar, state, kept):
    """However old: nobody has said yet whether it went out."""
    began = datetime(2027, 1, 15, tzinfo=UTC)
    world = await calendar(began)
    attempt = await world.put(ATTEMPT, began, state=state)
    world.now = datetime(2032, 3, 1, tzinfo=UTC) - TICK
    await world.tend("dispatcher")
    assert attempt in await world.where("dispatcher.attempts")  # five years and a month
    world.now += TICK
    await world.tend("dispatcher")
    assert (attempt in await world.where("dispatcher.attempts")) == kept
    assert "2027_02" in await world.months("dispatcher.attempts")


async def test_a_month_somebody_reads_is_dropped_later(calendar) -> None:
    """A backup holds the table for hours: the other months are made, nobody waits for long."""
    world = await calendar(datetime(2027, 1, 15, tzinfo=UTC))
    world.now = datetime(2028, 1, 15, tzinfo=UTC)
    engine = create_async_engine(async_url(world.url))
    async with engine.begin() as backup:
        await backup.execute(text("LOCK TABLE messaging.inbox_2027_01 IN ACCESS SHARE MODE"))
        assert await world.tend() > 0
        held = await world.months("messaging.inbox")
    await engine.dispose()
    assert "2027_01" in held
    assert {"2028_01", "2028_04"} <= held
    assert "2027_02" not in held
    assert await world.tend() == 1
    assert "2027_01" not in await world.months("messaging.inbox")


async def test_an_owner_whose_own_tables_hide_rows_from_it_drops_nothing_that_is_needed(
    postgres_server: PostgresForTests,
) -> None:
    """Row-level security is forced on the owner as well; it is no superuser in production."""
    admin = create_async_engine(async_url(postgres_server.url), isolation_level="AUTOCOMMIT")
    owner, base = f"owner_{uuid4().hex[:8]}", f"owned_{uuid4().hex[:8]}"
    async with admin.connect() as connection:
        for statement in (
            f"CREATE ROLE {owner} LOGIN NOINHERIT PASSWORD 'x'",
            f"GRANT followup_api, followup_worker TO {owner}",
            f"CREATE DATABASE {base} OWNER {owner}",
        ):
            await connection.execute(text(statement))
    url = make_url(postgres_server.named(base)).set(username=owner, password="x")
    plain = url.render_as_string(hide_password=False)
    await migrate(plain, OWNERS)
    world = Calendar(
        postgres_server.named(base), Database(plain, role=Role.WORKER), datetime.now(UTC)
    )
    began = first(world.now) + timedelta(days=14)
    event = await world.put(OUTBOX, began)
    await world.owner(INBOX, id=event)
    attempt = await world.put(ATTEMPT, began, state="unknown")
    world.now += timedelta(days=6 * 366)
    assert await world.tend() > 0
    assert await world.tend("dispatcher") > 0
    assert event in await world.where("messaging.outbox")
    assert event in await world.where("messaging.inbox")
    assert attempt in await world.where("dispatcher.attempts")

    await world.worker.close()
    await postgres_server.drop(world.url)
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP ROLE {owner}"))
    await admin.dispose()
