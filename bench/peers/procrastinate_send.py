"""procrastinate doing the send half: the app and its task."""

import os

import aiohttp
import procrastinate
from psycopg_pool import AsyncConnectionPool

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(
        conninfo=os.environ["BENCH_DATABASE"], min_size=4, max_size=16
    )
)


class Worker:
    """What the worker keeps for all its tasks."""

    pool: AsyncConnectionPool
    http: aiohttp.ClientSession


@app.task(queue="bench")
async def send(number: str) -> None:
    """One call, one row."""
    url = f"{os.environ['BENCH_STUB']}/2010-04-01/Accounts/AC0/Messages.json"
    form = {"To": number, "From": "+12025550100", "Body": "Hello"}
    async with Worker.http.post(url, data=form) as answer:
        answer.raise_for_status()
        ref = (await answer.json())["sid"]
    async with Worker.pool.connection() as connection:
        await connection.execute(
            "INSERT INTO bench_sends (number, ref) VALUES (%s, %s)", (number, ref)
        )
