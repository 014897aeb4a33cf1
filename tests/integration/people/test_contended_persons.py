"""What others commit between our look and our lock, forced step by step."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from followup_database import Database, new_id
from followup_people import NewLead, person_by_address, persons_by_id, upsert_leads

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TENANT = UUID(int=7)
WAITING = text("""
    SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE NOT l.granted AND a.datname = current_database()
""")
ERASE = [
    text("DELETE FROM people.contact_points WHERE person_id = :id"),
    text("DELETE FROM people.leads WHERE person_id = :id"),
    text("DELETE FROM people.persons WHERE id = :id"),
]


class GaveUpError(Exception):
    """Ends a transaction by a rollback."""


@pytest.fixture
def worker(databases) -> Database:
    return databases.worker


def lead(minute: int = 0, **given) -> NewLead:
    return NewLead(
        tenant_id=TENANT,
        lead_id=new_id(),
        person_id=new_id(),
        source="web_form",
        received_at=NOON + timedelta(minutes=minute),
        **given,
    )


async def save(database: Database, *drafts: NewLead):
    async with database.transaction() as tx:
        return await upsert_leads(tx, drafts)


async def somebody_waits(database: Database) -> None:
    """Return when a connection of this database waits for another's lock."""
    async with asyncio.timeout(60):
        while True:
            async with database.transaction() as tx:
                if await tx.scalar(WAITING):
                    return


async def owner(database: Database, kind: str, key: str) -> UUID | None:
    async with database.transaction() as tx:
        return await person_by_address(tx, TENANT, kind, key)


async def test_a_person_merged_meanwhile_passes_the_lead_on(worker):
    """The new address and the lead end with the survivor."""
    [older] = await save(worker, lead(1, phone_e164="+1"))
    [younger] = await save(worker, lead(2, phone_e164="+2"))
    async with worker.transaction() as merging:
        link = lead(3, phone_e164="+1", email="link@example.com")
        await upsert_leads(merging, [lead(3, phone_e164="+2", email="link@example.com"), link])
        waiting = asyncio.create_task(save(worker, lead(4, phone_e164="+2", email="n@example.com")))
        await somebody_waits(worker)
    [saved] = await waiting
    assert saved.person_id == older.person_id
    assert await owner(worker, "email", "n@example.com") == older.person_id
    async with worker.transaction() as tx:
        assert (await persons_by_id(tx, [younger.person_id]))[younger.person_id].id == (
            older.person_id
        )


async def test_a_person_erased_meanwhile_makes_the_lead_a_new_person(worker):
    """Nothing of the erased one comes back, and the lead is not lost."""
    [gone] = await save(worker, lead(1, first_name="Pat", phone_e164="+1"))
    draft = lead(4, phone_e164="+1", email="n@example.com")
    async with worker.transaction() as erasing:
        for statement in ERASE:
            await erasing.run(statement, id=gone.person_id)
        waiting = asyncio.create_task(save(worker, draft))
        await somebody_waits(worker)
    [saved] = await waiting
    assert (saved.person_id, saved.new_person) == (draft.person_id, True)
    assert await owner(worker, "phone", "+1") == draft.person_id
    assert await owner(worker, "email", "n@example.com") == draft.person_id
    async with worker.transaction() as tx:
        found = await persons_by_id(tx, [gone.person_id, draft.person_id])
    assert found.keys() == {draft.person_id}
    assert found[draft.person_id].first_name is None


async def test_an_address_taken_meanwhile_makes_the_lead_its_owners(worker):
    """Whoever inserts second finds the first one's person."""
    first, second = lead(1, phone_e164="+1"), lead(2, phone_e164="+1", email="n@example.com")
    async with worker.transaction() as taking:
        await upsert_leads(taking, [first])
        waiting = asyncio.create_task(save(worker, second))
        await somebody_waits(worker)
    [saved] = await waiting
    assert (saved.person_id, saved.merged) == (first.person_id, True)
    assert await owner(worker, "email", "n@example.com") == first.person_id


async def test_an_address_whose_taker_rolls_back_is_free(worker):
    """What was not committed never was."""
    second = lead(2, phone_e164="+1")
    with suppress(GaveUpError):
        async with worker.transaction() as taking:
            await upsert_leads(taking, [lead(1, phone_e164="+1")])
            waiting = asyncio.create_task(save(worker, second))
            await somebody_waits(worker)
            raise GaveUpError
    [saved] = await waiting
    assert (saved.person_id, saved.new_person) == (second.person_id, True)


async def test_an_external_id_saved_meanwhile_is_a_repetition(worker):
    """The answer names the lead and the person that stand."""
    first = lead(1, phone_e164="+1", external_id="crm-1")
    async with worker.transaction() as saving:
        await upsert_leads(saving, [first])
        waiting = asyncio.create_task(
            save(worker, lead(2, email="n@example.com", external_id="crm-1"))
        )
        await somebody_waits(worker)
    [saved] = await waiting
    assert (saved.duplicate_of_lead, saved.person_id) == (first.lead_id, first.person_id)


async def test_a_lead_saved_meanwhile_states_its_consent_once(worker):
    """Sent twice at the same moment, it is one statement in the history."""
    said = {"phone_e164": "+1", "external_id": "crm-1", "consent": "yes"}
    async with worker.transaction() as saving:
        await upsert_leads(saving, [lead(1, **said)])
        waiting = asyncio.create_task(save(worker, lead(1, **said)))
        await somebody_waits(worker)
    await waiting
    async with worker.transaction() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM people.consents")) == 1
