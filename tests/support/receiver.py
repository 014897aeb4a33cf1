"""A product's endpoint on loopback: a real HTTP server that answers as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from standardwebhooks import Webhook as Referee


@dataclass(frozen=True)
class Told:
    """An answer."""

    status: int = 200
    body: bytes = b"thanks"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    """A request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def checked(self, secret: str) -> dict[str, object]:
        """Its body, if the specification's own library takes it for genuine."""
        told = Referee(secret).verify(self.body, dict(self.headers))
        assert isinstance(told, dict)
        return told


class Receiver:
    """Answers each path by what was put there, in order; the last of them for ever."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answers: dict[str, list[Told]] = {}
        self.silent: set[str] = set()
        self.let_go = asyncio.Event()
        self.under_way = 0
        self.most_under_way: dict[str, int] = {}
        self.url = ""
        self._runner: web.AppRunner | None = None

    @property
    def connections(self) -> int:
        """How many are open now."""
        server = None if self._runner is None else self._runner.server
        return 0 if server is None else len(server.connections)

    def served_by(self, runner: web.AppRunner) -> None:
        """Have its connections counted."""
        self._runner = runner

    def at(self, path: str) -> list[Heard]:
        """What arrived at a path."""
        return [each for each in self.heard if each.path == path]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Keep a request and answer it; a silent path only when it is let go."""
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append(Heard(request.path, headers, body))
        here = self.most_under_way
        self.under_way += 1
        here[request.path] = max(here.get(request.path, 0), self.under_way)
        try:
            if request.path in self.silent:
                await self.let_go.wait()
        finally:
            self.under_way -= 1
        told = self._next(request.path)
        return web.Response(status=told.status, body=told.body, headers=told.headers)

    def _next(self, path: str) -> Told:
        left = self.answers.get(path, [])
        if len(left) > 1:
            return left.pop(0)
        return left[0] if left else Told()


@asynccontextmanager
async def receiving(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver for the block, by http or with this TLS."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", receiver.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    receiver.served_by(runner)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    scheme = "http" if tls is None else "https"
    receiver.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        await runner.cleanup()
