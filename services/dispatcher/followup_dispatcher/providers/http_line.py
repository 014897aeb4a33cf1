"""The line to a vendor's HTTP API: it knows whether a request began.

The answer to "did a byte go out?" is taken from where it happens: aiohttp's signal
immediately before the head of a request is written. There the lease is looked at for the
last time, and from there on a failure means unknown.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType, SimpleNamespace

import aiohttp
import certifi
from multidict import CIMultiDict
from yarl import URL

from followup_dispatcher.providers.http_auth import Auth, Static
from followup_dispatcher.providers.http_body import Body
from followup_dispatcher.providers.port import CALL_LIMIT, NotBegun, Unknown

POOL = 100
"""Connections of one account; the dispatcher holds its calls below that."""

IDLE = 15.0
"""Seconds a connection is kept unused: short, for one that the vendor closes just as a
request is written leaves an outcome open."""

BODY_LIMIT = 4 * 1024 * 1024

NOTHING: Mapping[str, str] = MappingProxyType({})
_COMMON = MappingProxyType(
    {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "followup"}
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    """By name, whatever its case."""
    body: bytes


@dataclass(slots=True)
class _Gate:
    time_left: Callable[[], float]
    begun: bool = False


class _LeaseOver(Exception):
    """Raised inside aiohttp to turn a request away before its first byte."""


class _TooLong(Exception):
    """The vendor's answer is longer than anything it documents."""


class HttpLine:
    """Connections to one vendor account. Never retries, never follows a redirect."""

    def __init__(self, base_url: str, *, auth: Auth, pool: int = POOL) -> None:
        self._base_url = base_url
        self._auth = auth
        self._same: dict[str | None, CIMultiDict[str]] = {}
        self._pool = pool
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self,
        path: str,
        body: Body,
        *,
        time_left: Callable[[], float],
        headers: Mapping[str, str] = NOTHING,
    ) -> Reply | Unknown | NotBegun:
        """Post a body; its first byte is handed over within the lease or not at all."""
        url = _url(self._base_url + path)
        whole = self._headers("POST", url, body)
        if headers:
            whole = CIMultiDict(whole)
            whole.update(headers)
        return await self._call("POST", url, time_left, data=body.octets, headers=whole)

    async def get(
        self, path: str, query: Mapping[str, str], *, limit: float = CALL_LIMIT
    ) -> Reply | Unknown | NotBegun:
        """Ask a question; `limit` bounds connecting in seconds."""
        url = URL(self._base_url + path, encoded=True).update_query(query)
        return await self._call("GET", url, lambda: limit, headers=self._headers("GET", url))

    async def warm(self) -> None:
        """Open a connection by a question whose answer doesn't matter."""
        await self.get("/", {})

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _headers(self, method: str, url: URL, body: Body | None = None) -> CIMultiDict[str]:
        kind = None if body is None else body.kind
        # Made once where they can be: what a request is made of shows in the cost of a send.
        same = self._same.get(kind)
        if same is not None:
            return same
        headers = CIMultiDict(_COMMON)
        if kind is not None:
            headers["Content-Type"] = kind
        octets = b"" if body is None else body.octets
        headers.update(self._auth.headers(method, str(url), octets, kind))
        if isinstance(self._auth, Static):
            self._same[kind] = headers
        return headers

    async def _call(
        self,
        method: str,
        url: URL,
        time_left: Callable[[], float],
        *,
        headers: CIMultiDict[str],
        data: bytes | None = None,
    ) -> Reply | Unknown | NotBegun:
        left = time_left()
        if left <= 0:  # aiohttp reads a limit of 0 as none
            return NotBegun("lease over", ours=True)
        gate = _Gate(time_left)
        if self._session is None:
            self._session = _session(self._pool)
        request = self._session.request(
            method,
            url,
            data=data,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(connect=left, sock_connect=left),
            trace_request_ctx=gate,
        )
        try:
            async with asyncio.timeout(CALL_LIMIT), request as response:
                return await _read(response)
        except _LeaseOver:
            return NotBegun("lease over", ours=True)
        except (aiohttp.ClientError, _TooLong, TimeoutError, OSError) as error:
            # The class alone: its text may quote a URL, and with it a phone number.
            reason = type(error).__name__
            if gate.begun:
                return Unknown(reason)
            # Connecting was bounded by the lease, so running out of time may be our doing.
            return NotBegun(reason, ours=isinstance(error, TimeoutError))


async def _read(response: aiohttp.ClientResponse) -> Reply:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise _TooLong
    return Reply(response.status, response.headers, bytes(body))


@lru_cache(maxsize=1024)
def _url(url: str) -> URL:
    """Parsed once: an account posts to one URL, and parsing it shows in the cost of a send."""
    return URL(url, encoded=True)


def _session(pool: int) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_begin)
    connector = aiohttp.TCPConnector(limit=pool, keepalive_timeout=IDLE, ssl=_tls())
    return aiohttp.ClientSession(
        connector=connector, trace_configs=[trace], cookie_jar=aiohttp.DummyCookieJar()
    )


async def _begin(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    gate: _Gate = context.trace_request_ctx
    if gate.time_left() <= 0:
        raise _LeaseOver
    gate.begun = True


@cache
def _tls() -> ssl.SSLContext:
    """One for the process: reading the trusted roots takes tens of milliseconds."""
    return ssl.create_default_context(cafile=certifi.where())
