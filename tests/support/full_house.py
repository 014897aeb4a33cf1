"""A house with somebody in it, and a search of every column of every table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from followup_contracts import Message, encode
from followup_contracts.ingress import LeadSubmitted
from followup_database import new_id
from followup_directory import CELL, create_key, put_templates
from followup_embedded.house import Embedded
from followup_embedded.stillness import at_rest
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
SERVICES = ("intake", "scheduler", "dispatcher", "replies")
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
    """The house, and its client with the key of the default tenant, who is the operator."""

    house: Embedded
    client: httpx.AsyncClient
    clock: MovableClock

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.client.request(method, path, **more)

    async def round(self, what: str = "rights") -> int:
        """One look of every service at what waits for it; how much was done."""
        names = {f"{service}:{what}" for service in SERVICES}
        loops = [
            runner.loop
            for service in self.house.services
            for runner in service.runners
            if isinstance(runner, LoopRunner) and runner.name in names
        ]
        assert len(loops) == len(names)
        return sum([(await loop.run_once()).worked for loop in loops])

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


@asynccontextmanager
async def open_home(database_url: str, clock: MovableClock) -> AsyncIterator[Home]:
    """The house on this database."""
    async with Embedded(Settings(database_url=database_url), clock=clock) as house:
        async with house.databases.worker.transaction() as tx:
            key = (await create_key(tx, house.tenant.id, "k", scopes=("*", CELL))).token
        transport = httpx.ASGITransport(house.app)
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://home",
            headers={"Authorization": f"Bearer {key}"},
        ) as client:
            yield Home(house, client, clock)


async def lived(home: Home, tenant_id: UUID | None = None, **more: Any) -> UUID:
    """A lead that was written to, in words of its own too, changed, and asked to confirm.

    It stands in a dead letter as well. Of the default tenant, unless `tenant_id` and its
    key's `headers` are given.
    """
    tenant_id = tenant_id or home.house.tenant.id
    async with home.house.running():
        answer = await home.ask("POST", "/v1/leads", json=LEAD, **more)
        assert answer.status_code == 201, answer.text
        written = await home.ask(
            "POST",
            f"/v1/leads/{answer.json()['lead_id']}/messages",
            json={"text": "Quimby, about that purple roof", "by": "quimby's agent"},
            headers={**more.get("headers", {}), "Idempotency-Key": "1"},
        )
        assert written.status_code == 202, written.text
        await at_rest(home.house)
    lead = answer.json()["lead_id"]
    await home.ask("PATCH", f"/v1/leads/{lead}", json={"person": {"city": "Quimby Falls"}}, **more)
    said = {"channel": "email", "wording": "agreed-to again", "ip": "192.0.2.77"}
    made = await home.ask("POST", f"/v1/leads/{lead}/consent/confirmation", json=said, **more)
    assert made.status_code == 201, made.text
    link = made.json()["url"].removeprefix("http://home")
    assert (await home.ask("POST", link)).status_code == 200
    raw = Message.of(
        LeadSubmitted(fields={"name": "Quimby Q", "phone": "212 555 0123"}),
        id=new_id(),
        tenant_id=tenant_id,
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
        await put_templates(tx, tenant_id, [("sms", words)], person_id=person)
    return UUID(lead)
