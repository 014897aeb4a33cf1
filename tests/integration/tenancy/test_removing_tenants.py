"""A deleted tenant leaves its id, whom it may not write to, and the record of that."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from full_house import MARKS, Home, lived
from sqlalchemy import text

from followup_database import new_id
from followup_directory import Vault, create_key, put_account, put_sender
from followup_directory.removals import KEPT, SCHEMAS, delete_tenant, removal_of
from followup_people import ask_right
from followup_runtime.keyring import keys_of
from followup_runtime.removals import RemovalLoop

PEOPLE = 3_000
ALL_SCHEMAS = {schema for part in SCHEMAS.values() for schema in part}
STAYS = {
    "directory.tenants.id",
    "directory.tenants.tenant_id",
    "directory.tenants.slug",
    "directory.removals.tenant_id",
    "suppression.list.tenant_id",
    # The operator's record of what it did.
    "directory.audit.subjects",
}
_COUNTS = text("""
    SELECT (SELECT count(*) FROM people.leads WHERE tenant_id = :id) AS leads,
        (SELECT count(*) FROM people.contact_points WHERE tenant_id = :id) AS points,
        (SELECT count(*) FROM scheduler.enrollments WHERE tenant_id = :id) AS enrollments,
        (SELECT count(*) FROM scheduler.timers WHERE tenant_id = :id) AS timers,
        (SELECT count(*) FROM dispatcher.attempts WHERE tenant_id = :id) AS attempts,
        (SELECT count(*) FROM directory.accounts WHERE tenant_id = :id) AS accounts
""")
_FILL = text("""
    INSERT INTO people.persons (id, tenant_id, audience, created_at)
    SELECT gen_random_uuid(), :id, 'b2c', :now FROM generate_series(1, :rows)
""")
# As if two hours had passed since the deletion.
_LATER = text("""
    UPDATE directory.removals SET asked_at = asked_at - interval '2 hours',
        next_at = next_at - interval '2 hours'
""")


@dataclass(frozen=True, slots=True)
class Acme:
    """A tenant beside the default one, with a key for everything and a sealed secret."""

    id: UUID
    headers: dict[str, str]
    sealed: str


@pytest.fixture
async def acme(home: Home) -> Acme:
    made = await home.ask("POST", "/v1/tenants", json={"slug": "acme", "name": "Acme"})
    tenant = UUID(made.json()["id"])
    sealed = Vault(keys_of(home.house.settings).secret_keys).seal({"token": "of-acme"})
    async with home.house.databases.worker.transaction() as tx:
        token = (await create_key(tx, tenant, "k")).token
        for channel, sender in (("sms", "+12025550111"), ("email", "hello@example.com")):
            account = await put_account(
                tx,
                tenant,
                channel=channel,
                provider="sandbox",
                name=channel,
                settings={"from": sender},
                sealed=sealed,
            )
            await put_sender(tx, tenant, account.id, channel=channel, address=sender)
    return Acme(tenant, {"Authorization": f"Bearer {token}"}, sealed.decode())


async def _settled(home: Home) -> int:
    """What all services' loops delete until nothing is due."""
    gone = 0
    while True:
        async with home.house.databases.worker.transaction() as tx:
            due = await tx.scalar(
                text(
                    "SELECT count(*) FROM directory.removals"
                    " WHERE finished_at IS NULL AND next_at <= clock_timestamp()"
                )
            )
        if not due:
            return gone
        gone += await home.round("removal")


async def _pass_hours(home: Home) -> None:
    async with home.house.databases.worker.transaction() as tx:
        await tx.run(_LATER)


async def test_a_deleted_tenant_is_found_in_no_table(home, acme):
    """A search of every column of every table finds neither its people nor its id, but for
    what is said to stay; another tenant's rows are untouched.
    """
    lead = await lived(home, acme.id, headers=acme.headers)
    stopped = {"channel": "sms", "address": "+12125550124"}
    await home.ask("PUT", "/v1/suppressions", json=stopped, headers=acme.headers)
    source = {"kind": "form", "name": "site"}
    await home.ask("POST", "/v1/sources", json=source, headers=acme.headers)
    other = await lived(home)
    bystander = home.house.tenant.id
    async with home.house.databases.worker.transaction() as tx:
        await ask_right(tx, acme.id, "export", [lead])
        before = dict(await tx.first(_COUNTS, id=bystander))
        assert min(dict(await tx.first(_COUNTS, id=acme.id)).values()) >= 1
    places = {place.split(":")[0] for place in await home.found(str(acme.id))}
    assert {place.split(".")[0] for place in places} == ALL_SCHEMAS
    assert await home.found(acme.sealed)

    assert (await home.ask("DELETE", f"/v1/tenants/{acme.id}")).status_code == 202
    for _ in range(2):
        await _pass_hours(home)
        await _settled(home)
    told = (await home.ask("GET", f"/v1/tenants/{acme.id}")).json()
    assert (told["removal"]["state"], told["removal"]["waiting"]) == ("done", [])
    assert told["removal"]["counts"]["people.leads"] == 1
    left = {place.split(":")[0] for place in await home.found(str(acme.id), acme.id.hex)}
    assert left == STAYS
    assert await home.found(acme.sealed, "acme", "Acme") == []
    async with home.house.databases.worker.transaction() as tx:
        assert dict(await tx.first(_COUNTS, id=bystander)) == before

    # What is left of these words is the other tenant's.
    await home.ask("DELETE", f"/v1/leads/{other}")
    await home.round()
    assert await home.found(*MARKS) == []


