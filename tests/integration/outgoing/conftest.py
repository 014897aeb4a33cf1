"""Intake with a product beside it that wants to be told of events."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.fernet import Fernet
from fastapi import FastAPI
from receiver import Receiver, receiving
from sqlalchemy import text

from followup_database import Row
from followup_directory import Tenant, create_key, create_tenant
from followup_directory.vault import new_secret_key
from followup_intake.outgoing.courier import Courier
from followup_intake.outgoing.distribution import Distribution
from followup_intake.settings import IntakeSettings
from followup_intake.wiring import build
from followup_messaging.inprocess import InProcessBus
from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.loops import Loop, LoopRunner
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service
from followup_runtime.settings import Settings
from followup_testkit.clocks import MovableClock

SETTINGS = Settings(
    secret_keys=(Fernet.generate_key().decode(),),
    suppression_key="a-key-for-this-test-alone",
    webhook_loopback=True,
)


@dataclass
class Replica:
    """One process of intake; its loops are moved by hand."""

    service: Service
    app: FastAPI
    metrics: Metrics

    def loop(self, name: str) -> Loop:
        """One of its loops."""
        runners = [r for r in self.service.runners if isinstance(r, LoopRunner)]
        (found,) = (runner.loop for runner in runners if runner.name == name)
        return found

    @property
    def courier(self) -> Courier:
        """What calls endpoints."""
        (found,) = (r for r in self.service.runners if isinstance(r, Courier))
        return found

    async def distribute(self) -> None:
        """Number what was fed and add deliveries."""
        loop = self.loop(Distribution.name)
        while (await loop.run_once()).worked:
            pass

    async def deliver(self) -> None:
        """Hand over what is due, and what becomes due by that, and wait for its end."""
        while (await self.courier.run_once()).worked:
            await self.courier.finish(within=10)


@dataclass
class House:
    """Two tenants, an HTTP client of the first, its product's endpoint."""

    databases: Databases
    tenant: Tenant
    other: Tenant
    token: str
    other_token: str
    receiver: Receiver
    stack: AsyncExitStack
    replicas: list[Replica] = field(default_factory=list)
    client: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)

    async def another(self, *, new_key: bool = False) -> Replica:
        """One more process of intake on the same database; `new_key`: first of its secret keys."""
        keys = (*((new_secret_key(),) if new_key else ()), *SETTINGS.secret_keys)
        bus, metrics = InProcessBus(), Metrics()
        await bus.connect()
        self.stack.push_async_callback(bus.close)
        service = build(
            SETTINGS.model_copy(update={"secret_keys": keys}),
            bus=bus,
            databases=self.databases,
            metrics=metrics,
            own=IntakeSettings(webhook_seconds=30.0),
        )
        self.stack.push_async_callback(service.close)
        app = create_app([service], self.databases, metrics)
        self.replicas.append(Replica(service, app, metrics))
        return self.replicas[-1]

    async def ask(
        self, method: str, path: str, *, token: str | None = None, **more: Any
    ) -> httpx.Response:
        """A request of the first tenant, or with another's key."""
        headers = {"Authorization": f"Bearer {token or self.token}"} | more.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **more)

    async def endpoint(self, path: str = "/hook", **more: Any) -> dict[str, Any]:
        """A new endpoint at the receiver, with its secret."""
        body = {"url": self.receiver.url + path, **more}
        answer = await self.ask("POST", "/v1/endpoints", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def lead(self, number: int = 1, **more: Any) -> UUID:
        """A lead comes in; each number is another person."""
        body = {"first_name": "Ada", "phone": f"(212) 555-01{number:02}", "consent": True, **more}
        answer = await self.ask("POST", "/v1/leads", json={"country": "US", **body})
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["lead_id"])

    async def change(self, lead: UUID, need: str) -> None:
        """Something of a lead becomes another."""
        answer = await self.ask("PATCH", f"/v1/leads/{lead}", json={"need": need})
        assert answer.status_code == 200, answer.text

    async def deliver(self) -> None:
        """Everything that is due arrives."""
        await self.replicas[0].distribute()
        await self.replicas[0].deliver()

    async def hurry(self) -> None:
        """The pauses of what failed are over."""
        await self.run("UPDATE intake.deliveries SET due_on = now() WHERE state = 'pending'")
        await self.run("UPDATE intake.endpoints SET rest_on = NULL, work_on = now()")

    async def deliveries(self, endpoint: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
        """As the API lists them, the oldest first."""
        answer = await self.ask("GET", f"/v1/endpoints/{endpoint['id']}/deliveries{query}")
        assert answer.status_code == 200, answer.text
        listed: list[dict[str, Any]] = answer.json()["items"]
        return listed[::-1]

    async def tries(self, endpoint: dict[str, Any], delivery: str) -> dict[str, Any]:
        """One delivery with its attempts."""
        answer = await self.ask("GET", f"/v1/endpoints/{endpoint['id']}/deliveries/{delivery}")
        assert answer.status_code == 200, answer.text
        whole: dict[str, Any] = answer.json()
        return whole

    async def seen(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        """An endpoint as the API shows it."""
        found: dict[str, Any] = (await self.ask("GET", f"/v1/endpoints/{endpoint['id']}")).json()
        return found

    async def rows(self, statement: str, **params: Any) -> list[Row]:
        async with self.databases.worker.transaction() as tx:
            return list(await tx.all(text(statement), **params))

    async def run(self, statement: str, **params: Any) -> int:
        async with self.databases.worker.transaction() as tx:
            return await tx.run(text(statement), **params)


@pytest.fixture
async def house(database_url: str, clock: MovableClock) -> AsyncIterator[House]:
    """A receiver, and a process of intake; `another` makes one more."""
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiving())
        databases = Databases.open(database_url, api_pool=6, worker_pool=12, clock=clock)
        stack.push_async_callback(databases.close)
        async with databases.worker.transaction() as tx:
            tenant = await create_tenant(tx, "acme", "Acme", {"business_name": "Acme"})
            other = await create_tenant(tx, "other", "Other", {"business_name": "Other"})
            token = (await create_key(tx, tenant.id, "test")).token
            other_token = (await create_key(tx, other.id, "test")).token
        house = House(databases, tenant, other, token, other_token, receiver, stack)
        await house.another()
        transport = httpx.ASGITransport(app=house.replicas[0].app)
        house.client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://intake")
        )
        yield house
