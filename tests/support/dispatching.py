"""A dispatcher on a real database, with a provider whose answers the test scripts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry
from sqlalchemy import text

from followup_contracts.commands import SendTouch
from followup_contracts.envelope import Message, decode
from followup_contracts.payload import CHANNELS, Channel
from followup_database import Database, Role, new_id
from followup_directory import (
    Account,
    Vault,
    create_tenant,
    put_account,
    put_templates,
)
from followup_directory.vault import new_secret_key
from followup_dispatcher.accounts import Accounts
from followup_dispatcher.calls import Caller
from followup_dispatcher.capacity import Capacity
from followup_dispatcher.claims import ClaimDesk
from followup_dispatcher.drafting import Drafter
from followup_dispatcher.metrics import Metrics
from followup_dispatcher.picture import Surveyor
from followup_dispatcher.providers.port import (
    Absent,
    Accepted,
    Answer,
    Call,
    Finding,
    PastAttempt,
)
from followup_dispatcher.records import Recorder
from followup_dispatcher.rendering.composer import Composer
from followup_messaging.inprocess import InProcessBus
from followup_messaging.outbox import Outbox
from followup_people import NewLead, upsert_leads
from followup_suppression import AddressHasher
from followup_suppression.clicks import ClickSigner
from followup_suppression.replying import ReplyAddresses
from followup_suppression.returning import ReturnTags
from followup_suppression.tokens import LinkSigner
from followup_testkit.clocks import MovableClock

_EVENTS = text("SELECT body FROM messaging.outbox ORDER BY id")


@dataclass
class ScriptedProvider:
    """Answers what it is told to; keeps every call it got."""

    channel: Channel
    answer: Callable[[Call], Awaitable[Answer]] | None = None
    finding: Finding = field(default_factory=Absent)
    calls: list[Call] = field(default_factory=list)
    asked: list[PastAttempt] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    name: str = "scripted"
    settling: timedelta | None = timedelta(0)

    async def warm(self) -> None:
        pass

    async def send(self, call: Call) -> Answer:
        self.calls.append(call)
        self.left.append(call.time_left())
        if self.answer is not None:
            return await self.answer(call)
        return Accepted(f"ref-{len(self.calls)}")

    async def find(self, attempt: PastAttempt) -> Finding:
        self.asked.append(attempt)
        return self.finding

    async def close(self) -> None:
        pass


@dataclass
class Dispatching:
    """The parts of a dispatcher, and what a test needs to feed and read them."""

    database: Database
    clock: MovableClock
    tenant_id: UUID
    provider: ScriptedProvider
    account: Account
    template: str
    hasher: AddressHasher
    outbox: Outbox
    accounts: Accounts
    drafter: Drafter
    capacity: Capacity
    desk: ClaimDesk
    recorder: Recorder
    caller: Caller
    monotonic: Callable[[], float]
    phones: Iterator[int] = field(default_factory=lambda: count(9000))

    async def lead(self, **changes: Any) -> tuple[UUID, UUID]:
        """A lead of somebody of their own in New York who agreed to everything.

        (lead id, person id); the phones end in 9000 and on, unless one is given.
        """
        number = next(self.phones)
        new = NewLead(
            **{
                "tenant_id": self.tenant_id,
                "lead_id": new_id(),
                "person_id": new_id(),
                "source": "web_form",
                "received_at": self.clock(),
                "first_name": "Ada",
                "phone_e164": f"+1212555{number:04d}",
                "email": f"ada{new_id()}@example.com",
                "country": "US",
                "state": "NY",
                "postal_code": "10001",
                "consent": "yes",
            }
            | changes
        )
        async with self.database.transaction() as tx:
            (saved,) = await upsert_leads(tx, [new])
        return saved.lead_id, saved.person_id

    def command(self, lead: tuple[UUID, UUID], **changes: Any) -> Message:
        """A command for a lead's SMS."""
        fields = {
            "touch_id": new_id(),
            "enrollment_id": new_id(),
            "lead_id": lead[0],
            "person_id": lead[1],
            "channel": "sms",
            "lane": "now",
            "round": 1,
            "epoch": 0,
            "sequence": "d1",
            "version": 1,
            "step": "hello",
            "contact_round": f"{new_id()}:hello",
            "template": self.template,
            "due_at": self.clock(),
        } | changes
        return Message.of(
            SendTouch(**fields),
            id=new_id(),
            tenant_id=self.tenant_id,
            source="scheduler",
            subject=str(fields["touch_id"]),
            time=self.clock(),
        )

    async def send(self, *messages: Message) -> list[Any]:
        """Claim, call and record; returns the payloads of every event so far."""
        claims = await self.desk.claim(messages)
        self.caller.begin(claims.claimed)
        await self.settled()
        return await self.events()

    def replica(self) -> ClaimDesk:
        """The claiming side of one more process on the same database."""
        return self.desk_by(surveyor=Surveyor(self.hasher), capacity=Capacity(256))

    def desk_by(
        self,
        *,
        database: Database | None = None,
        surveyor: Surveyor | None = None,
        capacity: Capacity | None = None,
    ) -> ClaimDesk:
        """The claiming side of this process, but for what is given."""
        return ClaimDesk(
            database or self.database,
            outbox=self.outbox,
            surveyor=surveyor or self.desk._surveyor,
            drafter=self.desk._drafter,
            capacity=capacity or self.desk._capacity,
            clock=self.monotonic,
        )

    async def rate(self, per_second: float, **more: Any) -> None:
        """Give the SMS account a rate."""
        async with self.database.transaction() as tx:
            await put_account(
                tx,
                self.tenant_id,
                channel="sms",
                provider="scripted",
                name=self.account.name,
                settings={"from": "+12025550100", "rate_per_second": per_second} | more,
            )

    async def settled(self) -> None:
        """Wait until every call has its answer committed."""
        stop = asyncio.Event()
        recording = asyncio.create_task(self.recorder.run(stop))
        await self.caller.quiet()
        stop.set()
        await recording

    async def events(self) -> list[Any]:
        """The payloads of all events, in the order they were made."""
        async with self.database.transaction() as tx:
            return [decode(bytes(row["body"])).data for row in await tx.all(_EVENTS)]

    async def rows(self, statement: str, **params: Any) -> list[dict[str, Any]]:
        """Rows of a query."""
        async with self.database.transaction() as tx:
            return [dict(row) for row in await tx.all(text(statement), **params)]


