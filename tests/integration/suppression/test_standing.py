import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from followup_database import Database, new_id
from followup_suppression import (
    AddressHasher,
    Hold,
    Removed,
    Standing,
    ask_about_holds,
    epochs,
    holds_of,
    holds_standing,
    lift,
    listings,
    page_of_listings,
    place_hold,
    place_holds,
    raise_epochs,
    remove_holds,
    standings,
    suppress,
)

TENANT = UUID(int=7)
OTHER = UUID(int=8)
HASHER = AddressHasher(b"0123456789abcdef")
PHONE = HASHER.hash("phone", "+12025550100")
EMAIL = HASHER.hash("email", "pat@example.com")
_AGED = text("""
UPDATE suppression.holds SET placed_on = placed_on - make_interval(mins => :minutes)
WHERE reply_id = :name
""")
FREE = Standing(suppressed=False, held=False, epoch=0)


@pytest.fixture
def worker(databases) -> Database:
    return databases.worker


async def look(database: Database, *, tenant=TENANT, channel="sms", hashed=PHONE, **ids):
    touch = new_id()
    person, enrollment = ids.get("person", new_id()), ids.get("enrollment", new_id())
    async with database.transaction() as tx:
        found = await standings(tx, [(touch, tenant, channel, hashed, person, enrollment)])
    return found[touch]


async def stop(database: Database, kind, channel, hashed, tenant=TENANT) -> int:
    async with database.transaction() as tx:
        return await suppress(tx, tenant, [(kind, channel, hashed)], reason="STOP", via="sms")


async def test_who_nobody_stopped_is_free(worker):
    """No rows mean no stop, and epoch 0."""
    assert await look(worker) == FREE
    assert await look(worker, hashed=None) == FREE


@pytest.mark.parametrize(
    ("listed", "channel", "stopped"),
    [("sms", "sms", True), ("sms", "voice", False), ("all", "sms", True), ("all", "voice", True)],
)
async def test_a_listing_counts_for_its_channel_or_for_all(worker, listed, channel, stopped):
    """One hash for a number; the listing says for which channels."""
    await stop(worker, "phone", listed, PHONE)
    assert (await look(worker, channel=channel)).suppressed is stopped


async def test_a_listing_counts_for_its_tenant_and_address_alone(worker):
    """Stop at one tenant says nothing about another."""
    await stop(worker, "phone", "all", PHONE)
    assert await look(worker, tenant=OTHER) == FREE
    assert await look(worker, channel="email", hashed=EMAIL) == FREE


async def test_a_lifted_listing_does_not_count_and_a_new_stop_does(worker):
    """Stop, start, stop: the last word counts; each says whether it changed something."""
    assert await stop(worker, "phone", "sms", PHONE) == 1
    assert await stop(worker, "phone", "sms", PHONE) == 0
    async with worker.transaction() as tx:
        assert await lift(tx, TENANT, [("phone", "sms", PHONE)], via="START") == 1
        assert await lift(tx, TENANT, [("phone", "sms", PHONE)], via="START") == 0
        assert await listings(tx, TENANT, [PHONE]) == []
    assert await look(worker) == FREE
    assert await stop(worker, "phone", "sms", PHONE) == 1
    assert (await look(worker)).suppressed


async def test_lifting_one_channel_leaves_a_listing_for_all(worker):
    """A start by SMS does not undo a stop of everything."""
    await stop(worker, "phone", "all", PHONE)
    await stop(worker, "phone", "sms", PHONE)
    async with worker.transaction() as tx:
        await lift(tx, TENANT, [("phone", "sms", PHONE)], via="START")
    assert (await look(worker)).suppressed


async def test_a_hold_counts_until_the_last_is_removed(worker):
    """Each reply has its own hold; removing one leaves the others."""
    person, first, second = new_id(), new_id(), new_id()
    async with worker.transaction() as tx:
        assert await place_hold(tx, TENANT, person, first)
        assert not await place_hold(tx, TENANT, person, first)
        assert await place_holds(tx, [(TENANT, person, second)]) == 1
    assert await look(worker, person=person) == Standing(suppressed=False, held=True, epoch=0)
    async with worker.transaction() as tx:
        assert (await remove_holds(tx, [(person, first)])).count == 1
        assert await holds_of(tx, [person, first]) == {person: frozenset({second})}
    assert (await look(worker, person=person)).held
    async with worker.transaction() as tx:
        assert (await remove_holds(tx, [(person, first), (person, second)])).count == 1
    assert await look(worker, person=person) == FREE


async def test_a_hold_that_stands_for_long_is_asked_about_once(worker):
    """Oldest first and by machine time; what goes says whether somebody was asked about it."""
    person, old, older, fresh = (new_id() for _ in range(4))
    async with worker.transaction() as tx:
        await place_holds(tx, [(TENANT, person, each) for each in (old, older, fresh)])
        for name, minutes in ((old, 2), (older, 3)):
            await tx.run(_AGED, name=name, minutes=minutes)
    minute = timedelta(minutes=1)
    async with worker.transaction() as tx:
        assert [h.reply_id for h in await ask_about_holds(tx, older=minute, most=1)] == [older]
    async with worker.transaction() as tx:
        assert await ask_about_holds(tx, older=minute, most=9) == [Hold(TENANT, person, old)]
        assert await ask_about_holds(tx, older=minute, most=9) == []
        found = await holds_standing(tx, late=minute, most=9)
        assert (found.standing, found.late) == (3, 2)
        assert found.oldest > timedelta(minutes=3)
    async with worker.transaction() as tx:
        removed = await remove_holds(tx, [(person, older), (person, fresh)])
        assert removed == Removed(2, frozenset({older}))


