"""What is done with procrastinate's app.

procrastinate_run.py fill COUNT   → makes its schema and queues so many sends
procrastinate_run.py work         → sends them until it is ended
"""

import asyncio
import os
import sys

import aiohttp
from procrastinate_send import Worker, app, send
from psycopg_pool import AsyncConnectionPool

CONCURRENCY = 64


async def fill(count: int) -> None:
    """Queue in bulk."""
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for start in range(0, count, 1000):
            numbers = range(start, min(start + 1000, count))
            await send.batch_defer_async(*({"number": f"+1212{n + 2_000_000}"} for n in numbers))


async def work() -> None:
    """Run the worker."""
    pool = AsyncConnectionPool(os.environ["BENCH_DATABASE"], min_size=4, max_size=16, open=False)
    async with app.open_async(), pool, aiohttp.ClientSession() as http:
        Worker.pool, Worker.http = pool, http
        await app.run_worker_async(queues=["bench"], concurrency=CONCURRENCY)


if __name__ == "__main__":
    asyncio.run(fill(int(sys.argv[2])) if sys.argv[1] == "fill" else work())
