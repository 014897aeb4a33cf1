"""A tap on the way to PostgreSQL: counts each statement's calls and rows, whatever driver asks.

    tap.py FOLDER SERVER_FOLDER   → listens like a server whose socket lives in FOLDER

Speaks version 3 of the protocol as far as counting needs: statements are named when they
are parsed, bound to portals, and each execution ends with a tag that tells its rows
(postgresql.org/docs/current/protocol-message-formats.html). Whoever connects to
FOLDER/counts gets what was counted so far, as JSON.
"""

import asyncio
import json
import struct
import sys
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from pathlib import Path

SOCKET = ".s.PGSQL.5432"
Message = tuple[bytes, bytes]
"""Type and body."""


class Counts:
    """Calls and rows by who asked and what was asked."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])

    def done(self, who: str, sql: str, tag: str) -> None:
        """An execution has ended: `INSERT 0 5`, `SELECT 5`, `COMMIT`."""
        counted = self.calls[who, sql]
        counted[0] += 1
        last = tag.rpartition(" ")[2]
        counted[1] += int(last) if last.isdecimal() else 0

    def rows(self) -> list[list[object]]:
        """Who, statement, calls, rows."""
        return [[who, sql, calls, rows] for (who, sql), (calls, rows) in self.calls.items()]


class Session:
    """One connection: what its messages say about statements."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.who = ""
        self.statements: dict[bytes, str] = {}
        self.portals: dict[bytes, str] = {}
        self.running: deque[str] = deque()

    def begins(self, body: bytes) -> None:
        """The first message tells who it is, in pairs of names and values."""
        parts = body[4:].split(b"\0")
        told = dict(zip(parts[::2], parts[1::2], strict=False))
        self.who = told.get(b"application_name", b"").decode()

    def asks(self, message: Message) -> None:
        """A message to the server."""
        kind, body = message
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            self.statements[name] = " ".join(sql.decode().split())
        elif kind == b"B":
            portal, name, _ = body.split(b"\0", 2)
            self.portals[portal] = self.statements.get(name, "?")
        elif kind == b"E":
            self.running.append(self.portals.get(body.split(b"\0", 1)[0], "?"))
        elif kind == b"Q":
            self.running.append(" ".join(body.rstrip(b"\0").decode().split()))

    def answers(self, message: Message) -> None:
        """A message from the server."""
        kind, body = message
        if kind == b"C" and self.running:
            self.counts.done(self.who, self.running.popleft(), body.rstrip(b"\0").decode())
        elif kind == b"s" and self.running:  # no more rows were wanted: the driver asks for one
            self.counts.done(self.who, self.running.popleft(), "SELECT 1")
        elif kind == b"Z":  # ready for the next: what failed has no tag
            self.running.clear()


async def first(reader: asyncio.StreamReader) -> bytes:
    """The message without a type that opens a connection."""
    head = await reader.readexactly(4)
    return head + await reader.readexactly(struct.unpack("!i", head)[0] - 4)


async def relay(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    look: Callable[[Message], None],
) -> None:
    """Pass on what comes, as it comes, and look at each whole message."""
    held = bytearray()
    while chunk := await reader.read(65536):
        writer.write(chunk)
        held += chunk
        start = 0
        while len(held) - start >= 5:
            (length,) = struct.unpack_from("!i", held, start + 1)
            if len(held) - start <= length:
                break
            look((bytes(held[start : start + 1]), bytes(held[start + 5 : start + 1 + length])))
            start += 1 + length
        del held[:start]
        await writer.drain()
    writer.close()


def through(counts: Counts, server: Path) -> Callable[..., Awaitable[None]]:
    """What is done with a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(counts)
        opening = await first(reader)
        session.begins(opening[4:])
        upstream, downstream = await asyncio.open_unix_connection(str(server / SOCKET))
        downstream.write(opening)
        await asyncio.gather(
            relay(reader, downstream, session.asks),
            relay(upstream, writer, session.answers),
            return_exceptions=True,  # a service that is ended hangs up
        )

    return serve


async def main(folder: Path, server: Path) -> None:
    """Listen for as long as the process lives."""
    counts = Counts()

    async def tell(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps(counts.rows()).encode())
        writer.close()

    await asyncio.start_unix_server(through(counts, server), str(folder / SOCKET))
    await asyncio.start_unix_server(tell, str(folder / "counts"))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
