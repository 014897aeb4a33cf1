import asyncio
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from followup_runtime.process import DRAIN_SECONDS

SCRIPT = Path(__file__).with_name("drained_process.py")


class Child:
    """The script's process, read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        async with asyncio.timeout(60):
            return (await self.process.stdout.readline()).decode().strip()

    async def rest(self) -> list[str]:
        async with asyncio.timeout(60):
            return (await self.process.stdout.read()).decode().split("\n")[:-1]

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self) -> int:
        async with asyncio.timeout(60):
            return await self.process.wait()


@pytest.fixture
async def start():
    children = []

    async def started(manner: str) -> tuple[Child, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPT),
            manner,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        child = Child(process)
        children.append(child)
        return child, await child.line()

    yield started
    for child in children:
        if child.process.returncode is None:
            child.process.kill()
            await child.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_everything_in_order(start, number):
    """The batch and the request in hand are finished, then the outbox, then exit 0."""
    child, url = await start("finishes")
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        asked = asyncio.create_task(client.get("/slow"))
        assert await child.line() == "request begun"
        child.tell(number)
        answer = await asked
    assert (answer.status_code, answer.json()) == (200, "answered")
    assert await child.rest() == ["worker done", "relay flushed", "closed"]
    assert await child.ended() == 0


async def test_no_connection_is_taken_while_draining(start):
    """A caller who comes late is refused at once and goes to another replica."""
    child, url = await start("hangs")
    async with httpx.AsyncClient(base_url=url) as client:
        await client.get("/healthz")
    child.tell(signal.SIGTERM)
    async with asyncio.timeout(5):
        await _refusing(url)
    assert child.process.returncode is None


async def test_a_drain_that_hangs_is_cut_off_within_ten_seconds(start):
    """The finishers still get their time, and the exit code tells."""
    child, _ = await start("hangs")
    began = time.monotonic()
    child.tell(signal.SIGTERM)
    assert await child.rest() == ["relay flushed", "closed"]
    assert await child.ended() == 1
    assert time.monotonic() - began <= DRAIN_SECONDS


async def test_a_second_signal_ends_it_at_once(start):
    """Who asks twice does not want to wait."""
    child, url = await start("hangs")
    child.tell(signal.SIGTERM)
    async with asyncio.timeout(5):
        await _refusing(url)
    began = time.monotonic()
    child.tell(signal.SIGTERM)
    assert await child.ended() == 1
    assert time.monotonic() - began < 5


async def test_a_runner_that_breaks_ends_the_process(start):
    """Half a service is worse than none: it drains and a supervisor starts it again."""
    child, _ = await start("breaks")
    assert await child.ended() == 1


async def _refusing(url: str) -> None:
    while True:
        try:
            async with httpx.AsyncClient(base_url=url) as client:
                await client.get("/healthz")
        except httpx.TransportError:
            return
