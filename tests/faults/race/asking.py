"""Asking over HTTP, with the moment at which the answer's status line was read."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer; `at` is CLOCK_MONOTONIC when the first of it came off the socket."""

    status: int
    at: float
    asked: float
    body: bytes

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class _Listener(asyncio.Protocol):
    def __init__(self, request: bytes) -> None:
        self._request = request
        self.first = 0.0
        self.held = bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.asked = time.monotonic()
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.first:
            self.first = time.monotonic()
        self.held += data

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)


async def ask(
    method: str, url: str, body: bytes = b"", *, headers: dict[str, str] | None = None
) -> Answered:
    """One request on a connection of its own, closed by the answer's end."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    fields = {
        "Host": parts.netloc,
        "Connection": "close",
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    request = "\r\n".join([*lines, "", ""]).encode() + body
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LIMIT):
        transport, listener = await loop.create_connection(
            lambda: _Listener(request), parts.hostname, parts.port
        )
        try:
            await listener.done
        finally:
            transport.close()
    return _read(listener)


def _read(listener: _Listener) -> Answered:
    head, _, body = bytes(listener.held).partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if b"transfer-encoding: chunked" in head.lower():
        body = _joined(body)
    return Answered(status, listener.first, listener.asked, body)


def _joined(chunked: bytes) -> bytes:
    joined = bytearray()
    while chunked:
        size, _, rest = chunked.partition(b"\r\n")
        length = int(size, 16)
        joined += rest[:length]
        chunked = rest[length + 2 :]
    return bytes(joined)
