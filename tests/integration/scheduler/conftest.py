"""A scheduler on a real database, driven message by message on a clock that tests move."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from followup_contracts import Message, encode
from followup_contracts.events import (
    CallFinished,
    LeadCaptured,
    ReplyReceived,
    TouchBounced,
    TouchDeferred,
    TouchDelivered,
    TouchFailed,
    TouchSent,
    TouchSkipped,
    TouchUnknown,
)
from followup_contracts.payload import Payload
from followup_contracts.topology import EVENTS
from followup_database import Transaction, new_id
from followup_directory import Tenant, create_key, create_tenant
from followup_messaging.inprocess import InProcessBus
from followup_messaging.outbox import Outbox
from followup_messaging.port import Fate, Outgoing
from followup_people import NewLead, upsert_leads
from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.metrics import Metrics
from followup_runtime.settings import Settings
from followup_scheduler.book import SequenceBook
from followup_scheduler.enroller import Enroller, Entrance
from followup_scheduler.facts import FactFinder
from followup_scheduler.figures import Figures
from followup_scheduler.handlers.captured import CapturedLeads
from followup_scheduler.handlers.feedback import ProviderFeedback
from followup_scheduler.handlers.outcomes import TouchOutcomes
from followup_scheduler.handlers.product import ProductEvents
from followup_scheduler.handlers.replies import Replies
from followup_scheduler.loops import Reconciler, TimerLoop
from followup_scheduler.runs import RunStore
from followup_scheduler.starting import Starter
from followup_scheduler.successors import Successors
from followup_scheduler.wiring import build
from followup_suppression import AddressHasher, suppress
from followup_testkit.clocks import MovableClock

KEY = "made-up suppression key"
HASHER = AddressHasher(b"made-up key of the tests")

ClientOf = Callable[..., Awaitable[httpx.AsyncClient]]
Handle = Callable[[Transaction, Sequence[Message]], Awaitable[None]]


@dataclass
class Desk:
    """The parts of one scheduler process, without its loops' and consumers' tasks."""

    databases: Databases
    clock: MovableClock
    metrics: Metrics
    tenant: Tenant
    window: int = 512
    bus: InProcessBus = field(default_factory=InProcessBus)

    def __post_init__(self) -> None:
        self.set_window(self.window)

    def set_window(self, window: int) -> None:
        """Build the parts with this window."""
        self.window = window
        worker = self.databases.worker
        self.outbox = Outbox("scheduler", self.bus, worker)
        self.runs = RunStore(
            book=SequenceBook(),
            finder=FactFinder(HASHER),
            outbox=self.outbox,
            figures=Figures(self.metrics),
        )
        self.timers = TimerLoop(worker, self.runs, window=self.window)
        self.reconciler = Reconciler(worker, self.runs)
        self.enroller = Enroller(self.runs, window=self.window)
        self.runs.successor = Successors(self.enroller).enter
        self.captured = CapturedLeads(self.enroller, self.outbox).handle
        self.outcomes = TouchOutcomes(self.runs).handle
        self.feedback = ProviderFeedback(self.runs).handle
        self.replies = Replies(self.runs).handle
        self.product = ProductEvents(self.runs, Starter(self.runs.book, self.enroller)).handle

    async def tell(self, handle: Handle, *payloads: Payload, tenant_id: UUID | None = None) -> None:
        """Handle these in one transaction, as a consumer does with a batch."""
        messages = [self.message(payload) for payload in payloads]
        if tenant_id is not None:
            messages = [replace(message, tenant_id=tenant_id) for message in messages]
        async with self.databases.worker.transaction() as tx:
            await handle(tx, messages)

    async def publish(self, bus: InProcessBus, payload: Payload) -> None:
        """Publish as another service does; in process, confirmed means handled."""
        message = self.message(payload)
        outgoing = Outgoing(message.id, EVENTS, message.routing_key, encode(message))
        (fate,) = await asyncio.wait_for(bus.publish([outgoing]), 60)
        assert fate is Fate.CONFIRMED

    def message(self, payload: Payload) -> Message:
        return self.outbox.message(
            payload, tenant_id=self.tenant.id, subject="test", time=self.clock()
        )

    async def lead(self, **fields: Any) -> NewLead:
        """A person of New York with an enquiry, saved as intake does."""
        number = len(await self.rows("SELECT id FROM people.leads"))
        lead = NewLead(
            **{
                "tenant_id": self.tenant.id,
                "lead_id": new_id(),
                "person_id": new_id(),
                "source": "facebook_lead_ad",
                "received_at": self.clock(),
                "first_name": "Ada",
                "phone_e164": f"+1212555{number:04d}",
                "email": f"ada{number}@example.com",
                "country": "US",
                "state": "NY",
                "postal_code": "10001",
                "consent": "yes",
            }
            | fields
        )
        async with self.databases.worker.transaction() as tx:
            await upsert_leads(tx, [lead])
        return lead

    async def other_tenant(self) -> UUID:
        """One more tenant; its leads are made by `lead(tenant_id=…)`."""
        async with self.databases.worker.transaction() as tx:
            return (await create_tenant(tx, "other", "Other", {"business_name": "Other"})).id

    async def enrolled(self, **fields: Any) -> tuple[NewLead, UUID]:
        """A lead that has been captured and entered its sequence."""
        lead = await self.lead(**fields)
        await self.tell(self.captured, Say.captured(lead))
        (row,) = await self.rows(
            "SELECT id FROM scheduler.enrollments WHERE lead_id = :lead", lead=lead.lead_id
        )
        return lead, row["id"]

    async def publish_sequence(self, source: str, *, key: str) -> None:
        """Have a tenant's own sequence in force."""
        async with self.databases.worker.transaction() as tx:
            await self.runs.book.add(
                tx, self.tenant.id, source, key=key, version=1, state="published"
            )

    async def enter(self, lead: NewLead, sequence: str) -> UUID:
        """Enroll a lead in a sequence of its tenant, as the API does."""
        entrance = Entrance(
            tenant_id=lead.tenant_id,
            lead_id=lead.lead_id,
            person_id=lead.person_id,
            sequence=sequence,
            lane="now",
            anchor=self.clock(),
        )
        async with self.databases.worker.transaction() as tx:
            (run,) = (await self.enroller.enroll(tx, [entrance])).runs
        return run.enrollment.id

    async def rows(self, statement: str, **params: Any) -> list[dict[str, Any]]:
        async with self.databases.worker.transaction() as tx:
            return [dict(row) for row in await tx.all(text(statement), **params)]

    async def run(self, enrollment_id: UUID) -> dict[str, Any]:
        (row,) = await self.rows(
            "SELECT * FROM scheduler.enrollments WHERE id = :id", id=enrollment_id
        )
        return row

    async def touches(self, enrollment_id: UUID) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT * FROM scheduler.touches WHERE enrollment_id = :id ORDER BY id",
            id=enrollment_id,
        )

    async def touch(self, enrollment_id: UUID, channel: str, step: str = "day-0") -> dict[str, Any]:
        """The newest touch of a channel and step."""
        several = await self.touches(enrollment_id)
        return [t for t in several if t["channel"] == channel and t["step"] == step][-1]

    async def timer(self, target: UUID) -> dict[str, Any] | None:
        rows = await self.rows("SELECT * FROM scheduler.timers WHERE target = :id", id=target)
        return rows[0] if rows else None

    async def events(self, type_: str) -> list[dict[str, Any]]:
        """The outbox's events of a type, by their bodies' data."""
        rows = await self.rows(
            "SELECT convert_from(body, 'UTF8')::jsonb -> 'data' AS data FROM messaging.outbox"
            " WHERE type = :type ORDER BY id",
            type=f"followup.{type_}.v1",
        )
        return [row["data"] for row in rows]

    async def next_due(self) -> datetime | None:
        (row,) = await self.rows("SELECT min(due_at) AS at FROM scheduler.timers")
        return row["at"]

    async def suppress(self, kind: str, address: str, *, channel: str) -> None:
        """Put an address on the list, as a STOP does."""
        async with self.databases.worker.transaction() as tx:
            entry = (kind, channel, HASHER.hash(kind, address))
            await suppress(tx, self.tenant.id, [entry], reason="stop", via="sms")

    async def send(self, touch: dict[str, Any], **more: Any) -> None:
        """The dispatcher's word that a touch went out, at the present moment."""
        await self.tell(self.outcomes, Say.sent(touch, at=self.clock(), **more))


