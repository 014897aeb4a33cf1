"""Several statements by one way to the server: each is answered as if it were alone."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from followup_database import Database, Role, new_id, together

ENTER = text("INSERT INTO directory.tenants (id, tenant_id, slug, name) VALUES (:id, :id, :s, 'T')")
NAME = text("UPDATE directory.tenants SET name = :name WHERE slug = ANY(CAST(:slugs AS text[]))")
SLUGS = text("SELECT slug FROM directory.tenants ORDER BY slug DESC")
EVERYTHING = text("""
    SELECT CAST(:id AS uuid) AS id, CAST(:at AS timestamptz) AS at, NULL AS nothing,
           CAST(:document AS jsonb) AS document, CAST(:document AS json) AS as_written,
           ARRAY[1, 2] AS numbers, CAST(1.5 AS numeric) AS amount, 'a $1' AS words -- the end
""")
WRONG = text("SELECT 1 / CAST(:zero AS int) AS one")


@pytest.fixture
async def database(database_url):
    """Workers' connections, one at a time."""
    database = Database(database_url, role=Role.WORKER, pool_size=1)
    yield database
    await database.close()


async def test_answers_are_those_of_each_alone(database):
    """Of every kind, by the names of its columns; parameters of one name are each one's own."""
    first, second = new_id(), new_id()
    at = datetime(2026, 11, 23, 1, 2, 3, 4, tzinfo=UTC)

    async def everything(tx, id_: UUID, document: str):
        return await tx.first(EVERYTHING, id=id_, at=at, document=document)

    async with database.transaction() as tx:
        alone = await everything(tx, first, '{"a": [null, "é"]}')
        one, other, none, count = await together(
            tx,
            lambda t: everything(t, first, '{"a": [null, "é"]}'),
            lambda t: everything(t, second, "3"),
            lambda t: t.all(SLUGS),
            lambda t: t.scalar(text("SELECT count(*) FROM directory.tenants")),
        )
    assert one == dict(alone)
    assert (other["id"], other["document"], other["as_written"]) == (second, 3, 3)
    assert one["words"] == "a $1"
    assert (none, count) == ([], 0)


async def test_writes_and_looks_go_together(database):
    """Writes say how many rows they touched; a look beside them sees what was before."""
    async with database.transaction() as tx:
        made, before = await together(
            tx,
            lambda t: t.run(ENTER, id=new_id(), s="one"),
            lambda t: t.all(SLUGS),
        )
        assert (made, before) == (1, [])
        await together(tx, lambda t: t.run(ENTER, id=new_id(), s="two"))
        named, after = await together(
            tx,
            lambda t: t.run(NAME, name="N", slugs=["one", "two", "three"]),
            lambda t: t.all(SLUGS),
        )
        assert (named, [row["slug"] for row in after]) == (2, ["two", "one"])
        assert await together(tx) == ()


async def test_who_asks_twice_asks_with_those_who_still_ask(database):
    """Each goes on by itself with what it was answered."""

    async def twice(tx):
        (row,) = await tx.all(text("SELECT 1 AS n"))
        (more,) = await tx.all(text("SELECT CAST(:n AS int) + 1 AS n"), n=row["n"])
        return more["n"]

    async def once(tx):
        return [row["n"] for row in await tx.all(text("SELECT 7 AS n"))]

    async def never(_tx):
        return "nothing"

    async with database.transaction() as tx:
        assert await together(tx, twice, once, twice, never) == (2, [7], 2, "nothing")


async def test_what_fails_fails_them_all(database):
    """And nobody is left waiting for an answer."""
    closed = []

    async def waiting(tx):
        try:
            return await tx.all(SLUGS)
        finally:
            closed.append("waiting")

    async def wrong():
        async with database.transaction() as tx:
            await together(tx, waiting, lambda t: t.all(WRONG, zero=0))

    with pytest.raises(asyncpg.DivisionByZeroError):
        await wrong()
    assert closed == ["waiting"]
