"""Erasure, export and retention over all services in one house."""

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from followup_contracts import Message, encode
from followup_contracts.ingress import LeadSubmitted
from followup_database import new_id
from followup_directory import create_key, put_templates, set_tenant_settings, set_tenant_state
from followup_embedded.house import Embedded
from followup_messaging import dead
from followup_runtime.loops import LoopRunner
from followup_runtime.settings import Settings
from followup_testkit.clocks import START, MovableClock

MARKS = (
    "Quimby",
    "quimby",
    "12125550123",
    "212) 555-0123",
    "192.0.2.77",
    "purple roof",
    "agreed-to",
)
LEAD = {
    "first_name": "Quimby",
    "last_name": "Quimbyson",
    "phone": "(212) 555-0123",
    "email": "quimby@example.com",
    "source": "web_form",
    "need": "a purple roof",
    "consent": "yes",
    "consent_text": "agreed-to by Quimby",
    "external_id": "quimby-17",
    "country": "US",
    "postal_code": "10001",
    "attributes": {"nick": "quimby"},
}
LOOPS = ("intake:rights", "scheduler:rights", "dispatcher:rights", "replies:rights")
_COLUMNS = text("""
    SELECT c.table_schema AS schema, c.table_name AS table, c.column_name AS column,
        c.data_type AS type
    FROM information_schema.columns c JOIN information_schema.tables t
        USING (table_schema, table_name)
    WHERE t.table_type = 'BASE TABLE'
      AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
""")


@dataclass
class Home:
    """The house, and its client with the default tenant's key."""

    house: Embedded
    client: httpx.AsyncClient
    clock: MovableClock

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.client.request(method, path, **more)

    async def round(self) -> None:
        """One look of every service at what people have asked for."""
        for service in self.house.services:
            for runner in service.runners:
                if isinstance(runner, LoopRunner) and runner.name in LOOPS:
                    await runner.loop.run_once()

    async def found(self, *marks: str) -> list[str]:
        """Every place of the database where one of these stands."""
        places = []
        async with self.house.databases.worker.transaction() as tx:
            for row in await tx.all(_COLUMNS):
                column, table = f'"{row["column"]}"', f"{row['schema']}.{row['table']}"
                said = (
                    f"encode({column}, 'escape')" if row["type"] == "bytea" else f"{column}::text"
                )
                for mark in marks:
                    statement = f"SELECT count(*) FROM {table} WHERE position(:mark IN {said}) > 0"
                    if await tx.scalar(text(statement), mark=mark):
                        places.append(f"{table}.{row['column']}: {mark}")
        return places


@pytest.fixture
async def home(database_url: str, clock: MovableClock) -> AsyncIterator[Home]:
    async with Embedded(Settings(database_url=database_url), clock=clock) as house:
        async with house.databases.worker.transaction() as tx:
            key = (await create_key(tx, house.tenant.id, "k")).token
        transport = httpx.ASGITransport(house.app)
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://home",
            headers={"Authorization": f"Bearer {key}"},
        ) as client:
            yield Home(house, client, clock)


async def _lived(home: Home) -> UUID:
    """A lead that was written to, in words of its own too, changed, and asked to confirm.

    It stands in a dead letter as well.
    """
    async with home.house.running():
        answer = await home.ask("POST", "/v1/leads", json=LEAD)
        assert answer.status_code == 201, answer.text
        assert await home.house.settled(within=20)
    lead = answer.json()["lead_id"]
    await home.ask("PATCH", f"/v1/leads/{lead}", json={"person": {"city": "Quimby Falls"}})
    said = {"channel": "email", "wording": "agreed-to again", "ip": "192.0.2.77"}
    made = await home.ask("POST", f"/v1/leads/{lead}/consent/confirmation", json=said)
    assert made.status_code == 201, made.text
    link = made.json()["url"].removeprefix("http://home")
    assert (await home.ask("POST", link)).status_code == 200
    raw = Message.of(
        LeadSubmitted(fields={"name": "Quimby Q", "phone": "212 555 0123"}),
        id=new_id(),
        tenant_id=home.house.tenant.id,
        source="crm",
        subject="crm",
        time=START,
    )
    async with home.house.databases.worker.transaction() as tx:
        letter = dead.Burial(
            "intake", "intake.ingress", raw.routing_key, encode(raw), "x", raw.id, raw.tenant_id
        )
        await dead.bury(tx, [letter])
        words = {"text": "Quimby, about your purple roof"}
        person = UUID(answer.json()["person_id"])
        await put_templates(tx, home.house.tenant.id, [("sms", words)], person_id=person)
    return UUID(lead)


