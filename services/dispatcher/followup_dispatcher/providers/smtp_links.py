"""Warm connections to one mail server, so that a send need not wait for a handshake."""

import asyncio
import time
from collections.abc import Callable

from aiosmtplib import SMTP, SMTPException

IDLE = 60.0
"""Seconds a connection is kept unused; servers drop theirs after some minutes."""

LETTERS = 90
"""Letters over one connection; common servers stop at 100."""

_TIDYING = 2.0


class Link:
    """One connection and what has gone over it."""

    __slots__ = ("clean", "client", "fresh", "letters", "since")

    def __init__(self, client: SMTP) -> None:
        self.client = client
        self.fresh = True
        self.clean = True
        self.letters = 0
        self.since = time.monotonic()

    @property
    def usable(self) -> bool:
        """Whether another letter may go over it."""
        recent = time.monotonic() - self.since < IDLE
        return self.client.is_connected and recent and self.letters < LETTERS


class Links:
    """At most `size` connections, used newest first."""

    def __init__(self, make: Callable[[], SMTP], *, size: int) -> None:
        self._make = make
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Link] = []
        self._closed = False

    async def take(self) -> Link:
        """A connection, opened where none is idle; raises what opening raises.

        The caller gives it back by `release`, whatever happens.
        """
        await self._slots.acquire()
        try:
            while self._idle:
                link = self._idle.pop()
                if link.usable:
                    link.fresh = False
                    return link
                link.client.close()
            return await self._open()
        except BaseException:
            self._slots.release()
            raise

    async def release(self, link: Link, *, keep: bool) -> None:
        """Give a connection back; what is not kept, or cannot be tidied, is closed."""
        try:
            if keep and not self._closed and link.usable:
                await self._tidy(link)
            else:
                link.client.close()
        except BaseException:
            link.client.close()
            raise
        finally:
            self._slots.release()

    async def fill(self) -> None:
        """Open a connection where none is idle."""
        if not any(link.usable for link in self._idle):
            link = await self.take()
            await self.release(link, keep=True)

    async def close(self) -> None:
        """Close the idle ones; those in use are closed as they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().client.close()

    async def _open(self) -> Link:
        client = self._make()
        await client.connect()
        return Link(client)

    async def _tidy(self, link: Link) -> None:
        """Take back an envelope that was not used; then the connection is idle."""
        if not link.clean:
            try:
                await link.client.rset(timeout=_TIDYING)
            except (SMTPException, OSError):
                link.client.close()
                return
            link.clean = True
        link.since = time.monotonic()
        self._idle.append(link)