def _about(touch: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {
        "touch_id": touch["id"],
        "enrollment_id": touch["enrollment_id"],
        "lead_id": touch["lead_id"],
        "person_id": touch["person_id"],
        "channel": touch["channel"],
        "at": at,
    }


class Say:
    """Events as other services publish them."""

    @staticmethod
    def captured(lead: NewLead, **fields: Any) -> LeadCaptured:
        return LeadCaptured(
            **{
                "lead_id": lead.lead_id,
                "person_id": lead.person_id,
                "source": lead.source,
                "asked": lead.asked,
                "audience": lead.audience,
                "lane": "now",
                "received_at": lead.received_at,
            }
            | fields
        )

    @staticmethod
    def sent(touch: dict[str, Any], *, at: datetime, **more: Any) -> TouchSent:
        fields = {
            "round": touch["round"],
            "attempt_id": new_id(),
            "account_id": new_id(),
            "provider": "sandbox",
            "provider_ref": "ref",
            "sender": None,
        }
        return TouchSent(**_about(touch, at), **(fields | more))

    @staticmethod
    def failed(touch: dict[str, Any], *, at: datetime) -> TouchFailed:
        return TouchFailed(
            **_about(touch, at), round=touch["round"], code="21211", reason="no phone"
        )

    @staticmethod
    def skipped(
        touch: dict[str, Any], *, at: datetime, rule: str = "suppressed", round_: int | None = None
    ) -> TouchSkipped:
        return TouchSkipped(
            **_about(touch, at),
            round=touch["round"] if round_ is None else round_,
            rule=rule,
            reason=f"{rule} it is",
        )

    @staticmethod
    def unknown(touch: dict[str, Any], *, at: datetime) -> TouchUnknown:
        return TouchUnknown(
            **_about(touch, at), round=touch["round"], attempt_id=new_id(), reason="no answer"
        )

    @staticmethod
    def deferred(
        touch: dict[str, Any],
        *,
        at: datetime,
        until: datetime,
        kind: str = "rule",
        rule: str = "R15:US-NY",
        round_: int | None = None,
    ) -> TouchDeferred:
        return TouchDeferred(
            **_about(touch, at),
            round=touch["round"] if round_ is None else round_,
            kind=kind,
            rule=rule,
            reason="quiet hours",
            not_before=until,
        )

    @staticmethod
    def call_ended(touch: dict[str, Any], *, at: datetime, result: str) -> CallFinished:
        return CallFinished(**_about(touch, at), attempt_id=new_id(), result=result)

    @staticmethod
    def delivered(touch: dict[str, Any], *, at: datetime) -> TouchDelivered:
        return TouchDelivered(**_about(touch, at), attempt_id=new_id())

    @staticmethod
    def bounced(touch: dict[str, Any], *, at: datetime, code: str = "30005") -> TouchBounced:
        return TouchBounced(**_about(touch, at), attempt_id=new_id(), permanent=True, code=code)

    @staticmethod
    def reply(
        lead: NewLead, *, at: datetime, intent: str = "interested", **more: Any
    ) -> ReplyReceived:
        fields = {
            "reply_id": new_id(),
            "person_id": lead.person_id,
            "lead_id": lead.lead_id,
            "enrollment_id": None,
            "touch_id": None,
            "channel": "sms",
            "intent": intent,
            "opt_out": False,
            "confidence": 0.9,
            "at": at,
        }
        return ReplyReceived(**(fields | more))


@pytest.fixture
async def moving(database_url: str, clock: MovableClock) -> AsyncIterator[Databases]:
    """Both pools on the clock of the test."""
    databases = Databases.open(database_url, api_pool=4, worker_pool=8, clock=clock)
    yield databases
    await databases.close()


@pytest.fixture
async def tenant(moving: Databases) -> Tenant:
    async with moving.worker.transaction() as tx:
        return await create_tenant(tx, "test", "Test", {"business_name": "Test & Sons"})


@pytest.fixture
async def desk(moving: Databases, clock: MovableClock, tenant: Tenant) -> Desk:
    return Desk(moving, clock, Metrics(), tenant)


@pytest.fixture
def say() -> type[Say]:
    return Say


@pytest.fixture
async def service(desk: Desk) -> FastAPI:
    """The scheduler's routes on the desk's database."""
    settings = Settings(suppression_key=KEY, secret_keys=("A" * 43 + "=",))
    metrics = Metrics()
    built = build(settings, bus=InProcessBus(), databases=desk.databases, metrics=metrics)
    return create_app([built], desk.databases, metrics)


async def new_client(
    app: FastAPI, desk: Desk, tenant_id: UUID, scopes: tuple[str, ...] = ("*",)
) -> httpx.AsyncClient:
    """A client with a key of this tenant."""
    async with desk.databases.worker.transaction() as tx:
        key = await create_key(tx, tenant_id, name="test", scopes=scopes)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://scheduler",
        headers={"Authorization": f"Bearer {key.token}"},
    )


@pytest.fixture
async def client(service: FastAPI, desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the desk's tenant that may do everything."""
    async with await new_client(service, desk, desk.tenant.id) as client:
        yield client


@pytest.fixture
def client_of(service: FastAPI, desk: Desk) -> ClientOf:
    """Makes clients with keys of their own: tenant and scopes."""

    async def make(tenant_id: UUID, scopes: tuple[str, ...] = ("*",)) -> httpx.AsyncClient:
        return await new_client(service, desk, tenant_id, scopes)

    return make
