"""Transactions on the real server: what commits, what rolls back, what becomes of connections."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text

from followup_database import Database, NotCommitted, Role, beside, new_id
from followup_database.errors import is_conflict, is_outage, is_passing

ENTER = text("INSERT INTO directory.tenants (id, tenant_id, slug, name) VALUES (:id, :id, :s, 'T')")
COUNT = text("SELECT count(*) FROM directory.tenants")
WRONG = text("SELECT 1 / CAST(:zero AS int)")
PID = text("SELECT pg_backend_pid()")


@pytest.fixture
async def single(database_url):
    """A pool of one connection, so that whoever comes next gets the same."""
    database = Database(database_url, role=Role.WORKER, pool_size=1, pool_timeout=5)
    yield database
    await database.close()


async def _count(database) -> int:
    async with database.transaction() as tx:
        return await tx.scalar(COUNT)


async def test_rows_come_by_name_and_counts_by_statement(single):
    """A name used twice is one parameter; what is written says how many rows it touched."""
    async with single.transaction() as tx:
        assert await tx.run(ENTER, id=new_id(), s="one") == 1
        row = await tx.first(text("SELECT slug, settings FROM directory.tenants"))
        assert row is not None
        assert (row["slug"], row["settings"]) == ("one", {})
        assert await tx.run(text("UPDATE directory.tenants SET name = 'x' WHERE false")) == 0
        assert [dict(found) for found in await tx.all(COUNT)] == [{"count": 1}]


async def test_a_block_that_raises_leaves_nothing(single):
    """And the connection is as good as before."""

    async def work() -> None:
        async with single.transaction() as tx:
            await tx.run(ENTER, id=new_id(), s="one")
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        await work()
    assert await _count(single) == 0


async def test_work_beside_a_block_is_committed_with_each_of_its_transactions(single):
    """With those that are committed within it and no others, nor with a block set apart."""
    done = []

    async def work(tx) -> None:
        done.append(await tx.scalar(COUNT))

    async def enter(slug: str, *, fails: bool = False) -> None:
        async with single.transaction() as tx:
            await tx.run(ENTER, id=new_id(), s=slug)
            if fails:
                raise ValueError(slug)

    with beside(work):
        await enter("one")
        with pytest.raises(ValueError, match="two"):
            await enter("two", fails=True)
        with beside(None):
            await enter("three")
        left = asyncio.create_task(enter("four"))
    await left
    assert done == [1]
    assert await _count(single) == 3


async def test_a_snapshot_sees_one_moment_and_writes_nothing(single, database_url):
    """What others commit while it reads is not in it; the next transaction has it, and writes."""
    other = Database(database_url, role=Role.WORKER, pool_size=1)
    async with single.transaction(snapshot=True) as tx:
        assert await tx.scalar(COUNT) == 0
        async with other.transaction() as writing:
            await writing.run(ENTER, id=new_id(), s="one")
        assert await tx.scalar(COUNT) == 0
    await other.close()
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with single.transaction(snapshot=True) as tx:
            await tx.run(ENTER, id=new_id(), s="two")
    async with single.transaction() as tx:
        await tx.run(ENTER, id=new_id(), s="two")
    assert await _count(single) == 2


async def test_a_swallowed_error_is_not_taken_for_a_commit(single):
    """The server answers such a COMMIT with a rollback; callbacks must not run then."""
    called = []

    async def work() -> None:
        async with single.transaction() as tx:
            tx.after_commit(lambda: called.append(1))
            await tx.run(ENTER, id=new_id(), s="one")
            with pytest.raises(asyncpg.DivisionByZeroError):
                await tx.all(WRONG, zero=0)

    with pytest.raises(NotCommitted):
        await work()
    assert called == []
    assert await _count(single) == 0


async def test_a_connection_that_died_in_the_pool_is_made_anew(single, database_url):
    """Nobody has to fail first for the pool to notice."""
    closed = asyncio.Event()
    async with single.engine.connect() as lent:
        connection = (await lent.get_raw_connection()).driver_connection
        connection.add_termination_listener(lambda _: closed.set())
        pid = connection.get_server_pid()
    owner = await asyncpg.connect(database_url)
    await owner.fetchval("SELECT pg_terminate_backend($1)", pid)
    await owner.close()
    await asyncio.wait_for(closed.wait(), 10)
    assert await _count(single) == 0


async def test_a_connection_that_dies_within_a_transaction_is_an_outage(single, database_url):
    """Nothing is committed, and the next transaction has a connection that works."""
    owner = await asyncpg.connect(database_url)

    async def work() -> None:
        async with single.transaction() as tx:
            await tx.run(ENTER, id=new_id(), s="one")
            await owner.fetchval("SELECT pg_terminate_backend($1)", await tx.scalar(PID))
            await tx.scalar(COUNT)

    with pytest.raises(Exception) as caught:  # noqa: PT011 - the driver has several for it
        await work()
    assert is_outage(caught.value)
    assert is_passing(caught.value)
    await owner.close()
    assert await _count(single) == 0


async def test_a_cancelled_statement_takes_its_connection_along(single):
    """The pool of one is usable at once, and the cancelled work left nothing."""
    begun = asyncio.Event()

    async def work() -> None:
        async with single.transaction() as tx:
            await tx.run(ENTER, id=new_id(), s="one")
            begun.set()
            await tx.scalar(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.wait_for(_count(single), 10) == 0


async def test_states_tell_conflicts_from_faults(single):
    """By SQLSTATE, whoever wraps the error."""
    for state, conflict, passing in (
        ("40001", True, True),
        ("40P01", True, True),
        ("53100", False, True),
        ("23505", False, False),
    ):
        raising = f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with single.transaction() as tx:
                await tx.run(text(raising))
        assert is_conflict(caught.value) is conflict
        assert is_passing(caught.value) is passing
        assert not is_outage(caught.value)


def test_a_group_is_what_all_of_it_is():
    """Work done side by side fails as a group: an outage only if nothing else went wrong."""
    away, broken = ConnectionRefusedError(), ValueError()
    assert is_outage(ExceptionGroup("", [away, ExceptionGroup("", [away])]))
    assert is_passing(ExceptionGroup("", [away]))
    assert not is_outage(ExceptionGroup("", [away, broken]))
    assert not is_passing(ExceptionGroup("", [away, broken]))
    assert not is_conflict(ExceptionGroup("", [away]))


async def _plans(tx, statement: str) -> tuple[int, int]:
    """How often a statement went by a plan for anything, and by one for what it was given."""
    asked = text("""
        SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE :like
    """)
    row = await tx.first(asked, like=f"{statement}%")
    assert row is not None
    return row["generic_plans"], row["custom_plans"]


async def test_plans_stay_where_that_was_asked_for(single):
    """A look for one key is not planned again each time; the next transaction is as ever."""
    by_key = "SELECT slug FROM directory.tenants WHERE id = ANY"
    keyed = text(f"{by_key}(CAST(:ids AS uuid[]))")
    async with single.transaction(plans_stay=True) as tx:
        for _ in range(10):
            assert await tx.all(keyed, ids=[new_id()]) == []
        assert await _plans(tx, by_key) == (10, 0)
    async with single.transaction() as tx:
        for _ in range(3):
            assert await tx.all(keyed, ids=[new_id()]) == []
        generic, custom = await _plans(tx, by_key)
        assert generic + custom == 13
        assert custom > 0
