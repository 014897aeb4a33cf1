"""What a batch costs does not grow with what else is there, nor with what PostgreSQL knows of it.

A month's partition is new, and a busy table grows far faster than its statistics are
gathered: a plan made while it was empty must still be a good one an hour later.
"""

from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text

from followup_database import new_id
from followup_database.personal import Subject, erase_rows
from followup_dispatcher import ledger, usage
from followup_dispatcher.ledger import Settlement
from followup_dispatcher.tables import PERSONAL
from followup_people import NewLead, upsert_leads, views
from followup_policy.caps import PastContact

OTHERS, OPEN = 2_000, 500
TURNS = 8
"""From the sixth on the server may keep one plan for all."""

_READ = text("""
SELECT relname, seq_tup_read + COALESCE(idx_tup_fetch, 0) AS read
FROM pg_stat_xact_user_tables
WHERE schemaname || '.' || relname ~ '^(dispatcher.(attempts|usage)|people.(leads|persons))'
""")


@pytest.mark.parametrize("known", ["nothing", "that nothing is open"])
async def test_a_batch_reads_its_own_rows(dispatching, database_url, known) -> None:
    """Statements of the hot path, with two thousand rows of others beside theirs."""
    lead = await dispatching.lead()
    command = dispatching.command(lead)
    await dispatching.send(command)
    (own,) = await dispatching.rows("SELECT * FROM dispatcher.attempts")
    now = dispatching.clock()
    others = [
        NewLead(
            tenant_id=dispatching.tenant_id,
            lead_id=new_id(),
            person_id=new_id(),
            source="web_form",
            received_at=now,
            email=f"{n}@example.com",
        )
        for n in range(OTHERS)
    ]
    contact = PastContact(str(new_id()), "sms", now, "r")
    columns = {**own, "state": "claimed", "trace": []}
    async with dispatching.database.transaction() as tx:
        await upsert_leads(tx, others)
        await usage.lock(tx, {new_id(): dispatching.tenant_id for _ in range(OTHERS)})
        await ledger.claim(
            tx, [columns | {"touch_id": new_id(), "id": new_id()} for _ in range(OTHERS)]
        )
    if known != "nothing":
        # An index of what is open is thought to be empty then, and is not for long.
        owner = await asyncpg.connect(database_url)
        await owner.execute("UPDATE dispatcher.attempts SET state = 'accepted'")
        await owner.execute("VACUUM ANALYZE")
        await owner.close()
        async with dispatching.database.transaction() as tx:
            await ledger.claim(
                tx, [columns | {"touch_id": new_id(), "id": new_id()} for _ in range(OPEN)]
            )
    settled = Settlement(own["touch_id"], own["id"], "accepted", "answer")
    async with dispatching.database.transaction() as tx:
        for _ in range(TURNS):
            await views(tx, [lead])
            await usage.lock(tx, {lead[1]: dispatching.tenant_id})
            await usage.save(tx, {lead[1]: [contact]})
            await ledger.latest(tx, [own["touch_id"]])
            await ledger.claim_again(tx, [(own["touch_id"], own["id"])])
            await ledger.settle(tx, [settled, replace(settled, id=new_id())])
        read = {row["relname"]: row["read"] for row in await tx.all(_READ)}
    assert sum(read.values()) > 0
    assert {name: rows for name, rows in read.items() if rows > 10 * TURNS} == {}


async def test_what_is_not_late_is_not_looked_at(dispatching) -> None:
    """A look for what has been under way too long ends at the first that has not."""
    await dispatching.send(dispatching.command(await dispatching.lead()))
    (own,) = await dispatching.rows("SELECT * FROM dispatcher.attempts")
    columns = {**own, "state": "claimed", "trace": []}
    async with dispatching.database.transaction() as tx:
        await ledger.claim(
            tx, [columns | {"touch_id": new_id(), "id": new_id()} for _ in range(OTHERS)]
        )
    async with dispatching.database.transaction() as tx:
        assert await ledger.stale(tx, age_seconds=60, most=100) == []
        assert await ledger.unknowns_to_ask(tx, most=100) == []
        read = {row["relname"]: row["read"] for row in await tx.all(_READ)}
    assert sum(read.values()) < OTHERS / 100


@pytest.mark.parametrize("state", ["unknown", "accepted"])
async def test_an_attempt_is_found_by_its_own_id_without_a_look_at_all(
    dispatching, database_url, state
) -> None:
    """By the index of what is open, or among what was claimed about the moment in its id."""
    await dispatching.send(dispatching.command(await dispatching.lead()))
    (own,) = await dispatching.rows("SELECT * FROM dispatcher.attempts")
    columns = {**own, "state": "claimed", "trace": []}
    async with dispatching.database.transaction() as tx:
        await ledger.claim(
            tx, [columns | {"touch_id": new_id(), "id": new_id()} for _ in range(OTHERS)]
        )
    owner = await asyncpg.connect(database_url)
    await owner.execute("UPDATE dispatcher.attempts SET state = $2 WHERE id = $1", own["id"], state)
    await owner.execute(
        "UPDATE dispatcher.attempts SET state = 'accepted', claimed_on = now() - interval '2 days'"
        " WHERE id <> $1",
        own["id"],
    )
    await owner.execute("VACUUM ANALYZE")
    await owner.close()
    async with dispatching.database.transaction(tenant=dispatching.tenant_id) as tx:
        found = await ledger.one(tx, own["id"])
        read = sum(row["read"] for row in await tx.all(_READ))
    assert found is not None
    assert (found.touch_id, found.state) == (own["touch_id"], state)
    assert read < OTHERS / 4


async def test_an_erasure_reads_its_own_persons_attempts(dispatching, database_url) -> None:
    """It names persons alone, and looks at all months there are."""
    lead = await dispatching.lead()
    await dispatching.send(dispatching.command(lead))
    (own,) = await dispatching.rows("SELECT * FROM dispatcher.attempts")
    columns = {**own, "state": "claimed", "trace": []}
    async with dispatching.database.transaction() as tx:
        await ledger.claim(
            tx,
            [
                columns | {"touch_id": new_id(), "id": new_id(), "person_id": new_id()}
                for _ in range(OTHERS)
            ],
        )
    owner = await asyncpg.connect(database_url)
    await owner.execute("VACUUM ANALYZE")
    await owner.close()
    subject = Subject(dispatching.tenant_id, [lead[1]])
    (attempts,) = [table for table in PERSONAL if table.table == "attempts"]
    async with dispatching.database.transaction() as tx:
        assert await ledger.hold(tx, subject.tenant_id, subject.persons) == 1
        assert await erase_rows(tx, attempts, subject) == 1
        read = sum(row["read"] for row in await tx.all(_READ))
    assert read < OTHERS / 100
    found = await dispatching.rows("SELECT 1 FROM dispatcher.attempts WHERE recipient IS NULL")
    assert len(found) == 1


async def test_an_id_that_is_no_attempts_finds_nothing(dispatching):
    """Neither one of another version, nor one of a moment that no clock shows."""
    async with dispatching.database.transaction(tenant=dispatching.tenant_id) as tx:
        for id_ in (uuid4(), UUID(int=(2**128 - 1) & ~(0xF << 76) | (7 << 76)), new_id()):
            assert await ledger.one(tx, id_) is None
