"""Retention looks at a tenant's own people, a page at a time."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from followup_database import new_id
from followup_directory import create_tenant, set_tenant_settings
from followup_intake import retention
from followup_intake.retention import Retention
from followup_intake.rights import Rights
from followup_runtime.databases import Databases
from followup_suppression import AddressHasher
from followup_testkit.clocks import MovableClock

_PERSON = text("""
    INSERT INTO people.persons (id, tenant_id, audience, created_at)
    SELECT gen_random_uuid(), :tenant, 'b2c', :at FROM generate_series(1, :many) RETURNING id
""")
_LEAD = text("""
    INSERT INTO people.leads (id, tenant_id, person_id, source, asked, received_at)
    SELECT gen_random_uuid(), :tenant, id, 'web_form', true, :at
    FROM unnest(CAST(:ids AS uuid[])) AS r(id)
""")
_LEFT = text("SELECT id FROM people.persons WHERE tenant_id = :tenant")
_READ = text("""
    SELECT COALESCE(sum(seq_tup_read + COALESCE(idx_tup_fetch, 0)), 0)
    FROM pg_stat_xact_user_tables WHERE schemaname = 'people' AND relname = 'persons'
""")
DAYS = 30


class People:
    """Tenants that forget after `DAYS`, and persons of any age."""

    def __init__(self, databases: Databases, clock: MovableClock) -> None:
        self.databases, self.clock = databases, clock

    async def tenant(self, slug: str) -> UUID:
        async with self.databases.worker.transaction() as tx:
            made = await create_tenant(tx, slug, slug)
            await set_tenant_settings(tx, made.id, {"retention_days": DAYS})
        return made.id

    async def enter(self, tenant: UUID, many: int, *, days: int, heard: int | None = None) -> None:
        """Persons who came so many days ago, and perhaps sent a lead since."""
        async with self.databases.worker.transaction() as tx:
            at = tx.now - timedelta(days=days)
            rows = await tx.all(_PERSON, tenant=tenant, at=at, many=many)
            if heard is not None:
                ids = [row["id"] for row in rows]
                await tx.run(_LEAD, tenant=tenant, ids=ids, at=tx.now - timedelta(days=heard))

    async def left(self, tenant: UUID) -> int:
        async with self.databases.worker.transaction() as tx:
            return len(await tx.all(_LEFT, tenant=tenant))


@pytest.fixture
async def people(database_url: str, clock: MovableClock) -> AsyncIterator[People]:
    databases = Databases.open(database_url, api_pool=2, worker_pool=4, clock=clock)
    yield People(databases, clock)
    await databases.close()


async def test_every_page_is_looked_at_and_begun_anew(people):
    """Among many who are heard of each silent one is found, in whatever page, and next time too."""
    one, other = await people.tenant("one"), await people.tenant("other")
    for days in (90, 80, 70):
        await people.enter(one, 4, days=days, heard=5)
        await people.enter(one, 3, days=days)
    await people.enter(one, 2, days=DAYS - 1)
    await people.enter(other, 1, days=90)
    loop = Retention(people.databases.worker, Rights(AddressHasher(b"k" * 32)), looked=3, most=2)

    async def whole_pass() -> int:
        worked = 0
        while True:
            tick = await loop.run_once()
            worked += tick.worked
            if tick.again_in == retention.EVERY:
                return worked

    assert await whole_pass() == 10
    assert (await people.left(one), await people.left(other)) == (14, 0)
    people.clock.advance(timedelta(days=2))
    assert await whole_pass() == 2
    people.clock.advance(timedelta(days=DAYS))
    assert await whole_pass() == 12
    assert await people.left(one) == 0


async def test_a_page_reads_its_own_rows(people):
    """Not those of other tenants, nor those who have not been there so long."""
    mine, other = await people.tenant("mine"), await people.tenant("other")
    await people.enter(mine, 10, days=90)
    await people.enter(mine, 2_000, days=1)
    await people.enter(other, 2_000, days=90)
    async with people.databases.worker.transaction() as tx:
        before = tx.now - timedelta(days=DAYS)
        found = await tx.all(
            retention._PAGE,
            tenant_id=mine,
            before=before,
            created_at=before - timedelta(days=365),
            id=new_id(),
            most=1_000,
        )
        read = await tx.scalar(_READ)
    assert len(found) == 10
    assert read <= 20
