"""DBOS Transact doing the send half.

dbos_send.py fill COUNT   → makes its schema and queues so many sends
dbos_send.py work         → sends them until it is ended
"""

import asyncio
import os
import sys

import aiohttp
from dbos import DBOS, AsyncSQLAlchemyDatasource, DBOSClient, DBOSConfig, EnqueueOptions
from sqlalchemy import create_engine, make_url, text

QUEUE = "bench"
DATABASE = os.environ["BENCH_DATABASE"]


class Worker:
    """What the worker keeps for all its workflows."""

    http: aiohttp.ClientSession
    rows: AsyncSQLAlchemyDatasource


@DBOS.step()
async def post(number: str) -> str:
    """One call."""
    url = f"{os.environ['BENCH_STUB']}/2010-04-01/Accounts/AC0/Messages.json"
    form = {"To": number, "From": "+12025550100", "Body": "Hello"}
    async with Worker.http.post(url, data=form) as answer:
        answer.raise_for_status()
        return str((await answer.json())["sid"])


async def record(number: str, ref: str) -> None:
    """One row."""
    await Worker.rows.sql_session().execute(
        text("INSERT INTO bench_sends (number, ref) VALUES (:number, :ref)"),
        {"number": number, "ref": ref},
    )


@DBOS.workflow()
async def send(number: str) -> None:
    """A call and its row."""
    await Worker.rows.run_tx_step_async(None, record, number, await post(number))


def fill(count: int) -> None:
    """Queue in one transaction."""
    migrate_dbos()
    client = DBOSClient(system_database_url=DATABASE)
    client.register_queue(QUEUE)
    engine = create_engine(make_url(DATABASE).set(drivername="postgresql+psycopg"))
    options: EnqueueOptions = {"workflow_name": "send", "queue_name": QUEUE}
    with engine.begin() as connection:
        for number in range(count):
            client.enqueue_in_transaction(connection, options, f"+1212{number + 2_000_000}")
    client.destroy()


async def work() -> None:
    """Run the worker."""
    configure()
    async with aiohttp.ClientSession() as http:
        Worker.http = http
        Worker.rows = await AsyncSQLAlchemyDatasource.create(DATABASE)
        DBOS.launch()
        await asyncio.Event().wait()


def configure() -> None:
    """The one DBOS of this process."""
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": DATABASE,
        "log_level": "WARNING",
    }
    DBOS(config=config)


def migrate_dbos() -> None:
    """Make its schema: a process that launches does that and needs nothing else."""
    configure()
    DBOS.launch()
    DBOS.destroy()


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(int(sys.argv[2]))
    else:
        asyncio.run(work())
