"""A light client: leads by single POSTs over a few connections that are kept.

    poster.py HOST PORT TOKEN CONNECTIONS < bodies, a line each
        → a line of JSON: per_s, p50_ms, p99_ms

Written out because the client shares the machine with what it measures.
"""

import asyncio
import json
import sys
import time

import uvloop

from counting import percentile


class Poster:
    """Posts what is left until nothing is."""

    def __init__(self, host: str, port: int, token: str, bodies: list[bytes]) -> None:
        self.host, self.port, self.left = host, port, bodies
        self.head = (
            f"POST /v1/leads HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self.waits: list[float] = []

    async def run(self) -> None:
        """One connection."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        while self.left:
            body = self.left.pop()
            begin = time.perf_counter()
            writer.write(b"%b%d\r\n\r\n%b" % (self.head, len(body), body))
            status = await answer(reader)
            if status != 201:
                raise RuntimeError(f"a lead was answered with {status}")
            self.waits.append((time.perf_counter() - begin) * 1000)
        writer.close()


async def answer(reader: asyncio.StreamReader) -> int:
    """Read one answer whole; its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


async def main(host: str, port: int, token: str, connections: int) -> dict[str, float]:
    """Post everything from standard input."""
    poster = Poster(host, port, token, sys.stdin.buffer.read().splitlines())
    begin = time.perf_counter()
    await asyncio.gather(*(poster.run() for _ in range(connections)))
    seconds = time.perf_counter() - begin
    return {
        "per_s": round(len(poster.waits) / seconds, 1),
        "p50_ms": percentile(poster.waits, 0.5),
        "p99_ms": percentile(poster.waits, 0.99),
    }


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
    print(json.dumps(found))
