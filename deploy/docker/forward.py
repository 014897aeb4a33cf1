"""One port of the host for a service with any number of replicas.

    python forward.py 8003 dispatcher:8003

A published port belongs to one container, so replicas can't share it. This listens on
the port and passes every connection on to one of the addresses the name has at that
moment, so replicas may come and go. Bytes are passed as they are, in both directions.
"""

import asyncio
import random
import signal
import socket
import sys
from contextlib import suppress

CHUNK = 64 * 1024
CONNECT_SECONDS = 2.0


async def main(listen: int, host: str, port: int) -> None:
    """Forward connections until SIGTERM; those that are open are then closed."""
    stop = asyncio.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await forward(reader, writer, host=host, port=port)
        except OSError as error:
            sys.stderr.write(f"{host}:{port}: {error}\n")
        finally:
            writer.close()

    server = await asyncio.start_server(serve, None, listen)
    await stop.wait()
    server.close()


async def forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, host: str, port: int
) -> None:
    """Join one connection with a replica until both sides have said all.

    Raises `OSError` when no address of the name takes the connection.
    """
    far_reader, far_writer = await reach(host, port)
    try:
        await asyncio.gather(pass_on(reader, far_writer), pass_on(far_reader, writer))
    finally:
        far_writer.close()


async def reach(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to one of the name's addresses, tried in random order."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionRefusedError("the name has no address")
    for *_, address in random.sample(found, len(found)):
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.open_connection(*address[:2])
        except OSError as error:  # a time-out is one too
            failure = error
    raise failure


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the sender has ended its half, then end ours; a cut link ends both."""
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    with suppress(OSError):
        writer.write_eof()


if __name__ == "__main__":
    target, _, number = sys.argv[2].rpartition(":")
    asyncio.run(main(int(sys.argv[1]), target, int(number)))
