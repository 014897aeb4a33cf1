"""SIGTERM to each service in the middle of its work: nothing is lost, nothing goes twice."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fleet import Fleet, lead

from followup_runtime.process import DRAIN_SECONDS
from followup_testkit.ports import free_port
from followup_testkit.twilio import StubProvider
from followup_testkit.twilio.faults import Accept
from followup_testkit.twilio.ledger import Request
from followup_testkit.twilio.server import callback_form, sign
from followup_testkit.waiting import until

LEADS = 160
AT_ONCE = 16
DRAINED_AFTER = 40
"""Texts at the provider when the signal is sent: most of the work is still to come."""
STOPS = 5  # every fifth person answers STOP

pytestmark = pytest.mark.timeout(400)  # processes start and end several times

SERVICES = ("intake", "scheduler", "dispatcher", "replies")


@dataclass
class Load:
    """Leads posted, and their texts reported and answered, each until it is acknowledged."""

    fleet: Fleet
    stub: StubProvider
    client: httpx.AsyncClient
    hook: str
    posted: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    repeats: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        """All of it; whoever is turned away comes again, as callers do."""
        numbers = iter(range(LEADS))
        texts: asyncio.Queue[Request] = asyncio.Queue()
        self.stub.on_accepted = texts.put_nowait
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._post(numbers))
            for number in range(LEADS):
                text = await texts.get()
                group.create_task(self._delivered(text))
                if number % STOPS == 0:
                    group.create_task(self._stop(text))

    async def _post(self, numbers: Any) -> None:
        for number in numbers:
            headers = {
                "Authorization": f"Bearer {self.fleet.token}",
                "Idempotency-Key": f"lead-{number}",
            }
            url = f"{self.fleet.urls['intake']}/v1/leads"
            answer = await self._until_taken("lead", url, json=lead(number), headers=headers)
            self.posted.add(answer.json()["lead_id"])

    async def _delivered(self, text: Request) -> None:
        form = callback_form(text, "delivered", self.stub.account_sid)
        url = (text.callback_url or "").partition("#")[0]
        await self._until_taken("callback", url, **self._signed(url, form))

    async def _stop(self, text: Request) -> None:
        form = {
            "MessageSid": f"SM{len(self.stopped):032x}",
            "AccountSid": self.stub.account_sid,
            "From": text.to or "",
            "To": "+12025550100",
            "Body": "STOP",
            "NumMedia": "0",
        }
        self.stopped.add(text.to or "")
        await self._until_taken("stop", self.hook, **self._signed(self.hook, form))

    def _signed(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        return {
            "data": dict(form),
            "headers": {"X-Twilio-Signature": sign(self.stub.auth_token, url, form)},
        }

    async def _until_taken(self, what: str, url: str, **request: Any) -> httpx.Response:
        while True:
            try:
                answer = await self.client.post(url, **request)
            except httpx.TransportError:
                self.repeats[what] += 1
            else:
                if answer.is_success:
                    return answer
                assert answer.status_code in (409, 429, 503), answer.text
            await asyncio.sleep(0.05)  # as a caller would; nothing is waited for here


@pytest.fixture
async def load(fleet: Fleet, stub: StubProvider) -> AsyncIterator[Load]:
    """Every service up, calls that take a while, callbacks that find replies."""
    fleet.urls["replies"] = f"http://127.0.0.1:{free_port()}"
    fleet.environment["FOLLOWUP_PUBLIC_URL"] = fleet.urls["replies"]
    await asyncio.gather(*map(fleet.start, SERVICES))
    await fleet.publish_sequence()
    stub.rule = lambda _request: Accept(after=0.05)
    (account,) = await fleet.rows("SELECT id FROM directory.accounts")
    hook = f"{fleet.urls['replies']}/hooks/twilio/{account['id']}/inbound"
    async with httpx.AsyncClient(timeout=30) as client:
        yield Load(fleet, stub, client, hook)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_that_is_drained_under_load_loses_nothing_and_sends_nothing_twice(
    service: str, load: Load, fleet: Fleet, stub: StubProvider
) -> None:
    """Exit 0 within ten seconds; started again, what was accepted goes out once."""
    working = asyncio.create_task(load.run())
    await stub.requests(DRAINED_AFTER, within=60)

    left = LEADS - len(stub.ledger.requests)
    began = time.monotonic()
    code = await fleet.terminate(service)
    took = time.monotonic() - began
    await fleet.start(service)

    assert (code, took <= DRAIN_SECONDS) == (0, True), fleet.log(service)[-2000:]
    assert left > 0, "the load was over before the drain"
    async with asyncio.timeout(60):
        await working
    await _quiet(fleet)

    assert len(load.posted) == LEADS
    assert len(stub.ledger.requests) == LEADS
    assert len({request.to for request in stub.ledger.requests}) == LEADS
    touches = await fleet.rows("SELECT state, count(*) AS n FROM scheduler.touches GROUP BY 1")
    assert {row["state"]: row["n"] for row in touches} == {"sent": LEADS}
    attempts = await fleet.rows(
        "SELECT DISTINCT number, state, settled_by FROM dispatcher.attempts"
    )
    assert {(row["number"], row["state"]) for row in attempts} == {(1, "accepted")}
    assert {row["settled_by"] for row in attempts} <= {"answer", "callback"}
    (listed,) = await fleet.rows("SELECT count(*) AS n FROM suppression.list")
    assert listed["n"] == len(load.stopped) == LEADS // STOPS
    assert await fleet.rows("SELECT error FROM messaging.dead") == []


async def _quiet(fleet: Fleet) -> None:
    """Every event handled, every reply decided on, every command answered."""

    async def nothing_left() -> bool:
        (row,) = await fleet.rows("""
            SELECT (SELECT count(*) FROM suppression.holds)
                 + (SELECT count(*) FROM scheduler.touches WHERE state IN ('planned', 'commanded'))
                 + (SELECT count(*) FROM messaging.outbox o, unnest(o.consumers) AS c(name)
                     WHERE NOT EXISTS (SELECT FROM messaging.inbox i
                                        WHERE i.message_id = o.id AND i.consumer = c.name)) AS n
        """)
        return bool(row["n"] == 0)

    await until(nothing_left, within=60, what="everything is handled")
