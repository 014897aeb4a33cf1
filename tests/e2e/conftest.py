"""The whole product in one process, on a clock that stands until a test moves it.

Tests reach it as everybody does: over HTTP. Between two moments nothing is left to
chance: the demo's driver waits until all is idle before it jumps to what is due next.
"""

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from followup_directory import set_tenant_settings
from followup_embedded.demo.driver import Driver
from followup_embedded.demo.hands import Hands
from followup_embedded.demo.world import Answers, CallEnds
from followup_embedded.house import Embedded
from followup_runtime.keyring import keys_of
from followup_runtime.settings import Settings
from followup_testkit.clocks import MovableClock

# A mail server of the system's own needs root for its users.
collect_ignore = [] if os.geteuid() == 0 else ["test_mail_path.py"]

KEY = "key-of-the-end-to-end-tests"
URL = "http://followup.test"
BUSINESS = {
    "business_name": "Example Roofs",
    "agent_name": "Alex",
    "booking_link": "https://roofs.example.com/book",
    "callback_number": "+12025550177",
}
FRIDAY = datetime(2026, 3, 6, 15, 0, tzinfo=UTC)
"""Ten o'clock in New York, on the Friday before the clocks there go forward."""
NEW_YORK = ZoneInfo("America/New_York")
LONGEST = timedelta(days=400)


@dataclass(frozen=True)
class Lead:
    """A lead that was posted."""

    id: UUID
    person_id: UUID


class _Reached(Exception):
    """The moment until which a test wanted to play."""


class Script:
    """The people outside: calls ring out unless the script says otherwise, nobody writes."""

    def __init__(self) -> None:
        self.calls: dict[UUID, list[str]] = defaultdict(list)
        self.seen: list[Any] = []
        self.curtain: datetime | None = None
        self._agenda: list[tuple[datetime, int, Any]] = []
        self._numbers = count()

    def see(self, entry: Any) -> None:
        """A phone rings: a minute later the call has ended."""
        self.seen.append(entry)
        if entry.channel == "voice":
            ends = self.calls[entry.person_id]
            end = ends.pop(0) if ends else "no_answer"
            call = CallEnds(entry, end)
            heappush(self._agenda, (entry.at + timedelta(minutes=1), next(self._numbers), call))

    def task(self, task: Any, now: datetime) -> None:
        """Nobody does tasks."""

    def after(self, action: Any, now: datetime) -> None:
        """Nothing follows."""

    def due(self, now: datetime) -> list[Any]:
        """Who acts by now."""
        found = []
        while self._agenda and self._agenda[0][0] <= now:
            found.append(heappop(self._agenda)[2])
        return found

    @property
    def next_at(self) -> datetime | None:
        """When somebody acts next, or the curtain falls."""
        acts = [self._agenda[0][0]] if self._agenda else []
        ends = [self.curtain] if self.curtain is not None else []
        return min(acts + ends, default=None)


