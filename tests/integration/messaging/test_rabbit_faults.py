"""What the broker may do to us: restart, come back empty, lose a queue, hang."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aio_pika
import pytest
from sqlalchemy import text

from followup_contracts import Message, encode
from followup_contracts.events import LeadConverted
from followup_contracts.topology import COMMANDS, EVENTS
from followup_database import Database, Transaction
from followup_messaging.consumer import Consumer
from followup_messaging.errors import BusDown
from followup_messaging.outbox import Outbox
from followup_messaging.port import Fate, Outgoing
from followup_messaging.rabbitmq import RabbitBus, delete_topology
from followup_messaging.rabbitmq.declaring import DEAD
from followup_runtime.databases import Databases
from followup_testkit.brokers import OwnBroker
from followup_testkit.proxies import TcpProxy
from followup_testkit.waiting import until

QUEUE = "scheduler.product"
KEY = "lead.converted.v1"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TENANT = uuid4()


@asynccontextmanager
async def running(*runners: Any) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(runner.run(stop)) for runner in runners]
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*tasks)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[RabbitBus]:
    bus = RabbitBus(url)
    await bus.connect()
    try:
        yield bus
    finally:
        await bus.close()


@pytest.fixture
async def own_url(own_rabbit: OwnBroker) -> str:
    """The address of a broker that the test may kill, with nothing of ours on it."""
    await delete_topology(own_rabbit.url)
    return own_rabbit.url


class Seen:
    def __init__(self) -> None:
        self.ids: list[UUID] = []

    async def __call__(self, tx: Transaction, messages: Sequence[Message]) -> None:
        ids = [message.id for message in messages]
        tx.after_commit(lambda: self.ids.extend(ids))


def reader(bus: RabbitBus, database: Database, seen: Seen) -> Consumer:
    return Consumer(bus=bus, database=database, queue=QUEUE, service="scheduler", handle=seen)


async def committed(database: Database, outbox: Outbox, count: int) -> list[UUID]:
    messages = [
        outbox.message(
            LeadConverted(lead_id=uuid4(), person_id=uuid4(), at=NOW),
            tenant_id=TENANT,
            subject="lead",
            time=NOW,
        )
        for _ in range(count)
    ]
    async with database.transaction() as tx:
        await outbox.add(tx, messages)
    return [message.id for message in messages]


def out(body: bytes = b"{}", *, key: str = KEY, exchange: str = EVENTS) -> Outgoing:
    return Outgoing(uuid4(), exchange, key, body)


async def test_a_broker_wiped_between_confirm_and_reading_loses_nothing(
    own_rabbit: OwnBroker, own_url: str, databases: Databases
) -> None:
    """Confirmed, then gone with the broker's data: published again from the outbox."""
    worker = databases.worker
    seen = Seen()
    async with connected(own_url) as bus:
        outbox = Outbox("intake", bus, worker, republish_after=timedelta(0))
        async with running(outbox.relay):
            ids = await committed(worker, outbox, 25)
            await until(lambda: outbox.relay.counts["confirmed"] == 25)
            await asyncio.to_thread(own_rabbit.wipe)
            await until(lambda: bus.connected, within=60)
            async with running(reader(bus, worker, seen)):
                await outbox.sweeper.run_once()
                await until(lambda: len(seen.ids) >= 25, within=60)
            await outbox.sweeper.run_once()
    assert sorted(seen.ids) == sorted(ids)
    async with worker.transaction() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM messaging.outbox")) == 0


async def test_a_broker_wiped_under_a_consumer_loses_nothing(
    own_rabbit: OwnBroker, own_url: str, databases: Databases
) -> None:
    """The consumer finds its queue again by itself, and goes on with what comes."""
    worker = databases.worker
    seen = Seen()
    async with connected(own_url) as bus:
        outbox = Outbox("intake", bus, worker, republish_after=timedelta(0))
        async with running(outbox.relay, reader(bus, worker, seen)):
            before = await committed(worker, outbox, 10)
            await until(lambda: len(seen.ids) >= 10)
            await asyncio.to_thread(own_rabbit.wipe)
            after = await committed(worker, outbox, 10)

            async def swept_and_seen() -> bool:
                await outbox.sweeper.run_once()
                return len(seen.ids) >= 20

            await until(swept_and_seen, within=60)
    assert sorted(seen.ids) == sorted(before + after)