async def test_a_person_is_forgotten_in_every_table(home):
    """A search of every column of every table finds nothing of them but a keyed hash that
    keeps them from being contacted anew.
    """
    lead = await _lived(home)
    places = {place.split(":")[0] for place in await home.found(*MARKS)}
    schemas = {place.split(".")[0] for place in places}
    assert {"people", "intake", "dispatcher", "messaging", "directory"} <= schemas

    answer = await home.ask("DELETE", f"/v1/leads/{lead}")
    assert answer.status_code == 202, answer.text
    await home.round()
    state = (await home.ask("GET", f"/v1/erasures/{answer.json()['erasure_id']}")).json()
    assert (state["state"], state["waiting"]) == ("done", [])
    assert state["counts"]["messaging.dead"] == 1
    assert state["counts"]["dispatcher.attempts"] >= 1
    assert await home.found(*MARKS) == []
    for path in ("", "/consent", "/history", "/export", "/timeline"):
        found = await home.ask("GET", f"/v1/leads/{lead}{path}")
        assert found.status_code == 404 or not any(m in found.text for m in MARKS), found.text
    listed = (await home.ask("GET", "/v1/suppressions")).json()
    assert len(listed["listings"] if "listings" in listed else listed["items"]) == 2


async def test_nothing_goes_to_somebody_forgotten(home):
    """What was planned for them is cancelled, and no timer is left."""
    lead = await _lived(home)
    await home.ask("DELETE", f"/v1/leads/{lead}")
    await home.round()
    async with home.house.databases.worker.transaction() as tx:
        open_ones = await tx.scalar(
            text("SELECT count(*) FROM scheduler.touches WHERE state IN ('planned', 'commanded')")
        )
        timers = await tx.scalar(text("SELECT count(*) FROM scheduler.timers"))
    assert (open_ones, timers) == (0, 0)


async def test_everything_about_a_person_is_handed_out(home):
    """One JSON document with each service's rows, or the same as a ZIP; deleted with them."""
    lead = await _lived(home)
    asked = home.ask("GET", f"/v1/leads/{lead}/export")
    async with home.house.running():
        whole = (await asked).json()
        packed = await home.ask("GET", f"/v1/leads/{lead}/export?format=zip")
    assert set(whole) == {"intake", "scheduler", "dispatcher", "replies"}
    assert whole["intake"]["people.persons"][0]["city"] == "Quimby Falls"
    assert len(whole["intake"]["people.contact_points"]) == 2
    assert {c["method"] for c in whole["intake"]["people.consents"]} == {"api", "double_opt_in"}
    assert any(a["recipient"] == "+12125550123" for a in whole["dispatcher"]["dispatcher.attempts"])
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert "intake/people.leads.json" in archive.namelist()

    await home.ask("DELETE", f"/v1/leads/{lead}")
    await home.round()
    assert await home.found(*MARKS) == []


async def test_people_nobody_hears_of_are_forgotten_when_their_tenant_says_so(home):
    """After the days of its settings, not before; their addresses are not suppressed."""
    await _lived(home)
    (retention,) = (
        runner.loop
        for service in home.house.services
        for runner in service.runners
        if runner.name == "intake:retention"
    )
    async with home.house.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, home.house.tenant.id, {"retention_days": 30})
    home.clock.advance(timedelta(days=29))
    assert (await retention.run_once()).worked == 0
    home.clock.advance(timedelta(days=2))
    assert (await retention.run_once()).worked == 1
    await home.round()
    assert await home.found(*MARKS) == []
    async with home.house.databases.worker.transaction() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM suppression.list")) == 0


async def test_a_deleted_tenants_people_are_forgotten(home):
    """All of them, whatever its settings."""
    await _lived(home)
    async with home.house.databases.worker.transaction() as tx:
        await set_tenant_state(tx, home.house.tenant.id, "deleted")
    for service in home.house.services:
        for runner in service.runners:
            if runner.name == "intake:retention":
                assert (await runner.loop.run_once()).worked == 1
    await home.round()
    assert await home.found(*MARKS) == []
