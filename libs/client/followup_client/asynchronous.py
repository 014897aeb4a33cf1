"""The client for asyncio: `async with AsyncFollowup(url, key=key) as followup: …`."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from followup_client.addresses import Addresses
from followup_client.batches import LineAnswer, sheaves
from followup_client.call import Answer, Call, Page
from followup_client.leads import NewLead
from followup_client.retrying import Trying
from followup_client.sending import BLOCK, Options, Requests
from followup_contracts.payload import Lane

T = TypeVar("T")


class AsyncFollowup:
    """Carries calls out; tasks of one event loop share it. `at` as for `Followup`."""

    def __init__(
        self,
        at: str | Addresses,
        *,
        key: str,
        options: Options | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._requests = Requests(Addresses.of(at), options or Options(), key)
        self._pause = pause
        self._http = httpx.AsyncClient(transport=transport, verify=self._requests.options.verify)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let its connections go."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """The answer to a call, tried again where that is safe; raises `FollowupError`."""
        trying = Trying(call, self._requests.options.patience, clock=time.monotonic)
        while True:
            try:
                response = await self._request(call)
            except httpx.TransportError as error:
                found: Answer | float = trying.lost(error)
            else:
                found = trying.answered(response)
            if isinstance(found, Answer):
                return call.read(found)
            await self._pause(found)

    async def each(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        """Every item of a list, page after page."""
        asking = call
        while True:
            page = await self.send(asking)
            for item in page.items:
                yield item
            if page.next is None:
                return
            asking = call.behind(page.next)

    async def batch(
        self, leads: Iterable[NewLead], *, lane: Lane = "later"
    ) -> AsyncIterator[LineAnswer]:
        """Post many leads; the answer to each, in their order. Raises `CutOff` too.

        Give each an `external_id`, and what was cut off can be sent again.
        """
        for sheaf in sheaves(leads):
            answers = await self.send(sheaf.call(lane))
            for answer in answers:
                yield answer
            sheaf.complete(answers)

    async def _request(self, call: Call[object]) -> httpx.Response:
        body = _blocks(call.body) if isinstance(call.body, Path) else call.body
        return await self._http.request(
            call.method,
            self._requests.url(call),
            params=call.params,
            headers=self._requests.headers(call),
            content=body,
            timeout=self._requests.timeout(call),
        )


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while block := await asyncio.to_thread(file.read, BLOCK):
            yield block
    finally:
        file.close()
