"""Posts that share a transaction: each with its own answer, key, trace and failure."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from followup_contracts import decode
from followup_database.engine import async_url
from followup_intake.capture import Capture
from followup_intake.models import LeadIn
from followup_intake.posts import MOST, Post, Posts
from followup_messaging.outbox import Outbox
from followup_runtime.problems import Problem
from followup_testkit.waiting import until


def post(number: int, *, key: str | None = None, trace: str | None = None, **more) -> Post:
    body = LeadIn(**{"phone": f"(212) 555-01{number:02}"} | more)
    return Post(body, body.model_dump_json().encode(), key, trace)


@pytest.fixture
def posts(intake) -> Posts:
    outbox = Outbox("intake", intake.bus, intake.databases.worker)
    return Posts(intake.databases.api, capture=Capture(outbox))


async def taken(intake, posts, *given: Post):
    """Answers or errors; the first has a transaction of its own, the others share theirs."""
    waiting = (posts.take(intake.tenant.id, one) for one in given)
    return await asyncio.gather(*waiting, return_exceptions=True)


async def transactions(intake) -> int:
    (row,) = await intake.rows("SELECT count(DISTINCT xmin::text) AS n FROM people.leads")
    return row["n"]


async def test_posts_that_come_together_share_a_commit(intake, posts):
    """The first does not wait for company, the others come while it is saved."""
    answers = await taken(intake, posts, *(post(n) for n in range(MOST + 2)))
    assert {answer.status for answer in answers} == {201}
    leads = [row["id"] for row in await intake.leads()]
    assert {str(lead) for lead in leads} == {answer.body["lead_id"] for answer in answers}
    assert await transactions(intake) == 3
    assert posts.pending == 0


async def test_a_refused_post_leaves_those_beside_it_alone(intake, posts):
    """Its answer is a problem, theirs are leads."""
    nobody = Post(LeadIn(phone="12"), b"{}")
    answers = await taken(intake, posts, post(1), nobody, post(2))
    assert [getattr(answer, "status", None) for answer in answers] == [201, None, 201]
    assert isinstance(answers[1], Problem)
    assert answers[1].errors[0]["pointer"] == "/phone"
    assert len(await intake.leads()) == 2


@pytest.fixture
async def poison(database_url):
    """A need that no lead can be saved with, and trying again would not mend it."""
    engine = create_async_engine(async_url(database_url))
    async with engine.begin() as connection:
        statement = "ALTER TABLE people.leads ADD CONSTRAINT poison CHECK (need <> 'poison')"
        await connection.execute(text(statement))
    yield "poison"
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE people.leads DROP CONSTRAINT poison"))
    await engine.dispose()


async def test_a_post_that_cannot_be_saved_fails_alone(intake, posts, poison):
    """Those that shared its transaction are saved in ones of their own."""
    answers = await taken(
        intake, posts, post(1), post(2, key="k-2"), post(3, need=poison, key="k-3"), post(4)
    )
    assert [getattr(answer, "status", None) for answer in answers] == [201, 201, None, 201]
    assert len(await intake.leads()) == 3
    kept = await intake.rows("SELECT key, status FROM intake.requests")
    assert [(row["key"], row["status"]) for row in kept] == [("k-2", 201)]


async def test_each_post_keeps_its_own_key(intake, posts):
    """Sent again together or alone, each is given its own first answer."""
    given = [post(n, key=f"k-{n}") for n in range(4)]
    first = await taken(intake, posts, *given)
    again = await taken(intake, posts, *given[::-1])
    assert [a.body for a in again[::-1]] == [a.body for a in first]
    assert [a.status for a in again] == [201] * 4
    assert len(await intake.leads()) == 4


async def test_a_key_twice_among_posts_is_carried_out_once(intake, posts):
    """With the same body the second is given the first one's answer, with another refused."""
    other = post(9, key="k-1")
    answers = await taken(intake, posts, post(0), post(1, key="k-1"), post(1, key="k-1"), other)
    assert answers[1] == answers[2]
    assert isinstance(answers[3], Problem)
    assert answers[3].errors[0]["pointer"] == "Idempotency-Key:"
    assert len(await intake.leads()) == 2


