"""Celery doing the send half.

celery_send.py COUNT                      → queues so many sends
celery -A celery_send worker -c 4         → sends them
"""

import os
import sys

import psycopg
import requests
from celery import Celery
from celery.signals import worker_process_init

app = Celery("celery_send", broker=os.environ["BENCH_AMQP"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=64,
    task_default_queue="bench.celery",
)


class Worker:
    """What a worker process keeps for all its tasks."""

    database: psycopg.Connection
    http: requests.Session


@worker_process_init.connect
def prepare(**_: object) -> None:
    """A connection and a session of each worker process's own."""
    Worker.database = psycopg.connect(os.environ["BENCH_DATABASE"], autocommit=True)
    Worker.http = requests.Session()


@app.task
def send(number: str) -> None:
    """One call, one row."""
    answer = Worker.http.post(
        f"{os.environ['BENCH_STUB']}/2010-04-01/Accounts/AC0/Messages.json",
        data={"To": number, "From": "+12025550100", "Body": "Hello"},
        timeout=10,
    )
    answer.raise_for_status()
    Worker.database.execute(
        "INSERT INTO bench_sends (number, ref) VALUES (%s, %s)", (number, answer.json()["sid"])
    )


if __name__ == "__main__":
    with app.producer_pool.acquire(block=True) as producer:
        for n in range(int(sys.argv[1])):
            send.apply_async((f"+1212{n + 2_000_000}",), producer=producer)
