"""A whole product around Followup, against both deployments: one day of it, by its contracts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fleet import Fleet
from fleet import lead as lawful_lead
from receiver import Receiver, receiving

from followup_client import (
    Addresses,
    AsyncFollowup,
    LeadPublisher,
    Letter,
    NotConfirmed,
    NotFound,
    Sender,
    WebhookVerifier,
    enrollments,
    leads,
    sequences,
)
from followup_contracts.topology import INGRESS
from followup_directory import create_key
from followup_embedded.house import Embedded
from followup_messaging.port import Bus, Fate, Outgoing
from followup_messaging.rabbitmq import delete_topology
from followup_runtime.settings import Settings
from followup_testkit.brokers import OwnBroker
from followup_testkit.twilio import StubProvider
from followup_testkit.waiting import until

PATIENCE = 60.0
"""For failing: how long a step may take on a machine that is busy with others."""


PURSUIT = """
format: 1
key: one
name: A text now and one more
steps:
  - id: now
    at: {after: 0m, window: at_once}
    touches: [{channel: sms, template: hello}]
  - id: later
    at: {after: 2d}
    touches: [{channel: sms, template: still}]
templates:
  hello:
    text: >-
      Hi {{ person.first_name | default: "there" }}, thank you for asking about
      {{ lead.need | default: "our service" }}. Is tomorrow good for a call? Reply STOP to opt out.
  still:
    text: >-
      {{ person.first_name | default: "Hello" }}, we have a free afternoon for
      {{ lead.need | default: "you" }} on Thursday. Shall we hold it? Reply STOP to opt out.
"""


@dataclass
class Deployment:
    """Followup as a product sees it: a client, a publisher, and intake's own address."""

    followup: AsyncFollowup
    publisher: LeadPublisher
    intake: httpx.AsyncClient


class _ToTheHouse:
    """Hands letters to the bus of the process, where there is no broker."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def deliver(self, letter: Letter) -> None:
        out = Outgoing(letter.id, INGRESS, letter.routing_key, letter.body, mandatory=True)
        if await self._bus.publish([out]) != [Fate.CONFIRMED]:
            raise NotConfirmed(letter.id, "refused")

    async def close(self) -> None:
        pass


@asynccontextmanager
async def _embedded(database_url: str) -> AsyncIterator[Deployment]:
    settings = Settings(database_url=database_url, webhook_loopback=True)
    async with Embedded(settings) as house, house.running():
        async with house.databases.worker.transaction() as tx:
            key = (await create_key(tx, house.tenant.id, "product")).token
        transport = httpx.ASGITransport(house.app)
        sender = Sender(house.tenant.id, "acme/crm")
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            AsyncFollowup("http://followup", key=key, transport=transport) as followup,
            LeadPublisher("amqp://", sender=sender, line=_ToTheHouse(house.bus)) as publisher,
            httpx.AsyncClient(
                transport=transport, base_url="http://followup", headers=headers
            ) as intake,
        ):
            yield Deployment(followup, publisher, intake)


@asynccontextmanager
async def _distributed(
    database_url: str, broker: OwnBroker, logs: Path
) -> AsyncIterator[Deployment]:
    await delete_topology(broker.url)
    async with StubProvider() as stub:
        fleet = Fleet(database_url, broker.url, logs, stub)
        fleet.environment["FOLLOWUP_WEBHOOK_LOOPBACK"] = "true"
        await fleet.prepare()
        try:
            names = ("intake", "scheduler", "dispatcher", "replies")
            await asyncio.gather(*(fleet.start(name) for name in names))
            (tenant,) = await fleet.rows("SELECT id FROM directory.tenants WHERE slug = 'acme'")
            at = Addresses(**{name: fleet.urls[name] for name in names})
            headers = {"Authorization": f"Bearer {fleet.token}"}
            async with (
                AsyncFollowup(at, key=fleet.token) as followup,
                LeadPublisher(broker.url, sender=Sender(tenant["id"], "acme/crm")) as publisher,
                httpx.AsyncClient(base_url=at.intake, headers=headers, timeout=30) as intake,
            ):
                yield Deployment(followup, publisher, intake)
        finally:
            await fleet.stop()


@pytest.fixture(params=["embedded", "distributed"])
async def deployment(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    """All in one process without a broker, or a process each beside RabbitMQ."""
    if request.param == "embedded":
        opening = _embedded(database_url)
    else:
        opening = _distributed(database_url, request.getfixturevalue("own_rabbit"), tmp_path)
    async with opening as opened:
        yield opened


_STARTS = "starts: [{event: appointment.booked}]\n"


@dataclass
class Product:
    """What the product does and hears."""

    deployment: Deployment
    receiver: Receiver
    secret: str = ""

    async def send(self, call: Any) -> Any:
        return await self.deployment.followup.send(call)

    async def listen(self) -> None:
        """Register its endpoint."""
        body = {"url": f"{self.receiver.url}/followup"}
        made = await self.deployment.intake.post("/v1/endpoints", json=body)
        assert made.status_code == 201, made.text
        self.secret = made.json()["secret"]

    async def publish_sequences(self) -> None:
        """One that pursues, and the library's reminders, which a booking begins."""
        visit = (await self.send(sequences.get("a3"))).source
        for old, new in (("key: a3\n", "key: visit\n"), ("\nsteps:\n", f"\n{_STARTS}\nsteps:\n")):
            visit = visit.replace(old, new, 1)
        for key, document in (("one", PURSUIT), ("visit", visit)):
            stored = await self.send(sequences.write(key, document))
            await self.send(sequences.publish(key, stored.version))

    def heard(self, lead_id: UUID, kind: str) -> dict[str, Any] | None:
        """The first genuine webhook of that type about a lead."""
        verifier, now = WebhookVerifier(self.secret), datetime.now(UTC)
        for each in self.receiver.at("/followup"):
            body = verifier.verify(each.body, each.headers, now=now).body
            assert body == each.checked(self.secret)
            if body["type"] == f"followup.{kind}.v1" and body["data"].get("lead_id") == str(
                lead_id
            ):
                return body
        return None

    async def hears(self, lead_id: UUID, kind: str) -> dict[str, Any]:
        """The same, waited for."""
        return await until(lambda: self.heard(lead_id, kind), within=PATIENCE, what=kind)

    async def runs(self, lead_id: UUID) -> dict[str, Any]:
        """The lead's enrollments by sequence."""
        told = self.deployment.followup.each(enrollments.timeline(lead_id))
        ids = {each.enrollment_id async for each in told if each.enrollment_id is not None}
        found = [await self.send(enrollments.get(each)) for each in sorted(ids)]
        return {run.sequence: run for run in found}

    async def events(self) -> list[dict[str, Any]]:
        """The tenant's whole log, as it reads now."""
        found: list[dict[str, Any]] = []
        path = "/v1/events?limit=100"
        while True:
            page = await self.deployment.intake.get(path)
            assert page.status_code == 200, page.text
            found += page.json()["items"]
            if page.json()["next"] is None:
                return found
            path = f"/v1/events?limit=100&cursor={page.json()['next']}"


