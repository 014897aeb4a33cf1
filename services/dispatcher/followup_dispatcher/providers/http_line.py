"""The line to a vendor's HTTP API: it knows whether a request began.

The answer to "did a byte go out?" is taken from where it happens: the one write by which a
request leaves. Immediately before it the lease is looked at for the last time, and from
there on a failure means unknown.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import structlog
from multidict import CIMultiDict
from yarl import URL

from followup_dispatcher.providers.http_auth import Auth, Static
from followup_dispatcher.providers.http_body import Body
from followup_dispatcher.providers.http_pool import Pool
from followup_dispatcher.providers.http_wire import NotHttp, Reply, TooLong
from followup_dispatcher.providers.port import CALL_LIMIT, NotBegun, Unknown

__all__ = ["POOL", "HttpLine", "Reply"]

log = structlog.get_logger(__name__)

POOL = 100
"""Connections of one account; the dispatcher holds its calls below that."""

NOTHING: Mapping[str, str] = MappingProxyType({})
_COMMON = MappingProxyType(
    {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "followup"}
)
_KEPT = 64


class HttpLine:
    """Connections to one vendor account. Never retries, never follows a redirect."""

    def __init__(self, base_url: str, *, auth: Auth, pool: int = POOL) -> None:
        self._base_url = base_url
        self._auth = auth
        self._same: dict[tuple[str, str | None], bytes] = {}
        self._pool = Pool(URL(base_url), limit=pool)

    async def post(
        self,
        path: str,
        body: Body,
        *,
        time_left: Callable[[], float],
        headers: Mapping[str, str] = NOTHING,
    ) -> Reply | Unknown | NotBegun:
        """Post a body; its first byte is handed over within the lease or not at all."""
        head = self._head_of_post(path, body, headers)
        whole = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body.octets), body.octets)
        return await self._call(whole, time_left)

    async def get(
        self, path: str, query: Mapping[str, str], *, limit: float = CALL_LIMIT
    ) -> Reply | Unknown | NotBegun:
        """Ask a question; `limit` bounds connecting in seconds."""
        url = URL(self._base_url + path, encoded=True).update_query(query)
        headers = CIMultiDict(_COMMON)
        headers.update(self._auth.headers("GET", str(url), b"", None))
        return await self._call(_head("GET", url, headers) + b"\r\n", lambda: limit)

    async def warm(self) -> None:
        """Open a connection by a question whose answer doesn't matter."""
        await self.get("/", {})

    async def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def _head_of_post(self, path: str, body: Body, more: Mapping[str, str]) -> bytes:
        # Made once where it can be: what a request is made of shows in the cost of a send.
        same = None if more else self._same.get((path, body.kind))
        if same is not None:
            return same
        url = _url(self._base_url + path)
        headers = CIMultiDict(_COMMON)
        headers["Content-Type"] = body.kind
        headers.update(self._auth.headers("POST", str(url), body.octets, body.kind))
        headers.update(more)
        head = _head("POST", url, headers)
        if isinstance(self._auth, Static) and not more:
            if len(self._same) >= _KEPT:
                self._same.clear()
            self._same[path, body.kind] = head
        return head

    async def _call(
        self, octets: bytes, time_left: Callable[[], float]
    ) -> Reply | Unknown | NotBegun:
        left, begun = time_left(), False
        if left <= 0:
            return NotBegun("lease over", ours=True)
        try:
            async with asyncio.timeout(CALL_LIMIT):
                wire = await self._pool.take(within=left)
                try:
                    # Between these looks and the write nothing else is done.
                    if not wire.usable:
                        return NotBegun("Disconnected")
                    if time_left() <= 0:
                        return NotBegun("lease over", ours=True)
                    begun = True
                    return await wire.ask(octets)
                finally:
                    self._pool.give_back(wire)
        except Exception as error:
            # The class alone: its text may quote a URL, and with it a phone number.
            reason = type(error).__name__
            if not isinstance(error, _OF_THE_LINE):
                log.exception("line_failed", begun=begun)
            if begun:
                return Unknown(reason)
            # Connecting was bounded by the lease, so running out of time may be our doing.
            return NotBegun(reason, ours=isinstance(error, TimeoutError))


_OF_THE_LINE = (NotHttp, TooLong, OSError, UnicodeError)
"""What vendors and networks do; anything else is a mistake of ours, and is told as one."""


def _head(method: str, url: URL, headers: Mapping[str, str]) -> bytes:
    """The request line and its fields; raises `ValueError` where one would be more than that."""
    first = f"{method} {url.raw_path_qs} HTTP/1.1"
    host = f"Host: {url.host_port_subcomponent}"
    lines = [first, host, *(f"{name}: {value}" for name, value in headers.items())]
    if any(sign in line for line in lines for sign in "\r\n\0"):
        raise ValueError("a line of a request's head has no end within")
    return "\r\n".join([*lines, ""]).encode()


@lru_cache(maxsize=1024)
def _url(url: str) -> URL:
    """Parsed once: an account posts to one URL, and parsing it shows in the cost of a send."""
    return URL(url, encoded=True)
