"""The bus: what every adapter promises.

Delivery is at least once and unordered. Publishing says what became of each message;
a delivery is its consumer's until settled, and comes again if it never is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Protocol, Self
from uuid import UUID

from followup_contracts.topology import COMMANDS, EVENTS, INGRESS

TOGETHER = {EVENTS: 15, COMMANDS: 3, INGRESS: 0}
"""With how many others a message may travel. Commands with few: whoever takes a bundle has
all of it, and dispatchers share them by what they can call now."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready for the wire.

    `exchange` "" is the default exchange: the routing key then names a queue. A
    `mandatory` message that reaches no queue comes back as `Fate.RETURNED`; one that
    is not counts as confirmed. `together`: with how many others to the same address
    the adapter may send it as one; its body must be a JSON object then.
    """

    id: UUID
    exchange: str
    routing_key: str
    body: bytes
    mandatory: bool = True
    together: int = 0


class Fate(Enum):
    """What became of a published message."""

    CONFIRMED = "confirmed"
    """Every queue it reached holds it safely (in process: its consumers are done with it)."""
    RETURNED = "returned"
    """It reached no queue."""
    FAILED = "failed"
    """Nobody knows; it may have arrived."""


@dataclass(slots=True)
class Delivery:
    """A message as it arrived. `tag` is the adapter's own."""

    body: bytes
    queue: str
    routing_key: str
    redelivered: bool
    tag: int


class Subscription(Protocol):
    """One consumer of one queue, from `async with` to its end.

    Whatever is unsettled when it ends is delivered again, to whoever subscribes.
    Entering raises `BusDown` when the bus is not connected.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def take(self, *, most: int, linger: float) -> list[Delivery]:
        """Wait for a delivery, then gather up to `most` or what comes within `linger` seconds.

        Never empty. Cancelling it loses nothing. Raises `BusDown` when the connection
        is lost. Never are more messages unsettled than the prefetch allows, so a
        caller that settles nothing will wait here.
        """
        ...

    def at_hand(self, *, most: int) -> list[Delivery]:
        """Take up to `most` of what is here already, without waiting; maybe nothing.

        Raises `BusDown` when the connection is lost.
        """
        ...

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Done with these: they never come again, unless the connection is lost meanwhile."""
        ...

    async def refuse(self, delivery: Delivery) -> None:
        """Do not deliver this again; the broker keeps it in its dead-letter queue if it has one."""
        ...


class Bus(Protocol):
    """A connection to the broker, shared by everything in a process."""

    @property
    def connected(self) -> bool:
        """Whether publishing and subscribing can work at this moment."""
        ...

    async def connect(self) -> None:
        """Connect and declare the topology; keeps trying behind when the broker is down."""
        ...

    async def close(self) -> None:
        """Disconnect; publishes still under way end as `Fate.FAILED`."""
        ...

    async def publish(self, messages: Sequence[Outgoing]) -> Sequence[Fate]:
        """Publish all and say what became of each, in their order; raises nothing.

        How long it takes is the adapter's matter: callers set a time limit. Cancelled,
        it leaves open which messages arrived.
        """
        ...

    async def depths(self, queues: Sequence[str]) -> Mapping[str, int]:
        """How many messages wait in each queue and are with no consumer.

        It may lag by seconds, and messages that travel together may count as one.
        Raises `BusDown` when the bus is not connected. Sets no time limit of its own.
        """
        ...

    def subscribe(self, queue: str, *, prefetch: int) -> Subscription:
        """A consumer of `queue` with at most `prefetch` messages of the bus unsettled.

        What was sent together counts as one.
        """
        ...