class Ticking:
    """A monotonic clock the test can move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def dispatcher_on(
    database_url: str, clock: MovableClock, ticking: Ticking
) -> AsyncIterator[Dispatching]:
    """A dispatcher without consumers: the test hands it commands."""
    database = Database(database_url, role=Role.WORKER, clock=clock)
    hasher = AddressHasher(b"k" * 32)
    vault = Vault([new_secret_key()])
    async with database.transaction() as tx:
        tenant = await create_tenant(
            tx,
            "acme",
            "Acme",
            {
                "business_name": "Acme Roofing",
                "postal_address": "1 Main St, Springfield",
                "sandbox": False,
            },
        )
        accounts = [
            await put_account(
                tx,
                tenant.id,
                channel=channel,
                provider="scripted",
                name=f"scripted {channel}",
                settings={"from": "+12025550100" if channel != "email" else "hi@example.com"},
            )
            for channel in ("sms", "voice", "email")
        ]
        (template,) = await put_templates(
            tx, tenant.id, [("sms", {"text": "Hi {{ person.first_name }}, still on? Reply STOP"})]
        )
    provider = ScriptedProvider("sms")
    bus = InProcessBus()
    outbox = Outbox("dispatcher", bus, database)
    capacity = Capacity(64)
    providers = Accounts(
        {("scripted", channel): lambda *_: provider for channel in ("sms", "voice", "email")},
        vault,
        clock=ticking,
    )
    composer = Composer(
        signer=LinkSigner(b"l" * 32),
        clicks=ClickSigner(b"l" * 32),
        hasher=hasher,
        public_url="https://f.example",
    )
    rehearsal = ScriptedProvider("sms", name="rehearsal")
    drafter = Drafter(
        providers,
        composer,
        "https://f.example",
        ReturnTags(b"l" * 32),
        ReplyAddresses(b"l" * 32),
        dict.fromkeys(CHANNELS, rehearsal),
    )
    desk = ClaimDesk(
        database,
        outbox=outbox,
        surveyor=Surveyor(hasher),
        drafter=drafter,
        capacity=capacity,
        clock=ticking,
    )
    recorder = Recorder(
        database,
        outbox=outbox,
        capacity=capacity,
        hasher=hasher,
        metrics=Metrics(CollectorRegistry()),
        random=Random(1),  # noqa: S311 - jitter, the same each time
    )
    caller = Caller(desk=desk, recorder=recorder, accounts=providers, clock=ticking)
    yield Dispatching(
        database,
        clock,
        tenant.id,
        provider,
        accounts[0],
        template,
        hasher,
        outbox,
        providers,
        drafter,
        capacity,
        desk,
        recorder,
        caller,
        ticking,
    )
    await caller.quiet()
    await providers.close()
    await database.close()
