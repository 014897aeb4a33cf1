"""The dispatcher as it is wired, with vendors over HTTP and commands over a bus."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from followup_contracts.commands import SendTouch
from followup_contracts.envelope import Message, encode
from followup_contracts.events import TouchDeferred, TouchSent
from followup_contracts.topology import COMMANDS
from followup_database import new_id
from followup_directory import Tenant, Vault, create_key, create_tenant, put_account, put_templates
from followup_directory.vault import new_secret_key
from followup_dispatcher.settings import DispatcherSettings
from followup_dispatcher.wiring import build
from followup_messaging.inprocess import InProcessBus
from followup_messaging.port import Outgoing
from followup_people import NewLead, upsert_leads
from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service
from followup_runtime.settings import Settings
from followup_suppression import ACKNOWLEDGE_AFTER
from followup_testkit.clocks import MovableClock
from followup_testkit.twilio import StubProvider
from followup_testkit.twilio.faults import CutAfter, Silence
from followup_testkit.waiting import until

CALLS = 16
SHARE = CALLS // 4
ROUNDS = 6
SECRET = "a-secret-nobody-may-read"


@dataclass
class House:
    service: Service
    databases: Databases
    bus: InProcessBus
    clock: MovableClock
    client: httpx.AsyncClient
    vault: Vault

    async def tenant(self, slug: str, stub: StubProvider | None) -> "Client":
        """A tenant with its own account: at a stub, or in the sandbox."""
        async with self.databases.worker.transaction() as tx:
            tenant = await create_tenant(
                tx, slug, slug.title(), {"business_name": slug.title(), "sandbox": stub is None}
            )
            account = {"from": "+12025550100"}
            if stub is not None:
                account |= {"base_url": stub.base_url, "account_sid": stub.account_sid}
            made = await put_account(
                tx,
                tenant.id,
                channel="sms",
                provider="sandbox" if stub is None else "twilio",
                name=f"texts of {slug}",
                settings=account,
                sealed=self.vault.seal({"auth_token": SECRET if stub is None else stub.auth_token}),
            )
            (template,) = await put_templates(
                tx, tenant.id, [("sms", {"text": "Hi {{ person.first_name }}. Reply STOP"})]
            )
            key = await create_key(tx, tenant.id, "test")
        return Client(self, tenant, made.id, template, key.token)

    async def rows(self, statement: str, **params: Any) -> list[Any]:
        async with self.databases.worker.transaction() as tx:
            return list(await tx.all(text(statement), **params))

    async def events(self) -> list[Any]:
        rows = await self.rows("SELECT body FROM messaging.outbox ORDER BY id")
        return [json.loads(bytes(row["body"])) for row in rows]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Event]:
        stop = asyncio.Event()
        tasks = [asyncio.create_task(runner.run(stop)) for runner in self.service.runners]
        yield stop
        stop.set()
        await asyncio.gather(*tasks)


@dataclass
class Client:
    """A tenant, and what it does."""

    house: House
    tenant: Tenant
    account_id: UUID
    template: str
    token: str

    async def commands(self, count: int, *, start: int = 0) -> list[Message]:
        now = self.house.clock()
        leads = [
            NewLead(
                tenant_id=self.tenant.id,
                lead_id=new_id(),
                person_id=new_id(),
                source="web_form",
                received_at=now,
                first_name="Ada",
                phone_e164=f"+1212555{number:04d}",
                country="US",
                state="NY",
                postal_code="10001",
                consent="yes",
            )
            for number in range(start, start + count)
        ]
        async with self.house.databases.worker.transaction() as tx:
            saved = await upsert_leads(tx, leads)
        return [
            Message.of(
                SendTouch(
                    touch_id=new_id(),
                    enrollment_id=new_id(),
                    lead_id=one.lead_id,
                    person_id=one.person_id,
                    channel="sms",
                    lane="now",
                    round=1,
                    epoch=0,
                    sequence="d1",
                    version=1,
                    step="hello",
                    contact_round=f"{one.lead_id}:hello",
                    template=self.template,
                    due_at=now,
                ),
                id=new_id(),
                tenant_id=self.tenant.id,
                source="scheduler",
                subject=str(one.lead_id),
                time=now,
            )
            for one in saved
        ]

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.house.client.request(method, path, headers=headers, **more)


async def publish(house: House, commands: list[Message]) -> None:
    await house.bus.publish(
        [Outgoing(c.id, COMMANDS, c.routing_key, encode(c), mandatory=True) for c in commands]
    )


@pytest.fixture
async def house(database_url: str, clock: MovableClock) -> AsyncIterator[House]:
    databases = Databases.open(database_url, api_pool=2, worker_pool=6, clock=clock)
    bus, metrics = InProcessBus(), Metrics()
    await bus.connect()
    key = new_secret_key()
    settings = Settings(
        secret_keys=(key,), suppression_key="s" * 32, public_url="https://f.example"
    )
    service = build(
        settings,
        bus=bus,
        databases=databases,
        metrics=metrics,
        own=DispatcherSettings(calls=CALLS),
    )
    transport = httpx.ASGITransport(app=create_app([service], databases, metrics))
    async with httpx.AsyncClient(transport=transport, base_url="http://dispatcher") as client:
        yield House(service, databases, bus, clock, client, Vault([key]))
    await service.close()
    await bus.close()
    await databases.close()


@pytest.fixture
async def stub() -> AsyncIterator[StubProvider]:
    async with StubProvider() as stub:
        yield stub


@pytest.fixture
async def hanging() -> AsyncIterator[StubProvider]:
    """A vendor that takes every request and answers none."""
    async with StubProvider() as stub:
        stub.rule = lambda _request: Silence(accepted=True)
        yield stub


async def test_an_account_that_hangs_leaves_the_others_their_speed(house, stub, hanging):
    """It holds a quarter of the calls; everybody else's go out beside it."""
    stuck, free = await house.tenant("stuck", hanging), await house.tenant("free", stub)
    async with house.running():
        blocked = asyncio.create_task(publish(house, await stuck.commands(CALLS)))
        await hanging.requests(SHARE)
        for number in range(ROUNDS):
            commands = await free.commands(SHARE, start=100 + number * SHARE)
            await publish(house, commands)
            await stub.requests((number + 1) * SHARE)

        assert len(hanging.ledger.requests) == SHARE
        hanging.release()
        await blocked
    accepted = await house.rows(
        "SELECT count(*) AS n FROM dispatcher.attempts WHERE state = 'accepted' AND tenant_id = :t",
        t=free.tenant.id,
    )
    assert accepted[0]["n"] == ROUNDS * SHARE
    assert {e["data"]["rule"] for e in await house.events() if "rule" in e["data"]} <= {
        "account_share"
    }
    assert stub.ledger.twice() == hanging.ledger.twice() == []


