"""Connections to one vendor account: so many at most, kept for a while when nobody needs them."""

import asyncio
import socket
import ssl
from collections import deque
from functools import cache

import certifi
from aiohappyeyeballs import start_connection
from yarl import URL

from followup_dispatcher.providers.http_wire import Wire

IDLE = 15.0
"""Seconds a connection is kept unused: short, for one that the vendor closes just as a
request is written leaves an outcome open."""

_NEXT_ADDRESS = 0.25
"""Seconds until a vendor's next address is tried beside one that does not answer (RFC 8305)."""


class Pool:
    """No more connections than `limit`; whoever needs one more waits for one."""

    def __init__(self, url: URL, *, limit: int) -> None:
        if url.host is None or url.port is None:
            raise ValueError("an absolute URL is required")
        self._host, self._port, self._secure = url.raw_host or "", url.port, url.scheme == "https"
        self._places = asyncio.Semaphore(limit)
        self._idle: deque[Wire] = deque()
        self._lent: set[Wire] = set()
        self._sweeping: asyncio.TimerHandle | None = None

    async def take(self, *, within: float) -> Wire:
        """A connection, open; raises `TimeoutError` after so many seconds, and `OSError`.

        Whoever has taken one gives it back, whatever has become of it.
        """
        until = asyncio.get_running_loop().time() + within
        if self._places.locked():
            async with asyncio.timeout_at(until):
                await self._places.acquire()
        else:
            await self._places.acquire()
        try:
            wire = self._open_one()
            if wire is None:
                async with asyncio.timeout_at(until):
                    wire = await self._connect()
        except BaseException:
            self._places.release()
            raise
        self._lent.add(wire)
        return wire

    def give_back(self, wire: Wire) -> None:
        """Keep it for the next, or let go of it where it is of no more use."""
        self._lent.discard(wire)
        self._places.release()
        if not wire.usable:
            wire.abort()
            return
        loop = asyncio.get_running_loop()
        wire.idle_since = loop.time()
        self._idle.append(wire)
        if self._sweeping is None:
            self._sweeping = loop.call_later(IDLE, self._sweep)

    def close(self) -> None:
        """Let go of every connection."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for wire in (*self._idle, *self._lent):
            wire.abort()
        self._idle.clear()

    def _open_one(self) -> Wire | None:
        """The one that was used last, and is still of use."""
        oldest = asyncio.get_running_loop().time() - IDLE
        while self._idle:
            wire = self._idle.pop()
            if wire.usable and wire.idle_since > oldest:
                return wire
            wire.abort()
        return None

    def _sweep(self) -> None:
        """Let go of what nobody has needed; what stays is looked at when its time is over."""
        loop = asyncio.get_running_loop()
        oldest = loop.time() - IDLE
        while self._idle and (self._idle[0].idle_since <= oldest or not self._idle[0].usable):
            self._idle.popleft().abort()
        again = self._idle[0].idle_since + IDLE if self._idle else None
        self._sweeping = None if again is None else loop.call_at(again, self._sweep)

    async def _connect(self) -> Wire:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        made = await start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS)
        try:
            _, wire = await loop.create_connection(
                Wire,
                sock=made,
                ssl=_tls() if self._secure else None,
                server_hostname=self._host if self._secure else None,
            )
        except BaseException:
            made.close()
            raise
        return wire


@cache
def _tls() -> ssl.SSLContext:
    """One for the process: reading the trusted roots takes tens of milliseconds."""
    return ssl.create_default_context(cafile=certifi.where())
