"""Connections to one vendor account: so many at most, kept for a while when nobody needs them.

Connecting outlives whoever wanted it: a lease is shorter than many handshakes, and what was
begun within one is found by the next.
"""

import asyncio
import socket
import ssl
from collections import deque
from functools import cache
from typing import Any

import certifi
from aiohappyeyeballs import start_connection
from yarl import URL

from followup_dispatcher.providers.http_wire import Wire
from followup_dispatcher.providers.port import CALL_LIMIT

IDLE = 15.0
"""Seconds a connection is kept unused: short, for one that the vendor closes just as a
request is written leaves an outcome open."""

NAMED = 10.0
"""Seconds for which a vendor's addresses are taken for what its name gave."""

_NEXT_ADDRESS = 0.05
"""Seconds until a vendor's next address is tried beside one that does not answer: less than a
lease, though RFC 8305 has 0.25 in mind for people who wait."""


class Pool:
    """No more connections than `limit`; whoever needs one more waits for one.

    `tls`: whom it trusts, if not those whom browsers trust.
    """

    def __init__(self, url: URL, *, limit: int, tls: ssl.SSLContext | None = None) -> None:
        if url.host is None or url.port is None:
            raise ValueError("an absolute URL is required")
        self._host, self._port, self._secure = url.raw_host or "", url.port, url.scheme == "https"
        self._tls = tls
        self._places = asyncio.Semaphore(limit)
        self._idle: deque[Wire] = deque()
        self._lent: set[Wire] = set()
        self._connecting: set[asyncio.Task[Wire]] = set()
        self._left: deque[asyncio.Task[Wire]] = deque()
        """Of those, the ones nobody waits for any more. Each holds a place."""
        self._naming: asyncio.Task[list[Any]] | None = None
        self._named_until = 0.0
        self._sweeping: asyncio.TimerHandle | None = None

    async def take(self, *, within: float) -> Wire:
        """A connection, open; raises `TimeoutError` after so many seconds, and `OSError`.

        Whoever has taken one gives it back, whatever has become of it.
        """
        until = asyncio.get_running_loop().time() + within
        if self._left and not self._idle:
            wire = await self._await(self._left.pop(), until)
        else:
            await self._acquire(until)
            wire = self._open_one() or await self._await(self._connect_aside(), until)
        self._lent.add(wire)
        return wire

    async def _acquire(self, until: float) -> None:
        if self._places.locked():
            async with asyncio.timeout_at(until):
                await self._places.acquire()
        else:
            await self._places.acquire()

    def _connect_aside(self) -> asyncio.Task[Wire]:
        task = asyncio.create_task(self._connect())
        self._connecting.add(task)
        task.add_done_callback(self._connected)
        return task

    async def _await(self, connecting: asyncio.Task[Wire], until: float) -> Wire:
        """Its connection, or leave it to whoever comes next."""
        try:
            async with asyncio.timeout_at(until):
                return await asyncio.shield(connecting)
        except BaseException:
            if connecting.done():
                self._keep(connecting)
            else:
                self._left.append(connecting)
            raise

    def _connected(self, connecting: asyncio.Task[Wire]) -> None:
        self._connecting.discard(connecting)
        if connecting in self._left:
            self._left.remove(connecting)
            self._keep(connecting)

    def _keep(self, connecting: asyncio.Task[Wire]) -> None:
        """What came of a connection that nobody waited for any more."""
        if connecting.cancelled() or connecting.exception() is not None:
            self._places.release()
        else:
            self.give_back(connecting.result())

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
        for connecting in self._connecting:
            connecting.cancel()
        if self._naming is not None:
            self._naming.cancel()
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
        async with asyncio.timeout(CALL_LIMIT):
            made = await start_connection(
                await self._addresses(), happy_eyeballs_delay=_NEXT_ADDRESS
            )
            # From here on the socket is the loop's to close, whatever happens: its number may
            # be another connection's as soon as it is free.
            _, wire = await asyncio.get_running_loop().create_connection(
                Wire,
                sock=made,
                ssl=(self._tls or _tls()) if self._secure else None,
                server_hostname=self._host if self._secure else None,
            )
        return wire

    async def _addresses(self) -> list[Any]:
        """Look the name up once for all who connect: a name that hangs holds one thread."""
        naming = self._naming
        if naming is None or (naming.done() and self._is_old(naming)):
            naming = self._naming = asyncio.create_task(self._look_up())
            naming.add_done_callback(_failed)
        return await asyncio.shield(naming)

    def _is_old(self, naming: asyncio.Task[list[Any]]) -> bool:
        return _failed(naming) or asyncio.get_running_loop().time() >= self._named_until

    async def _look_up(self) -> list[Any]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        self._named_until = loop.time() + NAMED
        return found


def _failed(task: asyncio.Task[Any]) -> bool:
    """Whether it came to nothing; asking takes note of why, so that no loop complains."""
    return task.cancelled() or task.exception() is not None


@cache
def _tls() -> ssl.SSLContext:
    """One for the process: reading the trusted roots takes tens of milliseconds."""
    return ssl.create_default_context(cafile=certifi.where())