async def test_told_to_stop_it_ends_its_calls_and_commits_their_answers(house, hanging):
    """Nothing is taken any more; what was begun is recorded and told."""
    tenant = await house.tenant("acme", hanging)
    commands = await tenant.commands(4)
    async with house.running() as stop:
        await publish(house, commands)
        await hanging.requests(4)
        stop.set()
        hanging.release()
    states = await house.rows("SELECT state FROM dispatcher.attempts")
    assert [row["state"] for row in states] == ["accepted"] * 4
    assert [event["type"] for event in await house.events()] == [TouchSent.type_name] * 4


async def test_a_person_settles_what_nobody_else_can(house, stub):
    """An unknown attempt, found by its state: it did not go out, so it may be tried again."""
    tenant, other = await house.tenant("acme", stub), await house.tenant("other", None)
    stub.rule = lambda _request: CutAfter()
    async with house.running():
        await publish(house, await tenant.commands(2))
        await stub.requests(2)
        stub.auth_token = "changed"  # its record can't be asked any more

        async def listed() -> list[dict]:
            page = await tenant.ask("GET", "/v1/attempts?state=unknown")
            return page.json()["items"] if len(page.json()["items"]) == 2 else []

        first, second = await until(listed)
        word = {"outcome": "not_sent", "reason": "the recipient says so"}
        path = f"/v1/attempts/{first['id']}/settle"
        assert (await other.ask("POST", path, json=word)).status_code == 404
        assert (await tenant.ask("POST", path, json={"outcome": "maybe"})).status_code == 422
        settled = await tenant.ask("POST", path, json=word)
        again = await tenant.ask("POST", path, json=word)
        sent = await tenant.ask(
            "POST",
            f"/v1/attempts/{second['id']}/settle",
            json={"outcome": "sent", "reason": "it is on the bill"},
        )
    assert (settled.status_code, settled.json()["state"]) == (200, "retry_later")
    assert again.status_code == 409
    assert (sent.status_code, sent.json()["state"]) == (200, "accepted")
    told = {event["subject"]: event["type"] for event in await house.events()}
    assert told[first["touch_id"]] == TouchDeferred.type_name
    assert told[second["touch_id"]] == TouchSent.type_name


