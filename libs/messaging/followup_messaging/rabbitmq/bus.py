"""The bus over RabbitMQ: one connection, kept by a task of ours.

The connection counts as a whole: when its publishing channel fails it is closed and
made anew, topology included, so that there is one way back from any failure. A broker
that came back empty is whole again by then.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection
from aiormq.channel import Channel
from yarl import URL

from followup_contracts.topology import QUEUES, Queue
from followup_messaging.errors import BusDown
from followup_messaging.port import Fate, Outgoing
from followup_messaging.rabbitmq.declaring import declare_queue, declare_topology, depth_of
from followup_messaging.rabbitmq.failures import LINK_FAILURES
from followup_messaging.rabbitmq.publishing import Publisher
from followup_messaging.rabbitmq.subscription import RabbitSubscription

HEARTBEAT = 10
"""Seconds; a peer that is silent for two of them is gone."""
CONNECT_LIMIT = 10.0
_PAUSE_FIRST, _PAUSE_MOST = 0.2, 5.0
_HEAL_PAUSE = 1.0

_log = structlog.get_logger()


class RabbitBus:
    """A connection to the broker at `url`, made again whenever it is lost.

    A publish is confirmed when every quorum queue it reached holds it on a majority
    of its nodes.
    """

    def __init__(self, url: str, *, queues: Sequence[Queue] = QUEUES) -> None:
        self._url = URL(url).update_query(heartbeat=str(HEARTBEAT))
        self._queues = {queue.name: queue for queue in queues}
        self._connection: AbstractConnection | None = None
        self._publisher: Publisher | None = None
        self._lost = False
        self._damaged = False
        self._news = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether the connection stands and the topology was declared on it."""
        return self._publisher is not None and self._publisher.is_open

    async def connect(self) -> None:
        """Connect; when the first try fails it goes on behind and this returns."""
        if self._keeper is not None:
            return
        tried = asyncio.Event()
        self._keeper = asyncio.create_task(self._keep(tried))
        await tried.wait()

    async def close(self) -> None:
        """Disconnect for good."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        await self._disconnect()

    async def publish(self, messages: Sequence[Outgoing]) -> Sequence[Fate]:
        """Hand all to the socket, then wait for all confirmations."""
        publisher = self._publisher
        if publisher is None:
            return [Fate.FAILED] * len(messages)
        fates = await publisher.publish(messages)
        if Fate.RETURNED in fates:
            # Every queue of ours was declared, so one that is missing was deleted.
            self._damaged = True
            self._news.set()
        return fates

    async def depths(self, queues: Sequence[str]) -> Mapping[str, int]:
        """As the port says, on a channel of its own: a queue that is missing closes it."""
        if self._connection is None or not self.connected:
            raise BusDown("the broker is not connected")
        try:
            channel = await _open(self._connection)
            try:
                return {queue: await depth_of(channel, queue) for queue in queues}
            finally:
                if not channel.is_closed:
                    await channel.close()
        except LINK_FAILURES as error:
            raise BusDown(f"the queues could not be looked at: {error}") from error

    def subscribe(self, queue: str, *, prefetch: int) -> RabbitSubscription:
        """A consumer on a channel of its own."""
        return RabbitSubscription(queue, prefetch=prefetch, open_channel=self._channel_for)

    async def _channel_for(self, queue: str) -> Channel:
        if self._connection is None or not self.connected:
            raise BusDown("the broker is not connected")
        channel = await _open(self._connection)
        await declare_queue(channel, self._queues[queue])
        return channel

    async def _keep(self, tried: asyncio.Event) -> None:
        pause = _PAUSE_FIRST
        while True:
            try:
                async with asyncio.timeout(CONNECT_LIMIT):
                    await self._connect()
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody else would try again
                _log.warning("broker not reached", error=type(error).__name__, seconds=pause)
                tried.set()
                await self._disconnect()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _PAUSE_MOST)
                continue
            pause = _PAUSE_FIRST
            tried.set()
            await self._until_lost()
            _log.warning("broker connection lost")
            await self._disconnect()

    async def _until_lost(self) -> None:
        while not self._lost:
            self._news.clear()
            await self._news.wait()
            if self._damaged and not self._lost:
                self._damaged = False
                await self._heal()

    async def _heal(self) -> None:
        """Declare the topology again, at most once in `_HEAL_PAUSE` seconds."""
        assert self._connection is not None  # noqa: S101 - only called between connect and loss
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                channel = await _open(self._connection)
                await declare_topology(channel, tuple(self._queues.values()))
                await channel.close()
        except Exception:  # noqa: BLE001 - a link that can't be healed is made anew
            self._lose()
        await asyncio.sleep(_HEAL_PAUSE)

    def _lose(self) -> None:
        self._lost = True
        self._news.set()

    async def _connect(self) -> None:
        self._lost = self._damaged = False
        connection = await aio_pika.connect(str(self._url), timeout=CONNECT_LIMIT)
        self._connection = connection
        channel = await _open(connection, on_return_raises=False)
        await declare_topology(channel, tuple(self._queues.values()))
        channel.closing.add_done_callback(lambda _: self._lose())
        self._publisher = Publisher(channel)

    async def _disconnect(self) -> None:
        connection, self._connection, self._publisher = self._connection, None, None
        if connection is not None:
            with suppress(Exception):  # it is given up, in whatever state it is
                async with asyncio.timeout(2):
                    await connection.close()


async def _open(connection: AbstractConnection, **options: Any) -> Channel:
    # The library's own channel keeps state per message that we keep per batch; the
    # one beneath it speaks the protocol and no more.
    try:
        channel = await (await connection.channel(**options)).get_underlay_channel()
    except Exception as error:
        if type(error) is Exception:  # aiormq's, where a connection ended without a reason
            raise BusDown("the connection ended while a channel was opened") from error
        raise
    return cast("Channel", channel)
