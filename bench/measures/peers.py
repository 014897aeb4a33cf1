"""The send half alone, by what others would use: Celery, procrastinate, DBOS."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from counting import steady_rate
from cpu import of_tree
from fleet import Fleet
from followup_database.engine import async_url
from followup_testkit.reaper import Reaper
from ground import Ground
from progress import log

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "bench" / "peers"
LOCK = FOLDER / "requirements.lock"
HOME = ROOT / ".followup" / "peers"
PYTHON = HOME / "bin" / "python"
PATIENCE = 180.0


@dataclass(frozen=True)
class Peer:
    """A program of `bench/peers`: how its queue is filled, and how its worker is run."""

    name: str
    count: int
    fill: Sequence[str]
    work: Sequence[str]


CELERY = Peer(
    "celery",
    8000,
    ("celery_send.py",),
    ("-m", "celery", "-A", "celery_send", "worker", "--loglevel=WARNING", "--concurrency=4"),
)
OTHERS = (
    Peer(
        "procrastinate",
        4000,
        ("procrastinate_run.py", "fill"),
        ("procrastinate_run.py", "work"),
    ),
    Peer("dbos", 3000, ("dbos_send.py", "fill"), ("dbos_send.py", "work")),
)


async def measure(ground: Ground) -> dict[str, object]:
    """`procrastinate_per_s`, `dbos_per_s`."""
    return {f"{peer.name}_per_s": round(await rate(ground, peer), 1) for peer in OTHERS}


async def rate(ground: Ground, peer: Peer) -> float:
    """Sends per second of a peer."""
    await asyncio.to_thread(_install)
    name = f"bench_{peer.name}"
    database = await ground.database(name)
    await _make_table(database)
    fleet = Fleet({}, ground.reaper)
    environment = os.environ | {
        "BENCH_STUB": fleet.stub(),
        "BENCH_DATABASE": database,
        "BENCH_AMQP": ground.broker.url,
    }
    count = ground.scaled(peer.count)
    try:
        await asyncio.to_thread(
            subprocess.run,
            [str(PYTHON), *peer.fill, str(count)],
            cwd=FOLDER,
            env=environment,
            check=True,
            timeout=PATIENCE,
        )
        found = await _work(peer, environment, ground.reaper, count)
    finally:
        fleet.stop()
        await ground.drop(name)
    log(f"{peer.name}: {found:.0f}/s")
    return found


async def _work(peer: Peer, environment: dict[str, str], reaper: Reaper, count: int) -> float:
    with (HOME / f"{peer.name}.log").open("wb") as said:
        worker = await asyncio.create_subprocess_exec(
            str(PYTHON),
            *peer.work,
            cwd=FOLDER,
            env=environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    reaper.kill_group(worker.pid)
    try:
        async with asyncio.timeout(PATIENCE):
            while await _rows(environment["BENCH_DATABASE"]) < count:
                if worker.returncode is not None:
                    raise RuntimeError(f"{peer.name} ended; see {said.name}")
                await asyncio.sleep(0.5)
        arrivals = f"{environment['BENCH_STUB']}/arrivals"
        own = of_tree(worker.pid) / count * 1000
        log(f"{peer.name}: its processes take {own:.3f} ms of processor a send")
        async with aiohttp.ClientSession() as client, client.get(arrivals) as answer:
            return steady_rate(await answer.json())
    finally:
        await _end(worker)
        reaper.forget_group(worker.pid)


async def _end(worker: asyncio.subprocess.Process) -> None:
    if worker.returncode is None:
        worker.terminate()
    try:
        await asyncio.wait_for(worker.wait(), 15)
    except TimeoutError:
        worker.kill()
        await worker.wait()


async def _rows(url: str) -> int:
    engine = create_async_engine(async_url(url))
    async with engine.connect() as connection:
        found = await connection.scalar(text("SELECT count(*) FROM bench_sends"))
    await engine.dispose()
    return int(found or 0)


async def _make_table(url: str) -> None:
    engine = create_async_engine(async_url(url))
    async with engine.begin() as connection:
        await connection.execute(
            text("CREATE TABLE bench_sends (number text PRIMARY KEY, ref text NOT NULL)")
        )
    await engine.dispose()


def _install() -> None:
    """Give the peers an environment of their own, as their lock says."""
    stamp = HOME / ".lock"
    if stamp.exists() and stamp.read_text() == LOCK.read_text():
        return
    log("installing the peers")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True)
    subprocess.run(
        [
            *(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "-r", str(LOCK)),
        ],
        check=True,
    )
    stamp.write_text(LOCK.read_text())