async def test_a_restarted_broker_keeps_what_it_confirmed(
    own_rabbit: OwnBroker, own_url: str
) -> None:
    """Ended and started with its data: every confirmed message is there."""
    async with connected(own_url) as bus:
        fates = await bus.publish([out(str(number).encode()) for number in range(50)])
        assert set(fates) == {Fate.CONFIRMED}
        await asyncio.to_thread(own_rabbit.shut_down)
        await until(lambda: not bus.connected)
        assert await bus.publish([out()]) == [Fate.FAILED]
        with pytest.raises(BusDown):
            async with bus.subscribe(QUEUE, prefetch=1):
                pass
        await asyncio.to_thread(own_rabbit.start)
        await until(lambda: bus.connected, within=60)
        got = await _all_of(bus, 50)
    assert sorted(got) == sorted(str(number).encode() for number in range(50))


async def test_connecting_before_the_broker_is_up(own_rabbit: OwnBroker, own_url: str) -> None:
    """A service may start first: it says that it is not connected, and is once the broker is."""
    await asyncio.to_thread(own_rabbit.kill)
    async with connected(own_url) as bus:
        connected_at_first = bus.connected
        await asyncio.to_thread(own_rabbit.start)
        await until(lambda: bus.connected, within=60)
        assert await bus.publish([out()]) == [Fate.CONFIRMED]
    assert connected_at_first is False


async def test_a_deleted_queue_is_declared_again(amqp_url: str) -> None:
    """Somebody deletes a queue under us: the publish is returned, and works soon after."""
    async with connected(amqp_url) as bus:
        await _on_channel(amqp_url, lambda channel: channel.queue_delete(QUEUE))
        assert await bus.publish([out()]) == [Fate.RETURNED]

        async def confirmed() -> bool:
            return await bus.publish([out()]) == [Fate.CONFIRMED]

        await until(confirmed)
        assert bus.connected


async def test_a_consumer_whose_queue_is_deleted_learns_of_it(amqp_url: str) -> None:
    """`take` raises, and the next subscription has a queue again."""
    async with connected(amqp_url) as bus:
        async with bus.subscribe(QUEUE, prefetch=1) as subscription:
            waiting = asyncio.create_task(subscription.take(most=1, linger=0))
            await _on_channel(amqp_url, lambda channel: channel.queue_delete(QUEUE))
            with pytest.raises(BusDown):
                async with asyncio.timeout(60):
                    await waiting
        async with bus.subscribe(QUEUE, prefetch=1) as subscription, asyncio.timeout(60):
            assert await bus.publish([out(b"again")]) == [Fate.CONFIRMED]
            (delivery,) = await subscription.take(most=1, linger=0)
            assert delivery.body == b"again"


async def test_a_deleted_exchange_is_declared_again(amqp_url: str) -> None:
    """The broker closes the channel of such a publish; the bus comes back whole."""
    async with connected(amqp_url) as bus:
        await _on_channel(amqp_url, lambda channel: channel.exchange_delete(EVENTS))
        assert await bus.publish([out()]) == [Fate.FAILED]

        async def confirmed() -> bool:
            return await bus.publish([out()]) == [Fate.CONFIRMED]

        await until(confirmed)


async def test_a_cut_link_is_mended_and_nothing_is_handled_twice(
    amqp_url: str, databases: Databases
) -> None:
    """Cut again and again while messages flow: all are handled, each once."""
    worker = databases.worker
    seen = Seen()
    async with _proxied(amqp_url) as (proxy, url), connected(url) as bus:
        outbox = Outbox("intake", bus, worker, republish_after=timedelta(0))
        async with running(outbox.relay, reader(bus, worker, seen)):
            ids: list[UUID] = []
            for _ in range(3):
                ids += await committed(worker, outbox, 30)
                await proxy.drop()
                await until(lambda: bus.connected, within=60)

            async def swept_and_seen() -> bool:
                await outbox.sweeper.run_once()
                return len(set(seen.ids)) >= 90

            await until(swept_and_seen, within=60)
    assert sorted(seen.ids) == sorted(ids)


async def test_unsettled_deliveries_survive_a_cut_link(amqp_url: str) -> None:
    """What was taken and not settled comes again, marked as redelivered."""
    async with _proxied(amqp_url) as (proxy, url), connected(url) as bus:
        await bus.publish([out(b"held")])
        async with bus.subscribe(QUEUE, prefetch=5) as subscription:
            async with asyncio.timeout(60):
                held = await subscription.take(most=5, linger=0.01)
            await proxy.drop()
            with pytest.raises(BusDown):
                async with asyncio.timeout(60):
                    await subscription.take(most=5, linger=0.01)
            with pytest.raises(BusDown):
                await subscription.settle(held)
        await until(lambda: bus.connected, within=60)
        async with bus.subscribe(QUEUE, prefetch=5) as subscription, asyncio.timeout(60):
            (again,) = await subscription.take(most=5, linger=0.01)
    assert again.body == b"held"
    assert again.redelivered


