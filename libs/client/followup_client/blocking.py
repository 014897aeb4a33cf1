"""The client for programs that wait: `with Followup(url, key=key) as followup: …`."""

import time
from collections.abc import Callable, Iterable, Iterator
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


class Followup:
    """Carries calls out and waits for their answers. Threads may share one.

    `at`: one address, or `Addresses` with one a service.
    """

    def __init__(
        self,
        at: str | Addresses,
        *,
        key: str,
        options: Options | None = None,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._requests = Requests(Addresses.of(at), options or Options(), key)
        self._pause = pause
        self._http = httpx.Client(transport=transport, verify=self._requests.options.verify)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let its connections go."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """The answer to a call, tried again where that is safe; raises `FollowupError`."""
        trying = Trying(call, self._requests.options.patience, clock=time.monotonic)
        while True:
            try:
                response = self._request(call)
            except httpx.TransportError as error:
                found: Answer | float = trying.lost(error)
            else:
                found = trying.answered(response)
            if isinstance(found, Answer):
                return call.read(found)
            self._pause(found)

    def each(self, call: Call[Page[T]]) -> Iterator[T]:
        """Every item of a list, page after page."""
        asking = call
        while True:
            page = self.send(asking)
            yield from page.items
            if page.next is None:
                return
            asking = call.behind(page.next)

    def batch(self, leads: Iterable[NewLead], *, lane: Lane = "later") -> Iterator[LineAnswer]:
        """Post many leads; the answer to each, in their order. Raises `CutOff` too.

        Give each an `external_id`, and what was cut off can be sent again.
        """
        for sheaf in sheaves(leads):
            answers = self.send(sheaf.call(lane))
            yield from answers
            sheaf.complete(answers)

    def _request(self, call: Call[object]) -> httpx.Response:
        body = _blocks(call.body) if isinstance(call.body, Path) else call.body
        return self._http.request(
            call.method,
            self._requests.url(call),
            params=call.params,
            headers=self._requests.headers(call),
            content=body,
            timeout=self._requests.timeout(call),
        )


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
