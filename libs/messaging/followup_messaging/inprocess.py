"""The bus of a single process: queues in memory, the same topology.

A publish is confirmed when every queue it reached has seen it settled, refused or
expired, that is when its consumers' first transactions have committed. So a process
that dies loses nothing that was confirmed, and what was not is still in the outbox.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from types import TracebackType
from typing import Self

from followup_contracts.topology import QUEUES, Queue
from followup_messaging.errors import BusDown
from followup_messaging.port import Delivery, Fate, Outgoing
from followup_messaging.routing import queues_for

CAPACITY = 20_000
"""Messages a queue holds; past it a publish fails at once and is its publisher's to repeat."""


class InProcessBus:
    """Queues in memory. A publish to a queue nobody reads waits until somebody does.

    It waits until its consumers are done, is cancelled by its publisher's time limit
    (what nobody has taken by then is withdrawn), or ends as failed when the bus is
    closed. Consumers never wait for a publish: handing over is the relay's task.
    """

    def __init__(self, *, queues: Sequence[Queue] = QUEUES, capacity: int = CAPACITY) -> None:
        self._specs = tuple(queues)
        self._capacity = capacity
        self._queues: dict[str, _Line] = {}
        self._connected = False
        self._route = lru_cache(maxsize=1024)(self._reached)

    @property
    def connected(self) -> bool:
        """Whether it was connected and not closed since."""
        return self._connected

    async def connect(self) -> None:
        """Make the queues of the topology, empty."""
        if not self._connected:
            self._queues = {spec.name: _Line(spec, self._capacity) for spec in self._specs}
            self._connected = True

    async def close(self) -> None:
        """Fail what was not settled and wake whoever waits."""
        self._connected = False
        for line in self._queues.values():
            line.close()

    async def publish(self, messages: Sequence[Outgoing]) -> Sequence[Fate]:
        """Put messages into their queues and wait until their consumers are done."""
        tickets = [self._post(message) for message in messages]
        try:
            for ticket in tickets:
                await ticket.done.wait()
        finally:
            for ticket in tickets:
                ticket.withdrawn = not ticket.done.is_set()
        return [ticket.fate for ticket in tickets]

    async def depths(self, queues: Sequence[str]) -> Mapping[str, int]:
        """As the port says, to the message."""
        return {queue: self.line(queue).depth for queue in queues}

    def subscribe(self, queue: str, *, prefetch: int) -> "InProcessSubscription":
        """A consumer of one queue of the topology."""
        return InProcessSubscription(self, queue, prefetch)

    def line(self, queue: str) -> "_Line":
        """The queue itself, for its subscriptions."""
        if not self._connected:
            raise BusDown("the bus is closed")
        return self._queues[queue]

    def _post(self, message: Outgoing) -> "_Ticket":
        ticket = _Ticket()
        if not self._connected:
            return ticket.end(Fate.FAILED)
        names = self._route(message.exchange, message.routing_key)
        if not names:
            return ticket.end(Fate.RETURNED if message.mandatory else Fate.CONFIRMED)
        lines = [self._queues[name] for name in names]
        if any(line.full for line in lines):
            return ticket.end(Fate.FAILED)
        ticket.open = len(lines)
        for line in lines:
            line.post(message, ticket)
        return ticket

    def _reached(self, exchange: str, key: str) -> tuple[str, ...]:
        return tuple(queue.name for queue in queues_for(exchange, key, self._specs))


@dataclass(slots=True, eq=False)
class _Ticket:
    """What a publisher waits for: every queue its message reached."""

    open: int = 0
    fate: Fate = Fate.CONFIRMED
    withdrawn: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, fate: Fate) -> "_Ticket":
        self.fate = fate
        self.done.set()
        return self

    def one_done(self) -> None:
        self.open -= 1
        if self.open == 0:
            self.done.set()


@dataclass(slots=True, eq=False)
class _Entry:
    """A message in one queue."""

    message: Outgoing
    ticket: _Ticket
    expires_at: float | None
    redelivered: bool = False


