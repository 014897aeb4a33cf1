"""The stub provider in a process of its own: it is not injured, and its ledger is the truth.

    provider.py PORT CONTROL_PORT SEED

Speaks Twilio on PORT. On CONTROL_PORT `POST /mood?kind=…&share=…` sets how it treats
requests from here on, `POST /slow?on=1` makes it take two seconds, `POST /peace` ends both,
and `GET /ledger?since=N` tells of every request from the N-th on.
"""

import asyncio
import sys
from random import Random
from typing import Any

import aiohttp
import uvloop
from aiohttp import web

from followup_testkit.twilio import (
    Accept,
    CutAfter,
    CutBefore,
    Fault,
    Garbled,
    HalfBody,
    Request,
    ServerError,
    Silence,
    StubProvider,
    TooMany,
)

ACCOUNT = "AC" + "c" * 32
TOKEN = "chaos-token"

SILENCE = 30.0
SLOW = 2.0
ALWAYS = 0.03
"""The share of requests that some fault befalls whatever the mood."""
FAULTS: dict[str, Fault] = {
    "too_many": TooMany(),
    "too_many_retry_after": TooMany(retry_after=2),
    "error_before": ServerError(accepted=False),
    "error_after": ServerError(accepted=True),
    "cut_before": CutBefore(),
    "cut_after": CutAfter(),
    "silence_before": Silence(accepted=False, seconds=SILENCE),
    "silence_after": Silence(accepted=True, seconds=SILENCE),
    "half_body": HalfBody(),
    "garbled": Garbled(),
}
NAMES = {fault: name for name, fault in FAULTS.items()}

TRIES = 6
"""A webhook and five retries, as the address asks for."""
STATES = {"Messages": ("sent", "delivered"), "Calls": ("initiated", "ringing", "completed")}


class Provider:
    """The stand-in with moods, and callbacks that come as callbacks come."""

    def __init__(self, stub: StubProvider, random: Random) -> None:
        self.stub = stub
        self.random = random
        self.mood, self.share = "calm", 0.0
        self.slow = False
        self.at_peace = False
        self.faults: dict[str, int] = {}
        self.callbacks: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        stub.rule = self.treat
        stub.on_accepted = self.report

    def treat(self, _request: Request) -> Fault:
        """What is done with a request."""
        name = self._fault()
        if name != "calm":
            self._count(self.faults, name)
            return FAULTS[name]
        if self.slow:
            self._count(self.faults, "slow")
            return Accept(after=SLOW)
        # Some answers are overtaken by their callbacks.
        return Accept(after=self.random.choice((0.0, 0.0, 0.0, 0.4)))

    def _fault(self) -> str:
        if self.at_peace:
            return "calm"
        if self.mood != "calm" and self.random.random() < self.share:
            return self.mood
        if self.random.random() < ALWAYS:
            return self.random.choice(list(FAULTS))
        return "calm"

    def report(self, request: Request) -> None:
        """Have the states of an accepted request reported: late, twice, out of order, or not."""
        states = list(STATES[request.kind])
        kind = self.random.choices(
            ("plain", "duplicated", "reordered", "delayed", "early", "none"),
            weights=(40, 15, 15, 10, 10, 10),
        )[0]
        if self.at_peace and kind == "none":
            kind = "plain"
        self._count(self.callbacks, kind)
        pauses = {"early": 0.0, "delayed": self.random.uniform(8, 20)}
        pause = pauses.get(kind, self.random.uniform(0.05, 2.0))
        match kind:
            case "none":
                return
            case "duplicated":
                states = [state for state in states for _ in range(self.random.randint(2, 3))]
            case "reordered":
                states.reverse()
        task = asyncio.get_running_loop().create_task(self._call_back(request, states, pause))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def reporting(self) -> int:
        """Requests whose states are still being reported."""
        return len(self._tasks)

    async def _call_back(self, request: Request, states: list[str], pause: float) -> None:
        await asyncio.sleep(pause)
        for state in states:
            if not await self._told(request, state):
                self._count(self.callbacks, "given up")

    async def _told(self, request: Request, state: str) -> bool:
        """Report a state as often as the vendor would; whether it was heard."""
        for number in range(TRIES):
            try:
                async with asyncio.timeout(15):
                    status = await self.stub.call_back(request, state)
            except (aiohttp.ClientError, OSError, TimeoutError):
                status = 0
            if 200 <= status < 300:
                return True
            self._count(self.callbacks, "repeated")
            await asyncio.sleep(0.5 * 2**number)
        return False

    def _count(self, counts: dict[str, int], name: str) -> None:
        counts[name] = counts.get(name, 0) + 1


def told(request: Request) -> dict[str, Any]:
    """A request as the ledger tells of it."""
    return {
        "touch": request.touch_id,
        "attempt": request.attempt_id,
        "channel": "sms" if request.kind == "Messages" else "voice",
        "to": request.to,
        "sid": request.sid,
        "first_byte": request.first_byte.isoformat(),
        "answered": None if request.answered is None else request.answered.isoformat(),
        "hung_up": request.hung_up,
        "fault": None if request.fault is None else NAMES.get(request.fault),
        "peer": request.peer_port,
    }


def control(provider: Provider) -> web.Application:
    """The routes by which a run directs and reads it."""
    requests = provider.stub.ledger.requests

    async def mood(request: web.Request) -> web.Response:
        provider.mood, provider.share = request.query["kind"], float(request.query["share"])
        return web.json_response({})

    async def slow(request: web.Request) -> web.Response:
        provider.slow = request.query["on"] == "1"
        return web.json_response({})

    async def peace(_request: web.Request) -> web.Response:
        provider.at_peace, provider.slow = True, False
        return web.json_response({})

    async def ledger(request: web.Request) -> web.Response:
        since = int(request.query.get("since", "0"))
        return web.json_response({"items": [told(each) for each in requests[since:]]})

    async def counts(_request: web.Request) -> web.Response:
        searches = provider.stub.searches
        return web.json_response(
            {
                "requests": len(requests),
                "accepted": len(provider.stub.ledger),
                "searches": searches,
                "reporting": provider.reporting,
                "faults": provider.faults,
                "callbacks": provider.callbacks,
            }
        )

    app = web.Application()
    app.add_routes(
        [
            web.post("/mood", mood),
            web.post("/slow", slow),
            web.post("/peace", peace),
            web.get("/ledger", ledger),
            web.get("/counts", counts),
        ]
    )
    return app


async def main(port: int, control_port: int, seed: int) -> None:
    """Serve until killed."""
    random = Random(seed)  # noqa: S311 - a run's dice, never a secret
    async with StubProvider(account_sid=ACCOUNT, auth_token=TOKEN, port=port) as stub:
        runner = web.AppRunner(control(Provider(stub, random)), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", control_port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(*(int(argument) for argument in sys.argv[1:4])))
