"""One port of the host for any number of dispatchers."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from followup_testkit.ports import free_port
from followup_testkit.waiting import until

SCRIPT = Path(__file__).resolve().parents[3] / "deploy/docker/forward.py"


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers once everything has been said."""
    writer.write((await reader.read()).upper())
    writer.close()


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def forwarding(target: str) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """The script as a process; the port it listens on."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), str(port), target, stderr=asyncio.subprocess.PIPE
    )
    try:
        await until(lambda: accepts(port))
        yield port, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ask(port: int, what: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(what)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_bytes_pass_in_both_directions() -> None:
    """A megabyte goes there and comes back, also when one side has ended its half."""
    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    async with server:
        target = f"localhost:{server.sockets[0].getsockname()[1]}"
        async with forwarding(target) as (port, _):
            said = [b"a" * 1_000_000, b"b", b""]
            answers = await asyncio.gather(*(ask(port, what) for what in said))
    assert answers == [what.upper() for what in said]


async def test_a_replica_may_come_later() -> None:
    """Nobody behind the name: the connection ends. Somebody new: the next one works."""
    behind = free_port()
    async with forwarding(f"127.0.0.1:{behind}") as (port, _):
        assert await ask(port, b"hello") == b""
        server = await asyncio.start_server(shout, "127.0.0.1", behind)
        async with server:
            assert await ask(port, b"hello") == b"HELLO"


async def test_it_ends_when_told() -> None:
    """SIGTERM ends it at once, with 0, open connections or not."""
    here, gone = asyncio.Event(), asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.set()
        await reader.read()
        gone.set()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with forwarding(target) as (port, process):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.wait_for(here.wait(), 60)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 60) == 0
            await asyncio.wait_for(gone.wait(), 60)
            writer.close()
