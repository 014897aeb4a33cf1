"""Intake as an application on a real database, asked over HTTP and over a bus."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from followup_contracts import Message, decode, encode
from followup_contracts.payload import Payload
from followup_contracts.topology import INGRESS
from followup_database import Row, new_id
from followup_directory import Tenant, create_key, create_tenant
from followup_intake.settings import IntakeSettings
from followup_intake.wiring import build
from followup_messaging.inprocess import InProcessBus
from followup_messaging.port import Bus, Fate, Outgoing
from followup_runtime import process
from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service
from followup_runtime.settings import Settings
from followup_testkit.clocks import START, MovableClock
from followup_testkit.databases import PostgresForTests


@dataclass
class Intake:
    """The service, an HTTP client of tenant `acme`, and what tests read."""

    service: Service
    app: FastAPI
    bus: Bus
    databases: Databases
    tenant: Tenant
    other: Tenant
    token: str
    other_token: str
    client: httpx.AsyncClient

    async def publish(
        self, *payloads: Payload | bytes, tenant: UUID | None = None, id_: UUID | None = None
    ) -> None:
        """Publish to the ingress as another service does; all must be confirmed."""
        outgoing = [self._outgoing(p, tenant=tenant, id_=id_) for p in payloads]
        assert set(await self.bus.publish(outgoing)) == {Fate.CONFIRMED}

    def _outgoing(
        self, payload: Payload | bytes, *, tenant: UUID | None, id_: UUID | None
    ) -> Outgoing:
        if isinstance(payload, bytes):
            return Outgoing(new_id(), INGRESS, "lead.submitted", payload, mandatory=True)
        message = Message.of(
            payload,
            id=id_ or new_id(),
            tenant_id=tenant or self.tenant.id,
            source="crm",
            subject="crm",
            time=START,
        )
        return Outgoing(message.id, INGRESS, message.routing_key, encode(message), mandatory=True)

    async def letters(self) -> list[Row]:
        return await self.rows("SELECT * FROM messaging.dead ORDER BY id")

    async def post(self, path: str = "/v1/leads", *, token: str | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}"} | more.pop("headers", {})
        return await self.client.post(path, headers=headers, **more)

    async def get(self, path: str, *, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return await self.client.get(path, headers=headers)

    async def rows(self, statement: str, **params: Any) -> list[Row]:
        async with self.databases.worker.transaction() as tx:
            return list(await tx.all(text(statement), **params))

    async def leads(self) -> list[Row]:
        return await self.rows("SELECT * FROM people.leads ORDER BY id")

    async def events(self) -> list[Payload]:
        rows = await self.rows("SELECT body FROM messaging.outbox ORDER BY id")
        return [decode(bytes(row["body"])).data for row in rows]

    @asynccontextmanager
    async def running(self, *, publishing: bool = False) -> AsyncIterator[None]:
        """The consumers and loops of the service; its events leave only if `publishing`."""
        stop = asyncio.Event()
        runners = [*self.service.runners, *(self.service.finishers if publishing else ())]
        tasks = [asyncio.create_task(runner.run(stop)) for runner in runners]
        yield
        stop.set()
        await asyncio.gather(*tasks)

    @asynccontextmanager
    async def listening(self, *proxies: str) -> AsyncIterator[tuple[str, int]]:
        """The application behind its real server, which trusts these proxies."""
        stop, ready = asyncio.Event(), asyncio.Event()
        listener = process.listen("127.0.0.1", 0)
        host, port = listener.getsockname()[:2]
        serving = asyncio.create_task(
            process.run(
                [self.service],
                self.app,
                listener=listener,
                stop=stop,
                on_ready=lambda _: ready.set(),
                trusted_proxies=proxies,
            )
        )
        await ready.wait()
        yield host, port
        stop.set()
        await serving


async def make(
    database_url: str, clock: MovableClock, bus: Bus, own: IntakeSettings | None = None
) -> Intake:
    databases = Databases.open(database_url, api_pool=6, worker_pool=4, clock=clock)
    metrics = Metrics()
    service = build(Settings(), bus=bus, databases=databases, metrics=metrics, own=own)
    async with databases.worker.transaction() as tx:
        tenant = await create_tenant(tx, "acme", "Acme", {"business_name": "Acme"})
        other = await create_tenant(tx, "other", "Other", {"business_name": "Other"})
        key = await create_key(tx, tenant.id, "test")
        other_key = await create_key(tx, other.id, "test")
    app = create_app([service], databases, metrics)
    transport = httpx.ASGITransport(app=app)
    client = httpx.AsyncClient(transport=transport, base_url="http://intake")
    return Intake(service, app, bus, databases, tenant, other, key.token, other_key.token, client)


@pytest.fixture
async def intake(database_url: str, clock: MovableClock) -> AsyncIterator[Intake]:
    bus = InProcessBus()
    await bus.connect()
    intake = await make(database_url, clock, bus)
    yield intake
    await intake.client.aclose()
    await bus.close()
    await intake.databases.close()


@pytest.fixture
async def ingress(database_url: str, clock: MovableClock, bus: Bus) -> AsyncIterator[Intake]:
    """The same with its consumers running, once with each bus."""
    intake = await make(database_url, clock, bus)
    async with intake.running():
        yield intake
    await intake.client.aclose()
    await intake.databases.close()


@pytest.fixture
async def impatient(database_url: str, clock: MovableClock) -> AsyncIterator[Intake]:
    """The same in process, with no patience for leads that do not come."""
    bus = InProcessBus()
    await bus.connect()
    intake = await make(database_url, clock, bus, IntakeSettings(patience=timedelta(0)))
    async with intake.running(publishing=True):
        yield intake
    await intake.client.aclose()
    await bus.close()
    await intake.databases.close()


@pytest.fixture
def ada() -> dict[str, Any]:
    return {
        "first_name": "Ada",
        "phone": "(212) 555-0123",
        "email": "Ada@Example.com",
        "source": "web_form",
        "need": "a new roof",
        "consent": True,
        "country": "US",
        "postal_code": "10001",
    }


def pointers(answer: httpx.Response) -> list[str]:
    """Where a problem says it is."""
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.fixture(name="pointers")
def _pointers() -> Callable[[httpx.Response], list[str]]:
    return pointers


@pytest.fixture
def unknown_id() -> UUID:
    return UUID("019a2010-0000-7000-8000-000000000000")


@dataclass
class Steady:
    """Intake asked from outside of any event loop, as a property test needs it."""

    runner: asyncio.Runner
    intake: Intake

    def __call__(self, bodies: list[Any]) -> list[httpx.Response]:
        """Posts bodies one by one, and then all as a batch."""
        texts = [json.dumps(body).encode() for body in bodies]
        return [
            *[self._post("/v1/leads", text, "application/json") for text in texts],
            self._post("/v1/leads/batch", b"\n".join(texts), "application/x-ndjson"),
        ]

    def files(self, *contents: bytes) -> list[httpx.Response]:
        """Imports files."""
        return [self._post("/v1/leads/import", content, "text/csv") for content in contents]

    def _post(self, path: str, content: bytes, kind: str) -> httpx.Response:
        headers = {"Content-Type": kind}
        return self.runner.run(self.intake.post(path, content=content, headers=headers))


@pytest.fixture
def steady(postgres_server: PostgresForTests) -> Iterator[Steady]:
    with asyncio.Runner() as runner:
        url = runner.run(postgres_server.borrow())
        intake = runner.run(make(url, MovableClock(), InProcessBus()))
        yield Steady(runner, intake)
        runner.run(intake.client.aclose())
        runner.run(intake.databases.close())
        runner.run(postgres_server.give_back(url))
