"""A vendor on a real socket, and the calls that go to it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from followup_dispatcher.providers.port import Call, Content

# A mail server of the system's own needs root for its users.
collect_ignore = [] if os.geteuid() == 0 else ["test_smtp_postfix.py"]

ATTEMPT = UUID("0198f0c4-7a10-7b31-9d2e-1f5b6c7d8e90")
TOUCH = UUID("0198f0c4-7a10-7b31-9d2e-1f5b6c7d8e91")
TENANT = UUID("0198f0c4-7a10-7b31-9d2e-1f5b6c7d8e92")
HOOK = f"https://follow.example/hooks/twilio/acc1/status?touch={TOUCH}&attempt={ATTEMPT}"


@dataclass
class Heard:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), strict_parsing=True)


Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Vendor:
    """Answers each request by the next of its script; the last one stays.

    An answer is what `respond` or `json_answer` made, or a coroutine function that is
    given the connection and may do to it what it likes.
    """

    url: str = ""
    script: list[Callable[[asyncio.StreamWriter], object]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def silence(self, _writer: asyncio.StreamWriter) -> None:
        """An answer that never comes."""
        await self.over.wait()

    async def reached(self, count: int) -> None:
        """Returns once so many requests have been heard."""
        async with self.news:
            await self.news.wait_for(lambda: len(self.heard) >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                self.heard.append(request)
                async with self.news:
                    self.news.notify_all()
                step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                outcome = step(writer)
                if asyncio.iscoroutine(outcome):
                    await outcome
                if writer.is_closing():
                    return
                await writer.drain()
        except ConnectionError:
            pass  # the client hung up: some tests want that
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Heard | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method, target, headers, body)


def respond(status: int, body: bytes, **headers: str) -> Callable[[asyncio.StreamWriter], None]:
    """An HTTP answer, whole."""
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda writer: writer.write("\r\n".join([*lines, "", ""]).encode() + body)


def json_answer(status: int, value: object, **headers: str) -> Callable[..., None]:
    return respond(status, json.dumps(value).encode(), Content_Type="application/json", **headers)


def cut_half(status: int, body: bytes) -> Callable[[asyncio.StreamWriter], object]:
    """Promises a whole body, sends half of it and hangs up."""

    async def step(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} Reason\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body[: len(body) // 2])
        await writer.drain()
        writer.close()

    return step


def hang_up(writer: asyncio.StreamWriter) -> None:
    """Closes without a word, the request read."""
    writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """A TCP reset, the request read."""
    writer.transport.abort()


@asynccontextmanager
async def _vendor() -> AsyncIterator[Vendor]:
    vendor = Vendor()
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    vendor.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield vendor
    vendor.over.set()
    server.close()
    await server.wait_closed()


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """A vendor that listens on a socket of its own."""
    async with _vendor() as running:
        yield running


@dataclass
class Faults:
    respond = staticmethod(respond)
    json = staticmethod(json_answer)
    cut_half = staticmethod(cut_half)
    hang_up = staticmethod(hang_up)
    reset = staticmethod(reset)


@pytest.fixture
def answers() -> Faults:
    """What a vendor can be scripted to do."""
    return Faults()


@pytest.fixture
def call() -> Callable[..., Call]:
    """Builds a call; its lease is as good as endless unless told otherwise."""

    def build(**changes: object) -> Call:
        values: dict[str, object] = {
            "attempt_id": ATTEMPT,
            "touch_id": TOUCH,
            "tenant_id": TENANT,
            "channel": "sms",
            "to": "+14155550123",
            "sender": "+14155550100",
            "content": Content("Hi Dana, is the quote for the roof still of use?"),
            "callback_url": HOOK,
            "valid_for": timedelta(hours=2),
            "time_left": lambda: 60.0,
        }
        return Call(**(values | changes))  # type: ignore[arg-type]  # built by name

    return build
