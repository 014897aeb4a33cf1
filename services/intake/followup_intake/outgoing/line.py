"""The line to endpoints: HTTP that reaches the open Internet and nothing inside.

What a name stands for is looked up here, and the address is checked where the connection to
it is made: between the two nothing is asked again, so a name that changes its mind gains
nothing. TLS and `Host` go by the name. Redirects are not followed, nothing is kept of
cookies, and proxies of the environment are not used.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
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
_READ = 2048
_IDLE = 30.0
_HEADERS = {"Content-Type": "application/json", "User-Agent": "followup"}


class ClosedAddress(OSError):
    """An address that is not connected to."""


class Line:
    """Connections to endpoints. `loopback` allows this machine, and http to it."""

    def __init__(self, *, loopback: bool = False, seconds: float = CALL_SECONDS) -> None:
        self._loopback = loopback
        self._seconds = seconds
        self._names = Names()
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answered | Unanswered:
        """Post a body; what came back, the beginning of it."""
        # Looked at anew: the setting may have been another when the endpoint was made.
        if (wrong := unusable(url, loopback=self._loopback)) is not None:
            return Unanswered(wrong.why)
        if self._session is None:
            self._session = self._open()
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session.post(
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
        if self._session is not None:
            await self._session.close()
        await self._names.close()

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,
            resolver=self._names,
            use_dns_cache=False,
            keepalive_timeout=_IDLE,
            ssl=_tls(),
            socket_factory=self._socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),
            auto_decompress=False,
            trust_env=False,
        )

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
