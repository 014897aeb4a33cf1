"""Followup as tests of a product around it want it: whole, in sandbox, on a clock they move.

    with rehearsal(settings, start=datetime(2026, 3, 2, 15, tzinfo=UTC)) as followup:
        followup.http.post("/v1/leads", json={...})
        followup.advance(timedelta(days=2))
        assert [sent.channel for sent in followup.outbox()] == ["sms", "email"]

It runs in a thread of its own and is called like any library, from tests that are async and
from those that are not. Nothing leaves the process: the sandbox records what would go out.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import AwareDatetime, BaseModel, ConfigDict

from followup_directory import set_tenant_settings
from followup_embedded.demo.hands import Hands
from followup_embedded.demo.world import Answers, Entry
from followup_embedded.house import Embedded
from followup_embedded.stillness import at_rest
from followup_runtime import process
from followup_runtime.clocks import StandingClock
from followup_runtime.keyring import keys_of
from followup_runtime.settings import Settings

KEY = "key-of-the-rehearsal"
BUSINESS: Mapping[str, str] = {
    "business_name": "Example",
    "agent_name": "Alex",
    "postal_address": "1 Example Street, 10001 New York",
    "booking_link": "https://example.com/book",
    "callback_number": "+12025550177",
}
"""What the library's sequences say of a business."""
_PAGE = 500


class Sent(BaseModel):
    """A message, or a call with its script, that would have gone out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    touch_id: UUID
    account_id: UUID
    person_id: UUID
    channel: str
    recipient: str
    sender: str
    subject: str | None
    text: str | None
    html: str | None
    voicemail: str | None
    at: AwareDatetime


@dataclass(slots=True)
class _Stage:
    """What runs in the thread."""

    house: Embedded
    clock: StandingClock
    client: httpx.AsyncClient
    hands: Hands
    url: str
    _sent: list[Sent] = field(default_factory=list)

    async def settle(self) -> datetime | None:
        """Wait until nothing moves; when the next timer is due."""
        return await at_rest(self.house)

    async def play(self, to: datetime) -> None:
        """Go from moment to moment at which something is due, and come to rest at each."""
        while (due := await at_rest(self.house)) is not None and due < to:
            # A timer is due at its moment, not before it.
            self._jump(max(due, self.clock()) + timedelta(microseconds=1))
        self._jump(max(to, self.clock()))
        await at_rest(self.house)

    async def outbox(self) -> list[Sent]:
        """All that was recorded, oldest first."""
        while True:
            after = str(self._sent[-1].id if self._sent else UUID(int=0))
            asked: dict[str, str | int] = {"cursor": after, "limit": _PAGE}
            answer = await self.client.get("/v1/sandbox/outbox", params=asked)
            answer.raise_for_status()
            page = [Sent.model_validate(item) for item in answer.json()["items"]]
            self._sent += page
            if len(page) < _PAGE:
                return list(self._sent)

    async def reply(self, sent: Sent, text: str) -> None:
        """Have whoever got a message answer it."""
        entry = Entry.model_validate(sent.model_dump())
        await self.hands.do(Answers(entry, text, "scripted"))
        await at_rest(self.house)

    def _jump(self, to: datetime) -> None:
        self.clock.jump(to)
        self.house.nudge()


class Rehearsal:
    """A running Followup. `url` and `key` are for the product's own client, `http` for tests."""

    def __init__(self, portal: BlockingPortal, stage: _Stage, http: httpx.Client) -> None:
        self._portal = portal
        self._stage = stage
        self.url = stage.url
        self.key = KEY
        self.http = http

    @property
    def now(self) -> datetime:
        """Business time; it stands until `advance` or `jump` move it."""
        return self._stage.clock()

    def settle(self) -> None:
        """Wait until what was asked for is done: leads enrolled, messages that are due sent."""
        self._portal.call(self._stage.settle)

    def advance(self, by: timedelta) -> None:
        """Let so much business time pass; whatever comes due in it happens at its moment."""
        self.jump(self.now + by)

    def jump(self, to: datetime) -> None:
        """The same until a moment; raises `ValueError` for one that is past."""
        if to < self.now:
            raise ValueError(f"{to.isoformat()} is past: business time only goes forward")
        self._portal.call(self._stage.play, to)

    def outbox(self, *, to: str | None = None, channel: str | None = None) -> list[Sent]:
        """What would have gone out by now, oldest first; to an address, by a channel."""
        self.settle()
        return [
            sent
            for sent in self._portal.call(self._stage.outbox)
            if to in (None, sent.recipient) and channel in (None, sent.channel)
        ]

    def reply(self, sent: Sent, text: str) -> None:
        """Have whoever got a message answer it, and wait until that is worked off."""
        self._portal.call(self._stage.reply, sent, text)


@contextmanager
def rehearsal(
    settings: Settings, *, start: datetime, business: Mapping[str, Any] = BUSINESS
) -> Iterator[Rehearsal]:
    """A Followup of these settings, running until the block ends.

    `business` are settings of its tenant `default`. The bootstrap key of the settings is
    replaced by one of its own.
    """
    with start_blocking_portal() as portal:
        opened = _staged(settings, start, business)
        with (
            portal.wrap_async_context_manager(opened) as stage,
            httpx.Client(base_url=stage.url, headers=_authorized(), timeout=60) as http,
        ):
            yield Rehearsal(portal, stage, http)


@asynccontextmanager
async def _staged(
    settings: Settings, start: datetime, business: Mapping[str, Any]
) -> AsyncIterator[_Stage]:
    settings = settings.model_copy(update={"bootstrap_key": KEY})
    clock = StandingClock(start)
    async with (
        Embedded(settings, clock=clock) as house,
        house.running(),
        _served(house) as url,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(house.app), base_url=url, headers=_authorized()
        ) as client,
    ):
        async with house.databases.worker.transaction() as tx:
            await set_tenant_settings(tx, house.tenant.id, business)
        hands = Hands(client, keys=keys_of(settings).sandbox_keys, clock=clock)
        yield _Stage(house, clock, client, hands, url)


@asynccontextmanager
async def _served(house: Embedded) -> AsyncIterator[str]:
    """The house's routes on a free port of this machine."""
    listener, stop = process.listen("127.0.0.1", 0), asyncio.Event()
    served = asyncio.create_task(process.run([], house.app, listener=listener, stop=stop))
    try:
        yield process.base_url(listener)
    finally:
        stop.set()
        await served


def _authorized() -> dict[str, str]:
    return {"Authorization": f"Bearer {KEY}"}
