"""A consumer of one queue, on a channel of its own."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiormq.abc import AbstractChannel, DeliveredMessage

from followup_messaging.errors import BusDown
from followup_messaging.port import Delivery
from followup_messaging.rabbitmq.bundles import SIZES, events
from followup_messaging.rabbitmq.failures import LINK_FAILURES
from followup_messaging.rabbitmq.tags import OpenTags

_CLOSE_LIMIT = 2.0


class RabbitSubscription:
    """As the port says. `open_channel` gives a channel on which the queue is declared."""

    def __init__(
        self,
        queue: str,
        *,
        prefetch: int,
        open_channel: Callable[[str], Awaitable[AbstractChannel]],
    ) -> None:
        self._queue = queue
        self._prefetch = prefetch
        self._open_channel = open_channel
        self._channel: AbstractChannel | None = None
        self._arrived: deque[Delivery] = deque()
        self._news = asyncio.Event()
        self._lost = False
        self._tags = OpenTags()
        self._settling = asyncio.Lock()

    async def __aenter__(self) -> Self:
        try:
            channel = await self._open_channel(self._queue)
            self._channel = channel
            channel.on_consumer_cancel_callbacks.add(self._on_cancelled)
            channel.closing.add_done_callback(lambda _: self._lose())
            await channel.basic_qos(prefetch_count=self._prefetch)
            await channel.basic_consume(self._queue, self._on_message)
        except LINK_FAILURES as error:
            raise BusDown(f"cannot consume {self._queue}: {error}") from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        channel, self._channel = self._channel, None
        if channel is None or self._lost:
            return
        # Closing gives back what is unsettled; on a link that is gone the broker does.
        with suppress(*LINK_FAILURES):
            async with asyncio.timeout(_CLOSE_LIMIT):
                await channel.close()

    async def take(self, *, most: int, linger: float) -> list[Delivery]:
        """As the port says."""
        taken: list[Delivery] = []
        try:
            await self._wait()
            self._move(taken, most)
            if len(taken) < most:
                with suppress(TimeoutError):
                    async with asyncio.timeout(linger):
                        while len(taken) < most:
                            await self._wait()
                            self._move(taken, most)
        except BaseException:
            self._arrived.extendleft(reversed(taken))
            raise
        return taken

    def at_hand(self, *, most: int) -> list[Delivery]:
        """As the port says."""
        self._open()
        taken: list[Delivery] = []
        self._move(taken, most)
        return taken

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge, with as few frames as the open tags allow."""
        channel = self._open()
        try:
            # One after the other: a tag that a later `multiple` has covered must not follow it.
            async with self._settling:
                for ack in self._tags.settle(delivery.tag for delivery in deliveries):
                    await channel.basic_ack(ack.tag, multiple=ack.multiple, wait=False)
        except LINK_FAILURES as error:
            raise BusDown("the connection was lost before all was settled") from error

    async def refuse(self, delivery: Delivery) -> None:
        """To the broker's dead-letter queue; a refused command is gone."""
        channel = self._open()
        try:
            async with self._settling:
                tag = self._tags.refuse(delivery.tag)
                if tag is not None:
                    await channel.basic_reject(tag, requeue=False, wait=False)
        except LINK_FAILURES as error:
            raise BusDown("the connection was lost before it was refused") from error

    async def _wait(self) -> None:
        while not self._arrived or self._lost:
            self._open()
            self._news.clear()
            await self._news.wait()

    def _move(self, taken: list[Delivery], most: int) -> None:
        while self._arrived and len(taken) < most:
            taken.append(self._arrived.popleft())

    async def _on_message(self, message: DeliveredMessage) -> None:
        tag = message.delivery_tag
        assert tag is not None  # noqa: S101 - only the answer to Basic.Get may have none
        properties = message.header.properties
        sizes = (properties.headers or {}).get(SIZES)
        bodies = events(properties.content_type, bytes(message.body), sizes)
        for part, body in zip(self._tags.deliver(tag, len(bodies)), bodies, strict=True):
            self._arrived.append(
                Delivery(
                    body=body,
                    queue=self._queue,
                    routing_key=message.routing_key or "",
                    redelivered=bool(message.redelivered),
                    tag=part,
                )
            )
        self._news.set()

    async def _on_cancelled(self, _frame: Any) -> None:
        self._lose()  # the queue was deleted: it is declared again on the next channel

    def _lose(self) -> None:
        self._lost = True
        self._news.set()

    def _open(self) -> AbstractChannel:
        if self._channel is None or self._lost:
            raise BusDown(f"the subscription of {self._queue} is lost")
        return self._channel
