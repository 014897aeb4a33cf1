"""The line to a vendor's HTTP API: it knows whether a request began.

`httpx` over aiohttp's connections is the fast pairing, but the transport reports a
server that hung up after reading the request as a failure to connect. So the answer to
"did a byte go out?" is taken from where it happens: aiohttp's signal immediately before
the head of the request is written. There the lease is looked at for the last time, and
from there on a failure means unknown.
"""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from types import SimpleNamespace
from urllib.parse import urlencode

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from followup_dispatcher.providers.port import CALL_LIMIT, NotBegun, Unknown

POOL = 100
"""Connections of one account; the dispatcher holds its calls below that."""

IDLE = 15.0
"""Seconds a connection is kept unused: short, for one that the vendor closes just as a
request is written leaves an outcome open."""

BODY_LIMIT = 4 * 1024 * 1024

Form = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    headers: httpx.Headers
    body: bytes


@dataclass(slots=True)
class _Gate:
    time_left: Callable[[], float]
    begun: bool = False


class _LeaseOver(Exception):
    """Raised inside aiohttp to turn a request away before its first byte."""


class _TooLong(Exception):
    """The vendor's answer is longer than anything it documents."""


_gate: ContextVar[_Gate] = ContextVar("followup_dispatcher_gate")


class HttpLine:
    """Connections to one vendor account. Never retries, never follows a redirect."""

    def __init__(self, base_url: str, *, auth: tuple[str, str], pool: int = POOL) -> None:
        self._base_url = base_url
        self._transport = AiohttpTransport(
            verify=_tls(), client=lambda: _session(pool), limits=httpx.Limits(max_connections=pool)
        )
        token = b64encode(":".join(auth).encode()).decode()
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Authorization": f"Basic {token}",
            "User-Agent": "followup",
        }
        self._form_headers = {
            **self._headers,
            "Content-Type": "application/x-www-form-urlencoded",
        }

    async def post(
        self, path: str, form: Form, *, time_left: Callable[[], float]
    ) -> Reply | Unknown | NotBegun:
        """Post a form; its first byte is handed over within the lease or not at all."""
        request = httpx.Request(
            "POST",
            _url(self._base_url + path),
            content=urlencode(form).encode(),
            headers=self._form_headers,
        )
        return await self._call(request, time_left)

    async def get(
        self, path: str, query: Mapping[str, str], *, limit: float = CALL_LIMIT
    ) -> Reply | Unknown | NotBegun:
        """Ask a question; `limit` bounds connecting in seconds."""
        request = httpx.Request(
            "GET",
            self._base_url + path,
            params=dict(query) or None,  # an empty one would drop the path's own query
            headers=self._headers,
        )
        return await self._call(request, lambda: limit)

    async def warm(self) -> None:
        """Open a connection by a question whose answer doesn't matter."""
        await self.get("/", {})

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def _call(
        self, request: httpx.Request, time_left: Callable[[], float]
    ) -> Reply | Unknown | NotBegun:
        left = time_left()
        if left <= 0:  # aiohttp reads a limit of 0 as none
            return NotBegun("lease over", ours=True)
        gate = _Gate(time_left)
        request.extensions["timeout"] = httpx.Timeout(CALL_LIMIT, connect=left, pool=left).as_dict()
        token = _gate.set(gate)
        try:
            async with asyncio.timeout(CALL_LIMIT):
                return await self._read(request)
        except _LeaseOver:
            return NotBegun("lease over", ours=True)
        except (httpx.HTTPError, aiohttp.ClientError, _TooLong, TimeoutError, OSError) as error:
            reason = _name(error)
            if gate.begun:
                return Unknown(reason)
            # Connecting was bounded by the lease, so running out of time may be our doing.
            return NotBegun(reason, ours=isinstance(error, httpx.TimeoutException | TimeoutError))
        finally:
            _gate.reset(token)

    async def _read(self, request: httpx.Request) -> Reply:
        # The transport itself: httpx's client adds cookies, redirects and a third of the
        # time, and a send wants none of them.
        response = await self._transport.handle_async_request(request)
        try:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise _TooLong
            return Reply(response.status_code, response.headers, bytes(body))
        finally:
            await response.aclose()


@lru_cache(maxsize=1024)
def _url(url: str) -> httpx.URL:
    """Parsed once: an account posts to one URL, and parsing it shows in the cost of a send."""
    return httpx.URL(url)


def _name(error: Exception) -> str:
    """The error's class alone: its text may quote a URL, and with it a phone number."""
    cause = error.__cause__ if isinstance(error, httpx.HTTPError) else None
    return type(cause or error).__name__


def _session(pool: int) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_begin)
    connector = aiohttp.TCPConnector(limit=pool, keepalive_timeout=IDLE, ssl=_tls())
    return aiohttp.ClientSession(
        connector=connector, trace_configs=[trace], cookie_jar=aiohttp.DummyCookieJar()
    )


async def _begin(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    _params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    gate = _gate.get()
    if gate.time_left() <= 0:
        raise _LeaseOver
    gate.begun = True


@cache
def _tls() -> ssl.SSLContext:
    """One for the process: reading the trusted roots takes tens of milliseconds."""
    return httpx.create_ssl_context()
