"""No route gives or changes what is another tenant's: by its own filters, and without them."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from structlog.testing import capture_logs

from followup_database import Database, Transaction
from followup_database.roles import Role
from followup_directory import create_key, create_tenant, put_account
from followup_embedded.house import BUILDERS, Embedded
from followup_messaging.inprocess import InProcessBus
from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.metrics import Metrics
from followup_runtime.settings import Settings
from followup_testkit.clocks import MovableClock
from followup_testkit.waiting import until

MARK = "Zyxwvut"
LEAD = {
    "first_name": MARK,
    "last_name": f"{MARK}son",
    "phone": "(212) 555-0123",
    "email": f"{MARK.lower()}@example.com",
    "source": "web_form",
    "need": f"a {MARK} roof",
    "consent": True,
    "country": "US",
    "postal_code": "10001",
    "external_id": "theirs-1",
}
QUERIES = {"GET /v1/leads": "?external_id=theirs-1"}
"""What a route has to be asked for."""
SECRETS = (MARK, MARK.lower(), "+12125550123")
TABLES = {
    "lead_id": "people.leads",
    "person_id": "people.persons",
    "import_id": "intake.imports",
    "source_id": "intake.sources",
    "endpoint_id": "intake.endpoints",
    "delivery_id": "intake.deliveries",
    "key_id": "directory.api_keys",
    "account_id": "directory.accounts",
    "enrollment_id": "scheduler.enrollments",
    "touch_id": "scheduler.touches",
    "attempt_id": "dispatcher.attempts",
    "message_id": "replies.written",
}
"""Where there is something of each kind that paths name."""
BODIES: dict[str, Any] = {
    "POST /v1/leads/{lead_id}/messages": {"text": "Hello."},
    "POST /v1/leads/{lead_id}/events": {"kind": "lead.converted"},
    "POST /v1/tasks/{task_id}/complete": {"outcome": "done"},
    "POST /v1/tasks/{task_id}/snooze": {"until": "2030-01-01T00:00:00Z"},
    "POST /v1/tasks/{task_id}/assign": {"to": "somebody"},
    "POST /v1/attempts/{attempt_id}/settle": {"outcome": "sent"},
    "PUT /v1/accounts/{account_id}": {"state": "stopped", "reason": "test"},
    "POST /v1/keys/{key_id}/rotate": {"grace_seconds": 0},
    "PATCH /v1/endpoints/{endpoint_id}": {"state": "disabled"},
    "POST /v1/endpoints/{endpoint_id}/replay": {"since": "2020-01-01T00:00:00Z"},
    "PATCH /v1/leads/{lead_id}": {"need": "nothing"},
    "PATCH /v1/persons/{person_id}": {"first_name": "Nobody"},
}
# The record of who did what grows with every change that is tried for oneself.
UNOWNED = re.compile(r"^(messaging\.|directory\.(audit|key_usage)|.*alembic)")
_TABLES = text("""
    SELECT c.table_schema || '.' || c.table_name AS name FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.column_name = 'tenant_id' AND t.table_type = 'BASE TABLE' ORDER BY 1
