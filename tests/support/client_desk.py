"""A scripted Followup on loopback, and the two clients as one."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from followup_client import AsyncFollowup, Call, Followup, Options, Patience
from followup_client.leads import NewLead

KEY = "fk_made-up"
HANG_UP = 0


@dataclass(frozen=True)
class Told:
    """A scripted answer; status HANG_UP closes the connection without one."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"


@dataclass(frozen=True)
class Heard:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Desk(ThreadingHTTPServer):
    """A real HTTP server on loopback that answers by its script and keeps what it heard."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Told] = []
        self.heard: list[Heard] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Desk
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard.append(Heard(self.command, self.path, headers, self._body(headers)))
        told = self.server.script.pop(0)
        if told.status == HANG_UP:
            self.close_connection = True
            return
        text = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
        self.send_response(told.status)
        for name, value in {"Content-Type": told.kind, **told.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@dataclass
class Caller:
    """One of the two clients, told to do something and waited for; pauses are only noted."""

    how: str
    pauses: list[float] = field(default_factory=list)
    patience: Patience = field(default_factory=lambda: Patience(tries=3, chance=lambda: 1.0))

    def send(self, at: Any, call: Call[Any]) -> Any:
        return self._do(at, lambda f: f.send(call), lambda f: f.send(call))

    def each(self, at: Any, call: Call[Any]) -> list[Any]:
        async def gathered(followup: AsyncFollowup) -> list[Any]:
            return [item async for item in followup.each(call)]

        return self._do(at, lambda f: list(f.each(call)), gathered)

    def batch(self, at: Any, several: list[NewLead], into: list[Any]) -> None:
        async def gather(followup: AsyncFollowup) -> None:
            async for answer in followup.batch(several):
                into.append(answer)  # noqa: PERF401 - what came before an error is kept

        def wait(followup: Followup) -> None:
            for answer in followup.batch(several):
                into.append(answer)  # noqa: PERF402 - what came before an error is kept

        self._do(at, wait, gather)

    def _do(self, at: Any, wait: Callable[[Followup], Any], go: Callable[..., Any]) -> Any:
        options = Options(patience=self.patience)
        if self.how == "blocking":
            with Followup(at, key=KEY, options=options, pause=self.pauses.append) as followup:
                return wait(followup)

        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)

        async def work() -> Any:
            async with AsyncFollowup(at, key=KEY, options=options, pause=pause) as followup:
                return await go(followup)

        return asyncio.run(work())