@dataclass
class Followup:
    """The running product, and the people around it."""

    house: Embedded
    client: httpx.AsyncClient
    hands: Hands
    clock: MovableClock
    script: Script
    _phones: Any = field(default_factory=lambda: count(100))

    async def ask(self, method: str, path: str, **request: Any) -> Any:
        """What a route answers; fails the test when it refuses."""
        answer = await self.client.request(method, path, **request)
        assert answer.is_success, (path, answer.status_code, answer.text)
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.json() if is_json and answer.content else None

    async def lead(self, source: str = "facebook_lead_ad", **fields: Any) -> Lead:
        """Post somebody of their own in New York who said yes; None leaves a field out."""
        number = next(self._phones)
        known = {
            "first_name": "Robin",
            "last_name": "Example",
            "phone": f"+1212555{number:04}",
            "email": f"robin{number}@example.com",
            "country": "US",
            "state": "NY",
            "postal_code": "10001",
            "need": "a new roof",
            "consent": "yes",
            "source": source,
            **fields,
        }
        body = {name: value for name, value in known.items() if value is not None}
        saved = await self.ask("POST", "/v1/leads", json=body)
        return Lead(UUID(saved["lead_id"]), UUID(saved["person_id"]))

    async def sequence(self, key: str, *steps: tuple[str, str, str]) -> str:
        """Publish a sequence of steps: id, moment, channel."""
        parts = [f"format: 1\nkey: {key}\nname: {key}\n{_ACCEPT}steps:\n"]
        for name, at, channel in steps:
            touch = f"{{channel: {channel}, template: {channel}}}"
            parts.append(f"  - id: {name}\n    at: {at}\n    touches: [{touch}]\n")
        used = {channel for _, _, channel in steps}
        parts += ["templates:\n", *(_TEMPLATES[channel] for channel in sorted(used))]
        headers = {"content-type": "application/yaml"}
        path = f"/v1/sequences/{key}"
        await self.ask("PUT", path, content="".join(parts), headers=headers)
        await self.ask("POST", f"{path}/publish")
        return key

    async def enroll(self, lead: Lead, sequence: str) -> dict[str, Any]:
        """Enter a lead into a sequence by hand."""
        body = {"lead_id": str(lead.id), "sequence": sequence}
        return await self.ask("POST", "/v1/enrollments", json=body)

    async def play(self, *, until: datetime | None = None) -> None:
        """Jump from moment to moment to the end of everything, or until one of them."""
        self.script.curtain = until
        driver = Driver(
            self.house, self.clock, self.hands, self.script, until=self.clock() + LONGEST
        )

        async def look() -> None:
            if until is not None and self.clock() >= until:
                raise _Reached

        try:
            await driver.play(look)
        except _Reached:
            pass
        finally:
            self.script.curtain = None

    async def oversleep(self, until: datetime) -> None:
        """Let time pass in which nothing runs, as in an outage; then what was due is late."""
        await self.play(until=self.clock())
        self.clock.jump(until)
        await self.play(until=until)

    def sent(self, lead: Lead) -> list[Any]:
        """What the sandbox recorded for a person, in order."""
        return [entry for entry in self.script.seen if entry.person_id == lead.person_id]

    async def say(self, lead: Lead, words: str, *, channel: str = "sms") -> None:
        """The person answers the last message of a channel, and that is worked off."""
        entry = next(e for e in reversed(self.sent(lead)) if e.channel == channel)
        await self.hands.do(Answers(entry, words, "scripted"))
        await self.play(until=self.clock())

    async def timeline(self, lead: Lead) -> list[dict[str, Any]]:
        """Everything that was decided about a lead, done and heard."""
        return (await self.hands.timeline(lead.id))["items"]

    async def run_of(self, lead: Lead) -> dict[str, Any]:
        """The lead's newest enrollment with its touches."""
        ids = [i["enrollment_id"] for i in await self.timeline(lead) if i["enrollment_id"]]
        return await self.ask("GET", f"/v1/enrollments/{ids[-1]}")

    async def why(self, lead: Lead, what: str) -> list[dict[str, Any]]:
        """The reasons in the timeline of everything of that name."""
        return [item["why"] for item in await self.timeline(lead) if item["what"] == what]

    async def simulate(self, sequence: str, **play: Any) -> dict[str, Any]:
        """A sequence's calendar for a made-up lead, over HTTP."""
        lead = {"country": "US", "state": "NY", "phone": "+12125550100", **play.pop("lead", {})}
        body = {"start": FRIDAY.isoformat(), "lead": lead, **play}
        return await self.ask("POST", f"/v1/sequences/{sequence}/simulate", json=body)


_NAME = '{{ person.first_name | default: "there" }}'
_TEMPLATES: Mapping[str, str] = {
    "sms": f"  sms: {{text: 'Hi {_NAME}, is it urgent? Reply STOP to opt out.'}}\n",
    "email": f"  email: {{subject: Your roof, text: 'Hi {_NAME}, shall we come and look?'}}\n",
    "voice": f"  voice: {{text: 'Hello {_NAME}.', voicemail: 'Hello {_NAME}, call us back.'}}\n",
}
_ACCEPT = """accept:
  R1-two-texts-a-day: tests show how they are moved
  R2-close-emails: tests show how they are moved
  R6-two-rounds-a-day: tests show how they are moved
  R7-same-message: what these say does not matter
  R7-one-channel: what these say does not matter
"""


@asynccontextmanager
async def started(
    clock: MovableClock,
    *,
    database_url: str,
    folder: Path,
    amqp_url: str | None = None,
    mail_listen: str | None = None,
) -> AsyncIterator[Followup]:
    """The product on this clock, with nobody in it, until the block ends."""
    settings = Settings(
        database_url=database_url,
        amqp_url=amqp_url,
        data_dir=folder,
        bootstrap_key=KEY,
        public_url=URL,
        mail_listen=mail_listen,
    )
    async with (
        Embedded(settings, clock=clock) as house,
        house.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=house.app),
            base_url=URL,
            headers={"authorization": f"Bearer {KEY}"},
        ) as client,
    ):
        async with house.databases.worker.transaction() as tx:
            await set_tenant_settings(tx, house.tenant.id, BUSINESS)
        hands = Hands(client, keys=keys_of(settings).sandbox_keys, clock=clock)
        yield Followup(house, client, hands, clock, Script())


@pytest.fixture(scope="session")
def starting() -> Callable[..., Any]:
    """How the whole product is started, for what several tests look at."""
    return started


@pytest.fixture
def clock() -> MovableClock:
    """Stands at a Friday, ten o'clock in New York."""
    return MovableClock(FRIDAY)


@pytest.fixture
async def followup(
    database_url: str, tmp_path: Path, clock: MovableClock
) -> AsyncIterator[Followup]:
    """The whole product, running, with nobody in it."""
    async with started(clock, database_url=database_url, folder=tmp_path) as running:
        yield running


@pytest.fixture
async def followup_on_rabbit(
    database_url: str, amqp_url: str, tmp_path: Path, clock: MovableClock
) -> AsyncIterator[Followup]:
    """The same on a real broker, where other services may listen."""
    async with started(
        clock, database_url=database_url, folder=tmp_path, amqp_url=amqp_url
    ) as running:
        yield running
