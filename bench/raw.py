"""The measure: the least a pipeline can do for a touch, written as tightly as we can.

Take a command from a quorum queue, insert an attempt, POST to the stub, update the
attempt, publish an event with a confirm, acknowledge. Everything is batched; batches
overlap; nothing is checked, rendered, capped or planned.

    raw.py AMQP_URL DATABASE_URL STUB_URL COUNT  → prints touches per second
"""

import asyncio
import sys
import time
import uuid
from urllib.parse import urlencode

import aio_pika
import aiohttp
import asyncpg

BATCH = 256
BATCHES = 4
CALLS = 64
LINGER = 0.002
QUEUE, EVENTS = "bench.raw", "bench.raw.events"

INSERT = "INSERT INTO bench_attempts (id, state) SELECT unnest($1::uuid[]), 'claimed'"
UPDATE = """
UPDATE bench_attempts a SET state = 'accepted', ref = r.ref
FROM unnest($1::uuid[], $2::text[]) AS r(id, ref) WHERE a.id = r.id
"""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Raw:
    """The pipeline of one process."""

    def __init__(self, pool: asyncpg.Pool, http: aiohttp.ClientSession, stub: str) -> None:
        self.pool, self.http = pool, http
        self.url = f"{stub}/2010-04-01/Accounts/AC0/Messages.json"
        self.gate = asyncio.Semaphore(CALLS)
        self.done = 0

    async def batch(self, messages: list, events: aio_pika.abc.AbstractExchange) -> None:
        """One batch from claim to acknowledgement."""
        ids = [uuid.UUID(bytes=message.body[:16]) for message in messages]
        await self.pool.execute(INSERT, ids)
        refs = await asyncio.gather(*(self.post(message.body) for message in messages))
        await self.pool.execute(UPDATE, ids, list(refs))
        await asyncio.gather(
            *(events.publish(aio_pika.Message(one.bytes, delivery_mode=2), EVENTS) for one in ids)
        )
        self.done += len(ids)

    async def post(self, body: bytes) -> str:
        """One call."""
        form = urlencode({"To": f"+1{body.hex()[:10]}", "From": "+12025550100", "Body": "Hello"})
        async with self.gate, self.http.post(self.url, data=form, headers=FORM) as answer:
            found = await answer.json()
        return str(found["sid"])


async def take(source: asyncio.Queue, most: int) -> list:
    """A first message and what comes within a moment."""
    batch = [await source.get()]
    await asyncio.sleep(LINGER)
    while len(batch) < most and not source.empty():
        batch.append(source.get_nowait())
    return batch


async def main(amqp: str, database: str, stub: str, count: int) -> float:
    """Fill the queue, then time its emptying."""
    pool = await asyncpg.create_pool(database, min_size=4, max_size=8)
    await pool.execute("DROP TABLE IF EXISTS bench_attempts")
    await pool.execute(
        "CREATE TABLE bench_attempts (id uuid PRIMARY KEY, state text NOT NULL, ref text)"
    )
    connection = await aio_pika.connect(amqp)
    channel = await connection.channel()
    quorum = {"x-queue-type": "quorum"}
    queue = await channel.declare_queue(QUEUE, durable=True, arguments=quorum)
    outgoing = await channel.declare_queue(EVENTS, durable=True, arguments=quorum)
    await queue.purge()
    for start in range(0, count, 1000):
        await asyncio.gather(
            *(
                channel.default_exchange.publish(
                    aio_pika.Message(uuid.uuid4().bytes, delivery_mode=2), QUEUE
                )
                for _ in range(min(1000, count - start))
            )
        )
    reading = await connection.channel()
    await reading.set_qos(prefetch_count=BATCH * BATCHES * 2)
    source: asyncio.Queue = asyncio.Queue()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CALLS)) as http:
        raw = Raw(pool, http, stub)
        begin = time.perf_counter()
        readable = await reading.get_queue(QUEUE)
        tag = await readable.consume(source.put)
        gate = asyncio.Semaphore(BATCHES)
        running: set[asyncio.Task] = set()

        async def work(batch: list) -> None:
            async with gate:
                await raw.batch(batch, channel.default_exchange)
            # Batches end out of order, so each delivery is acknowledged by itself;
            # the frames leave together.
            await asyncio.gather(*(message.ack() for message in batch))

        taken = 0
        while taken < count:
            batch = await take(source, BATCH)
            taken += len(batch)
            task = asyncio.create_task(work(batch))
            running.add(task)
            task.add_done_callback(running.discard)
            while len(running) >= BATCHES:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*running)
        seconds = time.perf_counter() - begin
        await readable.cancel(tag)
    await queue.delete(if_unused=False, if_empty=False)
    await outgoing.delete(if_unused=False, if_empty=False)
    await connection.close()
    await pool.close()
    return count / seconds


if __name__ == "__main__":
    amqp_url, database_url, stub_url, number = sys.argv[1:5]
    print(asyncio.run(main(amqp_url, database_url, stub_url, int(number))))