class _Line:
    """One queue: what waits, what is out, and who wants to know of more."""

    def __init__(self, spec: Queue, capacity: int) -> None:
        self.spec = spec
        self.closed = False
        self._capacity = capacity
        self._waiting: deque[_Entry] = deque()
        self._out: dict[int, _Entry] = {}
        self._tags = count(1)
        self._readers: list[asyncio.Event] = []

    @property
    def full(self) -> bool:
        self._drop_expired()
        return len(self._waiting) >= self._capacity

    def post(self, message: Outgoing, ticket: _Ticket) -> None:
        ttl = self.spec.ttl_ms
        now = asyncio.get_running_loop().time()
        self._waiting.append(_Entry(message, ticket, None if ttl is None else now + ttl / 1000))
        self._wake()

    def take(self, most: int) -> list[Delivery]:
        """Up to `most` deliveries that are still wanted; they are out from here on."""
        self._drop_expired()
        taken: list[Delivery] = []
        while self._waiting and len(taken) < most:
            entry = self._waiting.popleft()
            if entry.ticket.withdrawn:
                continue
            tag = next(self._tags)
            self._out[tag] = entry
            message = entry.message
            taken.append(
                Delivery(message.body, self.spec.name, message.routing_key, entry.redelivered, tag)
            )
        return taken

    @property
    def depth(self) -> int:
        """Entries nobody has taken that are still wanted."""
        self._drop_expired()
        return sum(not entry.ticket.withdrawn for entry in self._waiting)

    def settle(self, tag: int) -> None:
        entry = self._out.pop(tag, None)
        if entry is not None:
            entry.ticket.one_done()

    def put_back(self, tags: Sequence[int]) -> None:
        """Unsettled deliveries of a subscription that ended, to the front, as they were."""
        for tag in sorted(tags, reverse=True):
            entry = self._out.pop(tag, None)
            if entry is not None:
                entry.redelivered = True
                self._waiting.appendleft(entry)
        self._wake()

    def close(self) -> None:
        self.closed = True
        for entry in (*self._waiting, *self._out.values()):
            entry.ticket.end(Fate.FAILED)
        self._waiting.clear()
        self._out.clear()
        self._wake()

    def join(self, reader: asyncio.Event) -> None:
        self._readers.append(reader)

    def leave(self, reader: asyncio.Event) -> None:
        self._readers.remove(reader)

    def _wake(self) -> None:
        # All of them: one alone might have no room while another waits idle.
        for reader in self._readers:
            reader.set()

    def _drop_expired(self) -> None:
        if self.spec.ttl_ms is None:
            return
        now = asyncio.get_running_loop().time()
        while self._waiting and (self._waiting[0].expires_at or now) < now:
            self._waiting.popleft().ticket.one_done()


class InProcessSubscription:
    """A consumer of one in-memory queue."""

    def __init__(self, bus: InProcessBus, queue: str, prefetch: int) -> None:
        self._bus = bus
        self._queue = queue
        self._prefetch = prefetch
        self._unsettled: set[int] = set()
        self._news = asyncio.Event()
        self._line: _Line | None = None

    async def __aenter__(self) -> Self:
        self._line = self._bus.line(self._queue)
        self._line.join(self._news)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.leave(self._news)
            line.put_back(tuple(self._unsettled))
        self._unsettled.clear()

    async def take(self, *, most: int, linger: float) -> list[Delivery]:
        """As the port says."""
        taken: list[Delivery] = []
        try:
            while not taken:
                taken += self.at_hand(most=most)
                if not taken:
                    await self._news.wait()
            until = asyncio.get_running_loop().time() + linger
            while len(taken) < most and await self._more_before(until):
                taken += self.at_hand(most=most - len(taken))
        except (asyncio.CancelledError, BusDown):
            self._return(taken)
            raise
        return taken

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Each is done; its publisher learns when every queue's consumer is."""
        line = self._open_line()
        for delivery in deliveries:
            self._unsettled.discard(delivery.tag)
            line.settle(delivery.tag)
        self._news.set()  # there is room again

    async def refuse(self, delivery: Delivery) -> None:
        """There is no dead-letter queue in memory: the message is gone."""
        await self.settle([delivery])

    def at_hand(self, *, most: int) -> list[Delivery]:
        """As the port says."""
        line = self._open_line()
        self._news.clear()
        grabbed = line.take(min(most, self._prefetch - len(self._unsettled)))
        self._unsettled.update(delivery.tag for delivery in grabbed)
        return grabbed

    def _return(self, taken: Sequence[Delivery]) -> None:
        tags = [delivery.tag for delivery in taken]
        self._unsettled.difference_update(tags)
        if self._line is not None and not self._line.closed:
            self._line.put_back(tags)

    async def _more_before(self, until: float) -> bool:
        try:
            async with asyncio.timeout_at(until):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _open_line(self) -> _Line:
        if self._line is None or self._line.closed:
            raise BusDown("the bus was closed")
        return self._line
