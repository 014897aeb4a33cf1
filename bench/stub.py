"""A provider that accepts everything, in a process of its own.

    stub.py PORT [SECONDS]  → answers at once, or after that long

Speaks the part of Twilio's Messages API that matters here, and keeps when each number
was asked for. `GET /seen` gives the count, `GET /arrivals` number → Unix time.
"""

import asyncio
import itertools
import sys
import time

from aiohttp import web


class Stub:
    """Counts and times requests."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.numbers = itertools.count(1)
        self.seen = 0
        self.arrivals: dict[str, float] = {}

    async def accept(self, request: web.Request) -> web.Response:
        """Take a message; the answer is as short as an adapter can live with."""
        arrived = time.time()
        form = await request.post()
        self.seen += 1
        self.arrivals.setdefault(str(form.get("To", "")), arrived)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        body = b'{"sid": "SM%032x", "status": "queued", "num_segments": "1"}' % next(self.numbers)
        return web.Response(body=body, status=201, content_type="application/json")

    async def count(self, _request: web.Request) -> web.Response:
        """How many were taken."""
        return web.json_response({"seen": self.seen})

    async def times(self, _request: web.Request) -> web.Response:
        """When each number was first asked for."""
        return web.json_response(self.arrivals)


def app(seconds: float) -> web.Application:
    """The stub's routes."""
    stub, made = Stub(seconds), web.Application()
    made.router.add_post("/2010-04-01/Accounts/{sid}/Messages.json", stub.accept)
    made.router.add_get("/seen", stub.count)
    made.router.add_get("/arrivals", stub.times)
    return made


if __name__ == "__main__":
    wait = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    web.run_app(app(wait), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