async def test_a_refused_post_does_not_use_up_its_key_beside_others(intake, posts):
    """Mended, it may come again under the same key; what was answered stays answered."""
    refused = Post(LeadIn(phone="12"), b"refused", "k-1")
    answers = await taken(intake, posts, post(0), refused, post(2, key="k-2"))
    assert isinstance(answers[1], Problem)
    mended = await taken(intake, posts, post(0), post(1, key="k-1"))
    assert mended[1].status == 201
    reused = await taken(intake, posts, Post(LeadIn(phone="12"), b"refused", "k-2"))
    assert isinstance(reused[0], Problem)
    assert reused[0].title == "Key reused"


async def test_two_enquiries_of_one_person_at_once_are_merged(intake, posts):
    """Crosswise, by phone and by address: one person, each lead its own."""
    answers = await taken(
        intake,
        posts,
        post(0),
        post(1, email="ada@example.com"),
        post(2, email="Ada+x@example.com"),
        post(2),
    )
    assert len({answer.body["lead_id"] for answer in answers}) == 4
    assert len({answer.body["person_id"] for answer in answers[1:]}) == 1
    assert [answer.body["merged"] for answer in answers] == [False, False, True, True]


async def test_each_announcement_belongs_to_its_own_trace(intake, posts):
    """Not to the trace of whoever happened to come first."""
    traces = [f"00-{n:032x}-{n:016x}-01" for n in range(1, 5)]
    answers = await taken(intake, posts, *(post(n, trace=t) for n, t in enumerate(traces)))
    rows = await intake.rows("SELECT body FROM messaging.outbox")
    told = {m.subject: m.traceparent for m in (decode(bytes(row["body"])) for row in rows)}
    assert told == {a.body["lead_id"]: t for a, t in zip(answers, traces, strict=True)}


async def test_posts_of_tenants_do_not_mix(intake, posts):
    """Each tenant's go into transactions of its own."""
    answers = await asyncio.gather(
        *(posts.take(t.id, post(n)) for n in range(4) for t in (intake.tenant, intake.other))
    )
    assert {answer.status for answer in answers} == {201}
    owners = [row["tenant_id"] for row in await intake.leads()]
    assert (owners.count(intake.tenant.id), owners.count(intake.other.id)) == (4, 4)


async def test_a_post_that_waits_for_a_lock_holds_up_none_that_come_later(intake, posts):
    """Somebody changes its person for a long time; others are saved meanwhile."""
    first = await posts.take(intake.tenant.id, post(1))
    async with intake.databases.worker.transaction() as tx:
        person = text("SELECT 1 FROM people.persons WHERE id = CAST(:id AS uuid) FOR UPDATE")
        await tx.all(person, id=first.body["person_id"])
        held = asyncio.create_task(posts.take(intake.tenant.id, post(1)))
        await until(lambda: somebody_waits(intake))
        async with asyncio.timeout(20):
            others = [await posts.take(intake.tenant.id, post(n)) for n in range(2, 5)]
        assert {answer.status for answer in others} == {201}
        assert not held.done()
    assert (await held).body["merged"] is True


async def somebody_waits(intake) -> bool:
    """Whether a transaction waits for another's lock."""
    return bool(
        await intake.rows(
            "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
            " WHERE NOT l.granted AND a.datname = current_database()"
        )
    )


async def test_whoever_has_gone_is_not_waited_for(intake, posts):
    """A post given up before its turn is not saved, and nobody else notices."""
    first = asyncio.create_task(posts.take(intake.tenant.id, post(1)))
    gone = asyncio.create_task(posts.take(intake.tenant.id, post(2)))
    await asyncio.sleep(0)  # both have been handed in, and the database has said nothing yet
    assert posts.pending == 1
    gone.cancel()
    third = await posts.take(intake.tenant.id, post(3))
    assert ((await first).status, third.status) == (201, 201)
    assert len(await intake.leads()) == 2