async def test_a_hanging_broker_leaves_a_publish_to_its_time_limit(amqp_url: str) -> None:
    """The link stands and nothing comes back: the caller's limit ends it, and the bus lives."""
    async with _proxied(amqp_url) as (proxy, url), connected(url) as bus:
        proxy.stall()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await bus.publish([out()])
        proxy.mend()

        async def confirmed() -> bool:
            return await bus.publish([out()]) == [Fate.CONFIRMED]

        await until(confirmed)


async def test_what_is_refused_is_kept_by_the_broker(amqp_url: str) -> None:
    """An event that was refused lies in the dead-letter queue, a command nowhere."""
    async with connected(amqp_url) as bus:
        await bus.publish(
            [out(b"event"), out(b"command", key="touch.send.v1.sms.now", exchange=COMMANDS)]
        )
        for queue in (QUEUE, "dispatcher.sms.now"):
            async with bus.subscribe(queue, prefetch=1) as subscription, asyncio.timeout(60):
                (delivery,) = await subscription.take(most=1, linger=0)
                await subscription.refuse(delivery)
        connection = await aio_pika.connect(amqp_url)
        async with connection:
            channel = await connection.channel()
            queue = await channel.get_queue(DEAD)

            async def kept() -> Any:
                return await queue.get(no_ack=True, fail=False)

            message = await until(kept)
            assert message.body == b"event"
            assert await queue.get(no_ack=True, fail=False) is None


async def test_messages_are_durable_cloudevents(amqp_url: str, databases: Databases) -> None:
    """Any language can read what stands in a queue: content type, persistence, JSON."""
    async with connected(amqp_url) as bus:
        outbox = Outbox("intake", bus, databases.worker)
        message = outbox.message(
            LeadConverted(lead_id=uuid4(), person_id=uuid4(), at=NOW),
            tenant_id=TENANT,
            subject="lead",
            time=NOW,
        )
        await bus.publish([Outgoing(message.id, EVENTS, KEY, encode(message))])
        connection = await aio_pika.connect(amqp_url)
        async with connection:
            queue = await (await connection.channel()).get_queue(QUEUE)
            got = await queue.get(no_ack=True)
    assert got.content_type == "application/cloudevents+json"
    assert got.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert got.body == encode(message)


async def _all_of(bus: RabbitBus, count: int) -> list[bytes]:
    """So many bodies, subscribing again as often as a broker that still starts needs it."""
    got: list[bytes] = []
    async with asyncio.timeout(60):
        while len(got) < count:
            with suppress(BusDown):
                async with bus.subscribe(QUEUE, prefetch=100) as subscription:
                    while len(got) < count:
                        batch = await subscription.take(most=100, linger=0.1)
                        await subscription.settle(batch)
                        got += [delivery.body for delivery in batch]
            await until(lambda: bus.connected, within=60)
    return got


async def _on_channel(url: str, work: Any) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await (await connection.channel()).get_underlay_channel()
        await work(channel)


@asynccontextmanager
async def _proxied(url: str) -> AsyncIterator[tuple[TcpProxy, str]]:
    parts = urlsplit(url)
    async with TcpProxy((parts.hostname or "127.0.0.1", parts.port or 5672)) as proxy:
        user, _, _ = parts.netloc.rpartition("@")
        moved = parts._replace(netloc=f"{user}@{proxy.host}:{proxy.port}")
        yield proxy, moved.geturl()


@pytest.mark.parametrize("what", ["looking", "consuming"])
async def test_a_connection_given_up_without_a_reason_is_a_broker_that_is_down(
    amqp_url, what
) -> None:
    """The library then raises a bare `Exception` in its calls; callers hear `BusDown`."""
    parts = urlsplit(amqp_url)
    async with (
        TcpProxy((str(parts.hostname), parts.port or 5672)) as proxy,
        connected(f"amqp://guest:guest@{proxy.host}:{proxy.port}/") as bus,
    ):
        assert bus._connection is not None
        link = bus._connection.transport.connection
        channels = len(link.channels)
        proxy.stall()
        work = bus.depths([QUEUE]) if what == "looking" else _consume(bus)
        asked = asyncio.create_task(work)
        await until(lambda: len(link.channels) > channels, what="a channel is asked for")
        await link._cancel_tasks(None)
        with pytest.raises(BusDown):
            await asked
        proxy.mend()


async def _consume(bus: RabbitBus) -> None:
    async with bus.subscribe(QUEUE, prefetch=1):
        pass