async def test_a_product_lives_with_followup(deployment):
    """Leads over HTTP and AMQP are texted, a visit is booked and reminded of, a deal won ends
    it, signed webhooks tell of all that in each lead's order, and who asks for it is forgotten.
    """
    async with receiving() as receiver:
        product = Product(deployment, receiver)
        await product.listen()
        await product.publish_sequences()

        posted = leads.NewLead(**lawful_lead(1), external_id="crm-1", last_name="Posted")
        first = (await product.send(leads.post(posted))).lead_id
        published = leads.NewLead(**lawful_lead(2), external_id="crm-2", last_name="Zyxwvut")
        await deployment.publisher.publish(deployment.publisher.lead(published))

        async def committed() -> Any:
            return (await product.send(leads.named(["crm-2"]))).items

        (kept,) = await until(committed, within=PATIENCE, what="the lead from the bus")
        second = kept.id
        for lead in (first, second):
            captured = await product.hears(lead, "lead.captured")
            assert captured["data"]["person"]["first_name"] == "Robin"
            await product.hears(lead, "touch.sent")

        visit = datetime.now(UTC) + timedelta(days=3)
        booked = leads.LeadEvent(kind="appointment.booked", appointment_id="v1", starts_at=visit)
        await product.send(leads.tell(second, booked))
        assert (await product.hears(second, "sequence.halted"))["data"]["reason"] == "booked"
        moved = leads.LeadEvent(
            kind="appointment.rescheduled", appointment_id="v1", starts_at=visit + timedelta(days=1)
        )
        await deployment.publisher.publish(deployment.publisher.event("crm-2", moved))
        told = await product.hears(second, "appointment.rescheduled")
        assert datetime.fromisoformat(told["data"]["starts_at"]) == moved.starts_at

        async def reminded() -> bool:
            visits = (await product.runs(second)).get("visit")
            # A day before, or where that hour is closed in the evening before it.
            return visits is not None and any(
                touch.wanted_at is not None and touch.wanted_at > visit - timedelta(hours=20)
                for touch in visits.touches
            )

        await until(reminded, within=PATIENCE, what="reminders of the visit that moved")

        await product.send(leads.tell(first, leads.LeadEvent(kind="lead.converted")))
        await product.hears(first, "lead.converted")
        assert (await product.hears(first, "sequence.halted"))["data"]["sequence"] == "one"
        assert (await product.send(leads.get(first))).state == "converted"

        begun = await product.send(leads.erase(second))

        async def forgotten() -> bool:
            return (await product.send(leads.erasure(begun.erasure_id))).state == "done"

        await until(forgotten, within=PATIENCE, what="erasure")
        with pytest.raises(NotFound):
            await product.send(leads.get(second))
        log = await product.events()
        about = {
            lead: [event for event in log if event["data"].get("lead_id") == str(lead)]
            for lead in (first, second)
        }
        assert all(event["data"]["person"] is None for event in about[second])
        assert "Zyxwvut" not in str(log)
        assert {event["data"]["lead"]["state"] for event in about[first]} == {"converted"}

        for lead in (first, second):
            numbers = _numbers(product, lead)
            assert numbers == sorted(numbers)
            assert about[lead][0]["type"] == "followup.lead.captured.v1"


def _numbers(product: Product, lead: UUID) -> list[int]:
    """The numbers of a lead's webhooks in the order in which each came first."""
    found: dict[str, int] = {}
    for each in product.receiver.at("/followup"):
        body = each.checked(product.secret)
        if body["data"].get("lead_id") == str(lead):
            found.setdefault(each.headers["webhook-id"], body["sequence"])
    return list(found.values())
