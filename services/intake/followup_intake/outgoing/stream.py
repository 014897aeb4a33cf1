"""Events as a stream: server-sent events out of the log (HTML standard, section 9.2).

Each has its number as its id, so that whoever comes again with `Last-Event-ID` goes on
where they were cut off, on whatever process.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from followup_database import Database
from followup_directory import Principal
from followup_intake.outgoing.bodies import bodies_shown
from followup_intake.outgoing.log import Event, events_after

MEDIA_TYPE = "text/event-stream"
OF_ONE_KEY = 5
OF_ONE_TENANT = 50
OF_PROCESS = 200
"""Streams open at once in one process."""
BATCH = 100
LOOK = 1.0
HEARTBEAT = 15.0
LONGEST = 3600.0
"""A stream ends after an hour, and its reader comes again: so they spread over processes."""
_BEGIN = b"retry: 2000\n\n"
_HEARTBEAT = b": nothing new\n\n"
_HEADERS: Mapping[str, str] = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class Reading:
    """From where events are read, with records or ids alone, and until when.

    `good` says whether the reader's key still is.
    """

    after: int
    whole: bool
    good: Callable[[], Awaitable[bool]]


class Streams:
    """The streams this process has open. A runner: its end is theirs."""

    name = "intake:streams"

    def __init__(
        self,
        database: Database,
        *,
        heartbeat: float = HEARTBEAT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._heartbeat = heartbeat
        self._monotonic = monotonic
        self._keys: Counter[UUID] = Counter()
        self._tenants: Counter[UUID] = Counter()
        self._closing = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Have every stream end when `stop` is set; readers come again elsewhere."""
        self._closing.clear()
        await stop.wait()
        self._closing.set()

    def has_room(self, who: Principal) -> bool:
        """Whether one more may be opened with this key."""
        return (
            self._keys[who.key_id] < OF_ONE_KEY
            and self._tenants[who.tenant_id] < OF_ONE_TENANT
            and self._tenants.total() < OF_PROCESS
        )

    def opened(self, who: Principal, reading: Reading) -> StreamingResponse:
        """A stream as an answer; it counts until it has ended, however it does."""
        counted = ((self._keys, who.key_id), (self._tenants, who.tenant_id))
        for counter, one in counted:
            counter[one] += 1

        def ended() -> None:
            for counter, one in counted:
                counter[one] -= 1
                if not counter[one]:
                    del counter[one]

        return _Stream(self._parts(who.tenant_id, reading), ended)

    async def _parts(self, tenant_id: UUID, reading: Reading) -> AsyncIterator[bytes]:
        yield _BEGIN
        after, end = reading.after, self._monotonic() + LONGEST
        said = checked = self._monotonic()
        while not self._closing.is_set() and self._monotonic() < end:
            # However much there is to tell: it is not silence that ends a key.
            if self._monotonic() - checked >= self._heartbeat:
                if not await reading.good():
                    return
                checked = self._monotonic()
            events, bodies = await self._batch(tenant_id, after, whole=reading.whole)
            if events:
                yield b"".join(map(_part, events, bodies))
                after, said = events[-1].sequence or after, self._monotonic()
            if self._monotonic() - said >= self._heartbeat:
                yield _HEARTBEAT
                said = self._monotonic()
            if len(events) < BATCH:
                await self._pause()

    async def _batch(
        self, tenant_id: UUID, after: int, *, whole: bool
    ) -> tuple[list[Event], list[bytes]]:
        async with self._database.transaction(tenant=tenant_id) as tx:
            events = await events_after(tx, tenant_id, after, most=BATCH)
        return events, await bodies_shown(self._database, tenant_id, events, whole=whole)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK):
                await self._closing.wait()


class _Stream(StreamingResponse):
    """The answer; what it took is given back whether it ends, is left or breaks."""

    def __init__(self, parts: AsyncIterator[bytes], ended: Callable[[], None]) -> None:
        super().__init__(parts, media_type=MEDIA_TYPE, headers=dict(_HEADERS))
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


def _part(event: Event, body: bytes) -> bytes:
    # JSON as it is written here has no line breaks, so one line of data holds it.
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.sequence or 0, event.type.encode(), body)