async def test_a_hold_that_is_being_decided_on_is_not_asked_about(worker):
    """Whoever decides has it locked; nobody waits for them, and nobody is asked."""
    person, name = new_id(), new_id()
    async with worker.transaction() as tx:
        await place_hold(tx, TENANT, person, name)
        await tx.run(_AGED, name=name, minutes=2)
    async with worker.transaction() as deciding, worker.transaction() as asking:
        await remove_holds(deciding, [(person, name)])
        assert await ask_about_holds(asking, older=timedelta(minutes=1), most=9) == []


async def test_an_epoch_only_rises(worker):
    """From 0 by one each time; others stay."""
    one, other = new_id(), new_id()
    async with worker.transaction() as tx:
        assert await raise_epochs(tx, [(TENANT, one), (TENANT, one)]) == {one: 1}
        assert await raise_epochs(tx, [(TENANT, one), (TENANT, other)]) == {one: 2, other: 1}
        assert await epochs(tx, [one, other, TENANT]) == {one: 2, other: 1, TENANT: 0}
    assert (await look(worker, enrollment=one)).epoch == 2


async def test_batches_raised_against_each_other_lose_nothing(worker):
    """Any order of ids, at once: no deadlock, and every raise counts."""
    ids = [new_id() for _ in range(30)]

    async def raised(order):
        async with worker.transaction() as tx:
            await raise_epochs(tx, [(TENANT, enrollment) for enrollment in order])

    await asyncio.gather(*(raised(ids if n % 2 else ids[::-1]) for n in range(8)))
    async with worker.transaction() as tx:
        assert await epochs(tx, ids) == dict.fromkeys(ids, 8)


async def test_a_batch_is_looked_at_in_one_statement(worker):
    """Each touch gets its own standing."""
    person, enrollment = new_id(), new_id()
    touches = [new_id() for _ in range(4)]
    await stop(worker, "email", "email", EMAIL)
    async with worker.transaction() as tx:
        await place_hold(tx, TENANT, person, new_id())
        await raise_epochs(tx, [(TENANT, enrollment)])
        found = await standings(
            tx,
            [
                (touches[0], TENANT, "email", EMAIL, new_id(), new_id()),
                (touches[1], TENANT, "sms", PHONE, person, new_id()),
                (touches[2], TENANT, "voice", PHONE, new_id(), enrollment),
                (touches[3], TENANT, "sms", PHONE, new_id(), new_id()),
            ],
        )
        assert await standings(tx, []) == {}
    assert [found[touch] for touch in touches] == [
        Standing(suppressed=True, held=False, epoch=0),
        Standing(suppressed=False, held=True, epoch=0),
        Standing(suppressed=False, held=False, epoch=1),
        FREE,
    ]


async def test_a_stop_counts_from_its_commit_on(worker):
    """A look before the commit does not see it, one that begins after it does."""
    async with worker.transaction() as stopping:
        await suppress(stopping, TENANT, [("phone", "sms", PHONE)], reason="STOP", via="sms")
        assert await look(worker) == FREE
    assert (await look(worker)).suppressed


async def test_a_transaction_open_since_before_the_stop_sees_it(worker):
    """Looks are statements: what matters is when the look began, not its transaction."""
    touch = new_id()
    async with worker.transaction() as claiming:
        await stop(worker, "phone", "sms", PHONE)
        found = await standings(claiming, [(touch, TENANT, "sms", PHONE, new_id(), new_id())])
    assert found[touch].suppressed


async def test_the_list_is_read_page_by_page(worker):
    """Every standing listing once, lifted ones never."""
    hashes = [HASHER.hash("phone", f"+1202555{n:04}") for n in range(7)]
    async with worker.transaction() as tx:
        entries = [("phone", "all", hashed) for hashed in hashes]
        assert await suppress(tx, TENANT, entries, reason="import", via="file") == 7
        await lift(tx, TENANT, entries[:1], via="START")
        seen, after = [], None
        while page := await page_of_listings(tx, TENANT, after=after, most=4):
            seen += page
            after = page[-1]
    assert [listing.hash for listing in seen] == sorted(hashes[1:])
    assert {listing.reason for listing in seen} == {"import"}


async def test_a_key_reaches_its_own_list_alone(databases):
    """Under the API's role another tenant's listings are not there and can't be lifted."""
    await stop(databases.worker, "phone", "all", PHONE)
    async with databases.api.transaction(tenant=OTHER) as tx:
        assert await listings(tx, TENANT, [PHONE]) == []
        assert await lift(tx, TENANT, [("phone", "all", PHONE)], via="START") == 0
    async with databases.api.transaction(tenant=TENANT) as tx:
        assert len(await listings(tx, TENANT, [PHONE])) == 1