""")


class Pinned(Database):
    """A database whose row-level security stands on one tenant, whoever the application asks
    for: what its own filters ask for is another's.
    """

    pin: UUID

    @asynccontextmanager
    async def transaction(self, *, tenant: UUID | None = None) -> AsyncIterator[Transaction]:
        del tenant
        async with super().transaction(tenant=self.pin) as tx:
            yield tx


@dataclass
class Cell:
    """Two tenants, one of which has things; every route of every service."""

    app: FastAPI
    databases: Databases
    mine: UUID
    my_key: str
    their_key: str
    theirs: UUID
    ids: dict[str, UUID]

    def requests(self) -> Iterator[tuple[str, str, str]]:
        """Method, route and a path filled in with ids of mine, for all of them."""
        for path, methods in self.app.openapi()["paths"].items():
            filled = re.sub(r"{(\w+)}", lambda part: self._named(part[1]), path)
            for method in methods:
                query = QUERIES.get(f"{method.upper()} {path}", "")
                yield method.upper(), path, filled + query

    def _named(self, name: str) -> str:
        """What stands for a part of a path: of what it names, else of a lead."""
        return str(self.ids.get(name, self.ids["lead_id"]))

    async def rows(self) -> dict[str, list[str]]:
        """All that is mine, as texts, by table."""
        found = {}
        async with self.databases.worker.transaction() as tx:
            for row in await tx.all(_TABLES):
                name = row["name"]
                if not UNOWNED.match(name):
                    row_text = "(to_jsonb(t) - 'last_used_at')::text"
                    statement = (
                        f"SELECT {row_text} AS t FROM {name} t WHERE tenant_id = :id ORDER BY 1"
                    )
                    rows = await tx.all(text(statement), id=self.mine)
                    found[name] = [each["t"] for each in rows]
        return found


@pytest.fixture
async def cell(database_url: str, clock: MovableClock) -> AsyncIterator[Cell]:
    """A house that has taken a lead in and sent its first touches."""
    settings = Settings(database_url=database_url, webhook_loopback=True)
    async with Embedded(settings, clock=clock) as house:
        async with house.databases.worker.transaction() as tx:
            mine = await create_tenant(tx, "mine", "Mine", {"business_name": "Mine"})
            theirs = await create_tenant(tx, "theirs", "Theirs", {"business_name": "Theirs"})
            for channel, sender in (("sms", "+12025550100"), ("email", "a@example.com")):
                await put_account(
                    tx,
                    mine.id,
                    channel=channel,
                    provider="sandbox",
                    name="sandbox",
                    settings={"from": sender},
                )
            my_key = (await create_key(tx, mine.id, "k")).token
            their_key = (await create_key(tx, theirs.id, "k")).token
        transport = httpx.ASGITransport(house.app)
        client = httpx.AsyncClient(transport=transport, base_url="http://cell")
        async with client, house.running():
            headers = {"Authorization": f"Bearer {my_key}"}
            # Nobody listens there: what is to be delivered stays.
            endpoint = {"url": f"http://127.0.0.1:9/{MARK}", "description": MARK}
            made = await client.post("/v1/endpoints", json=endpoint, headers=headers)
            assert made.status_code == 201, made.text
            answer = await client.post("/v1/leads", json=LEAD, headers=headers)
            assert answer.status_code == 201, answer.text
            written = await client.post(
                f"/v1/leads/{answer.json()['lead_id']}/messages",
                json={"text": f"About {MARK}"},
                headers=headers | {"Idempotency-Key": "1"},
            )
            assert written.status_code == 202, written.text
            csv = f"First Name,Email\n{MARK},{MARK.lower()}2@example.com\n"
            await client.post("/v1/leads/import", content=csv, headers=headers)
            source = {"kind": "form", "name": MARK}
            made = await client.post("/v1/sources", json=source, headers=headers)
            assert made.status_code == 201, made.text
            assert await house.settled(within=60)
            await until(lambda: _some(house.databases, "intake.delivery_attempts"))
        cell = Cell(house.app, house.databases, mine.id, my_key, their_key, theirs.id, {})
        async with house.databases.worker.transaction() as tx:
            for name, table in TABLES.items():
                found = await tx.scalar(
                    text(f"SELECT id FROM {table} WHERE tenant_id = :id LIMIT 1"),
                    id=mine.id,
                )
                assert found is not None, table
                cell.ids[name] = found
        yield cell


async def _some(databases: Databases, table: str) -> bool:
    """Whether there is a row of a table."""
    async with databases.worker.transaction() as tx:
        return bool(await tx.scalar(text(f"SELECT EXISTS (SELECT FROM {table})")))


async def _try_all(cell: Cell, app: FastAPI, token: str) -> list[str]:
    """Ask every route for everything of mine; what came of it that should not."""
    wrong = []
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://cell") as client:
        for method, route, path in cell.requests():
            body = BODIES.get(f"{method} {route}", {})
            more = {} if method in ("GET", "HEAD") else {"json": body}
            named = headers | {"Idempotency-Key": path}
            answer = await client.request(method, path, headers=named, **more)
            if any(secret in answer.text for secret in SECRETS):
                wrong.append(f"{method} {path} told: {answer.text[:200]}")
            if str(cell.mine) in answer.text or (
                answer.status_code < 300 and any(str(i) in answer.text for i in cell.ids.values())
            ):
                wrong.append(f"{method} {path} knew: {answer.text[:200]}")
    return wrong


async def test_every_route_keeps_a_tenant_from_anothers_things(cell):
    """Asked with another tenant's ids no route tells or changes anything of theirs."""
    before = await cell.rows()
    assert await _try_all(cell, cell.app, cell.their_key) == []
    assert await cell.rows() == before
    assert cell.ids.keys() == TABLES.keys()


async def test_row_level_security_holds_where_the_filters_do_not(cell, database_url):
    """The application acts for the owner throughout; the database, standing on another
    tenant, shows it nothing and lets it change nothing.
    """
    pinned = Pinned(database_url, role=Role.API)
    pinned.pin = cell.theirs
    databases = Databases(pinned, cell.databases.worker)
    bus = InProcessBus()
    await bus.connect()
    metrics = Metrics()
    services = [
        build(Settings(database_url=database_url), bus=bus, databases=databases, metrics=metrics)
        for build in BUILDERS.values()
    ]
    app = create_app(services, databases, metrics)
    before = await cell.rows()
    # What row-level security refuses is an error of ours, logged with all it knows.
    with capture_logs():
        assert await _try_all(cell, app, cell.my_key) == []
    assert await cell.rows() == before
    for service in services:
        await service.close()
    await bus.close()
    await pinned.close()
