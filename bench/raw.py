"""The measure: the least a pipeline can do for a touch, written as tightly as we can.

Take a command from a quorum queue, insert an attempt, POST to the stub, update the
attempt, publish an event with a confirm, acknowledge. Everything is batched; batches
overlap; nothing is checked, rendered, capped or planned. Its means are those of the
services: uvloop, asyncpg, the dispatcher's line to a vendor, and the driver's own channels.

    raw.py fill AMQP_URL COUNT
    raw.py work AMQP_URL COUNT DATABASE_URL STUB_URL BATCH
        → prints touches per second, and milliseconds of processor a touch
"""

import asyncio
import gc
import sys
import time
import uuid
from collections import deque
from typing import Any

import aio_pika
import asyncpg
import orjson
import uvloop
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from pamqp.commands import Basic

from followup_dispatcher.providers.http_auth import UNPROVEN
from followup_dispatcher.providers.http_body import form
from followup_dispatcher.providers.http_line import HttpLine, Reply
from followup_dispatcher.providers.port import CALL_LIMIT

BATCHES, CALLS = 4, 64
QUEUE, EVENTS = "bench.raw", "bench.raw.events"
PERSISTENT = Basic.Properties(delivery_mode=2)

TABLE = """
DROP TABLE IF EXISTS bench_attempts;
CREATE TABLE bench_attempts (id uuid PRIMARY KEY, state text NOT NULL, ref text)
"""
INSERT = "INSERT INTO bench_attempts (id, state) SELECT unnest($1::uuid[]), 'claimed'"
UPDATE = """
UPDATE bench_attempts a SET state = 'accepted', ref = r.ref
FROM unnest($1::uuid[], $2::text[]) AS r(id, ref) WHERE a.id = r.id
"""


class Source:
    """What has been delivered and not taken yet."""

    def __init__(self) -> None:
        self.waiting: deque[DeliveredMessage] = deque()
        self.news = asyncio.Event()

    async def put(self, message: DeliveredMessage) -> None:
        """A delivery."""
        self.waiting.append(message)
        self.news.set()

    async def take(self, most: int) -> list[DeliveredMessage]:
        """What is there, once anything is."""
        while not self.waiting:
            self.news.clear()
            await self.news.wait()
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]


class Raw:
    """The pipeline of one process."""

    def __init__(self, pool: asyncpg.Pool, line: HttpLine, path: str, channel: Channel) -> None:
        self.pool, self.line, self.path, self.channel = pool, line, path, channel
        self.gate = asyncio.Semaphore(CALLS)

    async def batch(self, messages: list[DeliveredMessage]) -> None:
        """One batch from claim to acknowledgement."""
        ids = [uuid.UUID(bytes=message.body[:16]) for message in messages]
        await self.pool.execute(INSERT, ids)
        refs = await asyncio.gather(*(self.post(one.hex) for one in ids))
        await self.pool.execute(UPDATE, ids, refs)
        await publish(self.channel, EVENTS, [one.bytes for one in ids])
        for message in messages:
            await message.channel.basic_ack(message.delivery_tag, wait=False)

    async def post(self, name: str) -> str:
        """One call."""
        body = form([("To", f"+1{name[:10]}"), ("From", "+12025550100"), ("Body", "Hello")])
        async with self.gate:
            answer = await self.line.post(self.path, body, time_left=lambda: CALL_LIMIT)
        if not isinstance(answer, Reply):
            raise TypeError(f"the stub did not answer: {answer}")
        return str(orjson.loads(answer.body)["sid"])


async def publish(channel: Channel, queue: str, bodies: list[bytes]) -> None:
    """All of these, each confirmed."""
    await asyncio.gather(
        *(channel.basic_publish(body, routing_key=queue, properties=PERSISTENT) for body in bodies)
    )


async def channel_of(connection: Any) -> Channel:
    """The driver's own channel, with confirms."""
    return await (await connection.channel()).get_underlay_channel()


async def prepare(channel: Channel, count: int) -> None:
    """Empty quorum queues, then the commands."""
    for name in (QUEUE, EVENTS):
        await channel.queue_delete(name)
        await channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
    for start in range(0, count, 1000):
        bodies = [uuid.uuid4().bytes for _ in range(min(1000, count - start))]
        await publish(channel, QUEUE, bodies)


async def run(raw: Raw, reading: Channel, count: int, size: int) -> float:
    """Empty the queue; returns the seconds it took."""
    source = Source()
    await reading.basic_qos(prefetch_count=size * BATCHES * 2)
    gc.collect()
    gc.freeze()
    begin = time.perf_counter()
    consumer = await reading.basic_consume(QUEUE, source.put)
    running: set[asyncio.Task[None]] = set()
    taken = 0
    while taken < count:
        batch = await source.take(size)
        taken += len(batch)
        running.add(asyncio.create_task(raw.batch(batch)))
        while len(running) >= BATCHES:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    await asyncio.gather(*running)
    seconds = time.perf_counter() - begin
    await reading.basic_cancel(consumer.consumer_tag)
    return seconds


async def fill(amqp: str, count: int) -> None:
    """Have so many commands wait."""
    connection = await aio_pika.connect(amqp)
    async with connection:
        await prepare(await channel_of(connection), count)


async def work(amqp: str, count: int, database: str, stub: str, size: int) -> None:
    """Time the emptying of the queue."""
    connection = await aio_pika.connect(amqp)
    channel, reading = await channel_of(connection), await channel_of(connection)
    line, path = HttpLine(stub, auth=UNPROVEN, pool=CALLS), "/2010-04-01/Accounts/AC0/Messages.json"
    async with (
        connection,
        asyncpg.create_pool(database, min_size=BATCHES, max_size=BATCHES) as pool,
    ):
        await pool.execute(TABLE)
        used = time.process_time()
        seconds = await run(Raw(pool, line, path, channel), reading, count, size)
        used = time.process_time() - used
        await line.close()
        for name in (QUEUE, EVENTS):
            await channel.queue_delete(name)
    print(f"{count / seconds:.1f} {used / count * 1000:.3f}")


if __name__ == "__main__":
    verb, amqp_url, number, *more = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if verb == "fill":
            runner.run(fill(amqp_url, int(number)))
        else:
            runner.run(work(amqp_url, int(number), more[0], more[1], int(more[2])))
