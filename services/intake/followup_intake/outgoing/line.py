"""The line to endpoints: HTTP that reaches the open Internet and nothing inside.

What a name stands for is looked up here, and the address is checked where the connection to
it is made: between the two nothing is asked again, so a name that changes its mind gains
nothing. TLS and `Host` go by the name. Redirects are not followed, nothing is kept of
cookies, and proxies of the environment are not used.

Connections are kept for the next call, half a minute and a bounded number of them: when so
many have been made, new calls make others, and the former go with the last call on them.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import aiohttp
import certifi
from yarl import URL

from followup_intake.core.destinations import may_connect, unusable
from followup_intake.core.redelivery import Answered, Unanswered, asked_pause
from followup_intake.outgoing.names import Names

CALL_SECONDS = 15.0
"""What a call may take, from looking the name up to the end of what is read."""
KEPT_CHARACTERS = 500
CLOSED = "the name stands for an address that is not on the open Internet"
MADE = 128
"""Connections, idle ones among them, that are kept together."""
_READ = 2048
_IDLE = 30.0
_HEADERS = {"Content-Type": "application/json", "User-Agent": "followup"}


class ClosedAddress(OSError):
    """An address that is not connected to."""


class _Lines:
    """Connections that are kept together: how many were made, and the calls on them."""

    def __init__(self, connector: aiohttp.TCPConnector) -> None:
        self.made = 0
        self.calls = 0
        counted = aiohttp.TraceConfig()
        counted.on_connection_create_end.append(self._count)
        self.session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[counted],
        )

    async def _count(self, *_: object) -> None:
        self.made += 1


class Line:
    """Connections to endpoints. `loopback` allows this machine, and http to it."""

    def __init__(
        self, *, loopback: bool = False, seconds: float = CALL_SECONDS, made: int = MADE
    ) -> None:
        self._loopback = loopback
        self._seconds = seconds
        self._made = made
        self._names = Names()
        self._lines: _Lines | None = None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answered | Unanswered:
        """Post a body; what came back, the beginning of it."""
        # Looked at anew: the setting may have been another when the endpoint was made.
        if (wrong := unusable(url, loopback=self._loopback)) is not None:
            return Unanswered(wrong.why)
        try:
            async with (
                self._lent() as session,
                asyncio.timeout(self._seconds),
                session.post(
                    URL(url, encoded=True),
                    data=body,
                    headers={**_HEADERS, **headers},
                    allow_redirects=False,
                ) as answer,
            ):
                return await _read(answer)
        except TimeoutError:
            return Unanswered(f"no answer in {self._seconds:g} seconds")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Unanswered(_why(error))

    async def close(self) -> None:
        """Let the connections go."""
        if self._lines is not None:
            await self._lines.session.close()
        await self._names.close()

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[aiohttp.ClientSession]:
        """The connections of now for one call; who makes the last one on former ones ends them."""
        former = lines = self._lines
        if lines is None or lines.made >= self._made:
            lines = self._lines = self._open()
        lines.calls += 1
        try:
            if former is not None and former is not lines and not former.calls:
                await former.session.close()
            yield lines.session
        finally:
            lines.calls -= 1
            if lines is not self._lines and not lines.calls:
                await lines.session.close()

    def _open(self) -> _Lines:
        connector = aiohttp.TCPConnector(
            limit=0,  # the courier's to keep to
            resolver=self._names,
            use_dns_cache=False,
            keepalive_timeout=_IDLE,
            ssl=_tls(),
            socket_factory=self._socket,
        )
        return _Lines(connector)

    def _socket(self, found: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """A socket for one address, immediately before it is connected to it."""
        family, kind, protocol, _, place = found
        if not may_connect(str(place[0]), loopback=self._loopback):
            raise ClosedAddress(CLOSED)
        return socket.socket(family, kind, protocol)


async def _read(answer: aiohttp.ClientResponse) -> Answered:
    """Status and the beginning of the body; a longer one is not read, and the line closed."""
    start = await answer.content.read(_READ)
    if not answer.content.at_eof():
        answer.close()
    text = start.decode("utf-8", "replace").replace("\x00", "\ufffd")[:KEPT_CHARACTERS]
    return Answered(answer.status, asked_pause(answer.headers, now=datetime.now(UTC)), text)


def _why(error: Exception) -> str:
    """In words without the URL, which may hold a secret of its owner's."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not one to be trusted"
        case aiohttp.ClientSSLError():
            return "it does not speak TLS as it should"
        case ClosedAddress() | aiohttp.ClientConnectorError(os_error=ClosedAddress()):
            return CLOSED
        case aiohttp.ClientConnectorError(os_error=cause):
            return f"it cannot be reached: {type(cause).__name__}"
        case _:
            return f"it cannot be reached: {type(error).__name__}"


@cache
def _tls() -> ssl.SSLContext:
    """One for the process: reading the trusted roots takes tens of milliseconds."""
    return ssl.create_default_context(cafile=certifi.where())
