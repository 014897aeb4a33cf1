"""`make bench`: the raw pipeline, the full path, speed to lead, memory; ratios in one run.

Prints a table and writes .followup/bench.json. Nothing here asserts a time.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import aiohttp
import httpx
from fleet import Fleet, Servers
from house import SEQUENCE, leads, prepare
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from followup_database.engine import async_url
from followup_directory.vault import new_secret_key

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("intake", "scheduler", "dispatcher", "replies")
FULL = int(os.environ.get("BENCH_TOUCHES", "12000"))
RAW = int(os.environ.get("BENCH_RAW", "20000"))
RATE, SECONDS = 50, 20
PATIENCE = 300.0

console = Console(stderr=True)


def log(text_: str) -> None:
    """A line of progress."""
    console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {text_}")


def raw(servers: Servers, database: str, stub: str) -> float:
    """Touches per second of the hand-written pipeline."""
    command = [sys.executable, str(Path(__file__).with_name("raw.py"))]
    found = subprocess.run(
        [*command, servers.broker.url, database, stub, str(RAW)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return float(found.stdout.strip())


async def full(engine: AsyncEngine, api: httpx.AsyncClient, urls: dict[str, str]) -> float:
    """Touches per second from due timers to the scheduler's record of the outcome."""
    await publish(api, urls["scheduler"], after="30d")
    await enroll(api, urls["intake"], FULL, sequence="bench")
    await reached(engine, "SELECT count(*) FROM scheduler.timers WHERE kind = 'touch'", FULL)
    log(f"{FULL} timers armed")
    async with engine.begin() as connection:
        # What is measured begins with timers that are due; who would wait thirty days?
        await connection.execute(
            text("UPDATE scheduler.touches SET due_at = now(), wanted_at = now()")
        )
        await connection.execute(text("UPDATE scheduler.timers SET due_at = now()"))
    begin = time.perf_counter()
    await reached(engine, "SELECT count(*) FROM scheduler.touches WHERE state = 'sent'", FULL)
    return FULL / (time.perf_counter() - begin)


async def speed_to_lead(
    api: httpx.AsyncClient, urls: dict[str, str], stub: str, engine: AsyncEngine
) -> list[float]:
    """Milliseconds from posting a lead to its request at the provider, each lead's own."""
    await publish(api, urls["scheduler"], after="0m")
    warm, count = 50, RATE * SECONDS
    bodies = list(leads(warm + count, start=5_000_000, sequence="bench"))
    posted: dict[str, float] = {}

    # The client shares the machine with what it measures: the lightest there is.
    async with aiohttp.ClientSession(headers=dict(api.headers)) as light:

        async def post(body: dict[str, object]) -> None:
            posted[str(body["phone"])] = time.time()
            async with light.post(f"{urls['intake']}/v1/leads", json=body) as answer:
                answer.raise_for_status()

        tasks, begin = [], time.perf_counter()
        for number, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
            tasks.append(asyncio.create_task(post(body)))
        await asyncio.gather(*tasks)
    done = "SELECT count(*) FROM scheduler.touches WHERE state = 'sent'"
    await reached(engine, done, FULL + warm + count)
    arrivals = (await api.get(f"{stub}/arrivals")).json()
    measured = [str(body["phone"]) for body in bodies[warm:]]
    return sorted((arrivals[phone] - posted[phone]) * 1000 for phone in measured)


async def publish(api: httpx.AsyncClient, scheduler: str, *, after: str) -> None:
    """Put and publish the one-text sequence."""
    answer = await api.put(
        f"{scheduler}/v1/sequences/bench",
        content=SEQUENCE.format(after=after),
        headers={"Content-Type": "application/yaml"},
    )
    answer.raise_for_status()
    answer = await api.post(f"{scheduler}/v1/sequences/bench/publish")
    answer.raise_for_status()


async def enroll(api: httpx.AsyncClient, intake: str, count: int, *, sequence: str) -> None:
    """Send leads as NDJSON."""
    lines = "\n".join(json.dumps(lead) for lead in leads(count, start=0, sequence=sequence))
    answer = await api.post(
        f"{intake}/v1/leads/batch?lane=later",
        content=lines,
        headers={"Content-Type": "application/x-ndjson"},
        timeout=PATIENCE,
    )
    answer.raise_for_status()
    refused = [line for line in answer.text.splitlines() if '"refused"' in line]
    if refused:
        raise RuntimeError(f"{len(refused)} leads refused: {refused[0]}")


async def reached(engine: AsyncEngine, query: str, count: int) -> None:
    """Wait until a count is reached."""
    end = time.perf_counter() + PATIENCE
    while True:
        async with engine.connect() as connection:
            found = await connection.scalar(text(query))
        if found >= count:
            return
        if time.perf_counter() > end:
            raise RuntimeError(f"{found} of {count} after {PATIENCE:.0f} s: {query}")
        await asyncio.sleep(0.1)


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank."""
    return round(values[min(len(values) - 1, int(len(values) * share))], 1)


async def main() -> dict[str, object]:
    """The whole run."""
    log("starting RabbitMQ and PostgreSQL")
    servers = Servers.start()
    secret_key = new_secret_key()
    fleet = Fleet(
        {
            "FOLLOWUP_DATABASE_URL": servers.postgres.url,
            "FOLLOWUP_AMQP_URL": servers.broker.url,
            "FOLLOWUP_SECRET_KEYS": secret_key,
            "FOLLOWUP_SUPPRESSION_KEY": uuid4().hex,
            "FOLLOWUP_LOG_LEVEL": "WARNING",
        }
    )
    try:
        stub = fleet.stub()
        _, token = await prepare(servers.postgres.url, stub=stub, secret_key=secret_key)
        raw_per_s = raw(servers, servers.postgres.url, stub)
        log(f"raw: {raw_per_s:.0f}/s")
        urls = {name: fleet.service(name) for name in SERVICES}
        engine = create_async_engine(async_url(servers.postgres.url))
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(headers=headers, timeout=60) as api:
            full_per_s = await full(engine, api, urls)
            log(f"full path: {full_per_s:.0f}/s")
            # The events of one measurement are swept half a minute later: not into the next.
            await reached(engine, "SELECT 1 - count(*) FROM messaging.outbox", 1)
            log("outbox empty")
            waits = await speed_to_lead(api, urls, stub, engine)
        await engine.dispose()
        memory = fleet.peak_memory_mb()
    finally:
        fleet.stop()
        servers.stop()
    return {
        "full_to_raw": round(full_per_s / raw_per_s, 3),
        "raw_per_s": round(raw_per_s, 1),
        "full_per_s": round(full_per_s, 1),
        "lead_p50_ms": percentile(waits, 0.50),
        "lead_p95_ms": percentile(waits, 0.95),
        "lead_p99_ms": percentile(waits, 0.99),
        "memory_mb": {name: memory[name] for name in SERVICES},
    }


def show(figures: dict[str, object]) -> None:
    """The figures as a table."""
    table = Table(title="make bench")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        if isinstance(value, dict):
            for part, amount in value.items():
                table.add_row(f"{name}.{part}", str(amount))
        else:
            table.add_row(name, str(value))
    Console().print(table)


if __name__ == "__main__":
    result = asyncio.run(main())
    target = ROOT / ".followup" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=2) + "\n")
    show(result)