async def test_a_touch_is_shown_with_its_trace_to_its_tenant_alone(house, stub):
    """Every attempt with the reasons; another tenant's key finds nothing."""
    tenant, other = await house.tenant("acme", stub), await house.tenant("other", None)
    (command,) = await tenant.commands(1)
    async with house.running():
        await publish(house, [command])
        await stub.requests(1)
    path = f"/v1/touches/{command.data.touch_id}"
    shown = (await tenant.ask("GET", path)).json()
    (attempt,) = shown["attempts"]
    assert attempt["state"] == "accepted"
    assert [line["what"] for line in attempt["trace"]][:1] == ["checked"]
    assert (await other.ask("GET", path)).status_code == 404
    assert (await tenant.ask("GET", f"/v1/touches/{new_id()}")).status_code == 404


async def test_stopping_an_account_is_answered_behind_the_fence(house, stub):
    """Once it is answered, no call by the account begins; starting it waits for nothing."""
    tenant = await house.tenant("acme", stub)
    begun = time.monotonic()
    answer = await tenant.ask("PUT", f"/v1/accounts/{tenant.account_id}", json={"state": "stopped"})
    assert time.monotonic() - begun >= ACKNOWLEDGE_AFTER
    assert answer.json()["state"] == "stopped"


async def test_accounts_are_shown_without_their_secrets(house, stub):
    """Neither the words nor what they are sealed in; stopping one stops its sending."""
    tenant, other = await house.tenant("acme", None), await house.tenant("other", stub)
    (sealed,) = await house.rows(
        "SELECT secrets FROM directory.accounts WHERE id = :id", id=tenant.account_id
    )
    path = f"/v1/accounts/{tenant.account_id}"
    stop = {"state": "stopped", "reason": "a holiday"}
    answers = [
        await tenant.ask("GET", "/v1/accounts"),
        await tenant.ask("GET", path),
        await tenant.ask("PUT", path, json=stop),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert SECRET not in answer.text
        assert bytes(sealed["secrets"]).decode() not in answer.text
    assert answers[2].json()["state"] == "stopped"
    assert [item["id"] for item in answers[0].json()["items"]] == [str(tenant.account_id)]
    for method, more in (("GET", {}), ("PUT", {"json": stop})):
        assert (await other.ask(method, path, **more)).status_code == 404

    async with house.running():
        await publish(house, await tenant.commands(1))
    (event,) = await house.events()
    assert (event["type"], event["data"]["rule"]) == (TouchDeferred.type_name, "account")


async def test_the_sandbox_shows_what_would_have_gone_out(house):
    """Page by page, in order, to its tenant alone."""
    tenant, other = await house.tenant("acme", None), await house.tenant("other", None)
    async with house.running():
        await publish(house, await tenant.commands(5))

        async def all_there() -> bool:
            return len((await tenant.ask("GET", "/v1/sandbox/outbox")).json()["items"]) == 5

        await until(all_there)
    first = (await tenant.ask("GET", "/v1/sandbox/outbox?limit=3")).json()
    rest = (await tenant.ask("GET", f"/v1/sandbox/outbox?cursor={first['next']}")).json()
    entries = [*first["items"], *rest["items"]]
    assert len({entry["touch_id"] for entry in entries}) == 5
    assert {entry["text"] for entry in entries} == {"Hi Ada. Reply STOP"}
    assert rest["next"] is None
    assert (await other.ask("GET", "/v1/sandbox/outbox")).json()["items"] == []


async def test_a_command_that_cannot_be_read_is_a_dead_letter(house, stub):
    """And the ones behind it go out."""
    tenant = await house.tenant("acme", stub)
    (command,) = await tenant.commands(1)
    torn = Outgoing(new_id(), COMMANDS, command.routing_key, b"{not JSON", mandatory=True)
    async with house.running():
        await house.bus.publish([torn])
        await publish(house, [command])
        await stub.requests(1)
    (letter,) = await house.rows("SELECT consumer, queue, error FROM messaging.dead")
    assert (letter["consumer"], letter["queue"]) == ("dispatcher", "dispatcher.sms.now")
    assert letter["error"]