async def test_replicas_share_the_work_and_one_goes_on_where_another_was_cut_off(home, acme):
    """Two at it, a third killed in the middle: everything goes, and is counted once."""
    worker = home.house.databases.worker
    async with worker.transaction() as tx:
        await tx.run(_FILL, id=acme.id, now=tx.now, rows=PEOPLE)
        await tx.run(_FILL, id=home.house.tenant.id, now=tx.now, rows=10)
        assert await delete_tenant(tx, acme.id, asked_by=None)
        assert not await delete_tenant(tx, acme.id, asked_by=None)
    await _pass_hours(home)
    loops = [RemovalLoop("intake", worker, pages=3, stretches=3) for _ in range(3)]
    for cut_after in range(8):
        broken = asyncio.create_task(loops[2].run_once())
        for _ in range(cut_after * 3):
            await asyncio.sleep(0)
        broken.cancel()
        with suppress(asyncio.CancelledError):
            await broken
        await asyncio.gather(loops[0].run_once(), loops[1].run_once())
    await _settled(home)
    async with worker.transaction() as tx:
        removal = await removal_of(tx, acme.id)
        people = await tx.all(text("SELECT tenant_id, count(*) FROM people.persons GROUP BY 1"))
    assert removal is not None
    assert removal.counts["people.persons"] == PEOPLE
    assert {row["tenant_id"]: row["count"] for row in people} == {home.house.tenant.id: 10}


async def test_what_comes_late_is_found_before_it_is_said_to_be_done(home, acme):
    """A round that finds something is followed by another; nothing is done within the hour."""
    worker = home.house.databases.worker
    async with worker.transaction() as tx:
        await delete_tenant(tx, acme.id, asked_by=None)
    async with worker.transaction() as tx:
        early = text("SELECT min(next_at - asked_at) FROM directory.removals")
        assert await tx.scalar(early) > timedelta(seconds=10), "calls may be under way"
        await tx.run(text("UPDATE directory.removals SET next_at = clock_timestamp()"))
    assert await _settled(home) > 0
    async with worker.transaction() as tx:
        removal = await removal_of(tx, acme.id)
        assert removal is not None
        assert removal.waiting == tuple(sorted(SCHEMAS))
        await tx.run(_FILL, id=acme.id, now=tx.now, rows=1)
    await _pass_hours(home)
    assert await _settled(home) == 1
    async with worker.transaction() as tx:
        removal = await removal_of(tx, acme.id)
        assert removal is not None
        assert removal.waiting == ("intake",)
    await _pass_hours(home)
    assert await _settled(home) == 0
    async with worker.transaction() as tx:
        removal = await removal_of(tx, acme.id)
        assert removal is not None
        assert removal.waiting == ()
        assert removal.finished_at is not None


async def test_who_comes_back_may_not_write_to_those_who_said_stop(home, acme):
    """The list of a deleted tenant is taken over by its successor, lifted listings are not."""
    for address in ("+12125550123", "+12125550124"):
        body = {"channel": "sms", "address": address}
        answer = await home.ask("PUT", "/v1/suppressions", json=body, headers=acme.headers)
        assert answer.status_code < 300, answer.text
    gone = {"channel": "sms", "address": "+12125550124"}
    answer = await home.client.request(
        "DELETE", "/v1/suppressions", json=gone, headers=acme.headers
    )
    assert answer.status_code < 300, answer.text
    await home.ask("DELETE", f"/v1/tenants/{acme.id}")
    await _pass_hours(home)
    await _settled(home)
    body = {"slug": "acme", "name": "Acme", "stops_of": str(acme.id)}
    made = await home.ask("POST", "/v1/tenants", json=body)
    assert made.status_code == 201, made.text
    async with home.house.databases.worker.transaction() as tx:
        heirs = await tx.all(
            text("SELECT channel, lifted_at FROM suppression.list WHERE tenant_id = :id"),
            id=UUID(made.json()["id"]),
        )
    assert [(row["channel"], row["lifted_at"]) for row in heirs] == [("sms", None)]
    refused = {"slug": "b", "name": "B", "stops_of": str(new_id())}
    answer = await home.ask("POST", "/v1/tenants", json=refused)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/stops_of")


async def test_every_table_of_tenants_is_somebodys_part_and_may_be_emptied(home):
    """A schema nobody walks, or a table workers may not delete from, would leave rows behind."""
    async with home.house.databases.worker.transaction() as tx:
        rows = await tx.all(
            text("""
                SELECT n.nspname AS schema, n.nspname || '.' || c.relname AS name,
                    has_table_privilege('followup_worker', c.oid, 'DELETE') AS may
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
                WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
            """)
        )
    assert {row["schema"] for row in rows} == ALL_SCHEMAS
    assert {row["name"] for row in rows if not row["may"]} <= KEPT
    assert {row["name"] for row in rows} > KEPT
