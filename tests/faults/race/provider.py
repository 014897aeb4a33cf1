"""The provider of a race, in a process of its own: it stamps the first byte of each send.

Texts as Twilio's Messages API takes them, mail by SMTP, where a letter begins with DATA
(RFC 5321, section 4.1.1.4). A stamp is CLOCK_MONOTONIC, which every process of a machine
shares, read when the bytes come off the socket and before anything is parsed.

Arguments: the port for texts, the port for mail. `GET /arrivals?from=n` gives the sends
behind the n-th as `[stamp, recipient]`. A send's answer takes as long as its account's
name says: `AC0700x` takes 700 ms, and half of that to twice that by chance.
"""

import asyncio
import json
import os
import random
import re
import sys
import time
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import uvloop

PRIORITY = -10
"""A stamp that waits for a processor would tell of sends later than they were."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE = re.compile(r"/Accounts/AC(\d{4})")
_HEAD_END = b"\r\n\r\n"
_LETTER_END = b"\r\n.\r\n"

arrivals: list[tuple[float, str]] = []


class Texts(asyncio.Protocol):
    """Requests of one connection, one after the other."""

    def __init__(self) -> None:
        self._held = b""
        self._stamp = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Stamp first; parse once the request is whole."""
        now = time.monotonic()
        if not self._held:
            self._stamp = now
        self._held += data
        while (whole := self._whole()) is not None:
            head, body = self._held[:whole], self._held[whole:]
            request, self._held = head, body
            self._answer(request)

    def _whole(self) -> int | None:
        """Where the first request ends, if all of it is here."""
        end = self._held.find(_HEAD_END)
        if end < 0:
            return None
        found = _LENGTH.search(self._held, 0, end + 2)
        size = end + len(_HEAD_END) + (int(found[1]) if found else 0)
        return size if len(self._held) >= size else None

    def _answer(self, request: bytes) -> None:
        head, _, body = request.partition(_HEAD_END)
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        if method == "POST":
            form = parse_qs(body.decode())
            arrivals.append((self._stamp, form["To"][0]))
            after = _seconds(target)
            said = json.dumps({"sid": f"SM{len(arrivals):032x}", "status": "queued"})
            asyncio.get_running_loop().call_later(after, self._say, "201 Created", said)
            return
        url = urlsplit(target)
        if url.path == "/arrivals":
            start = int(parse_qs(url.query)["from"][0])
            self._say("200 OK", json.dumps(arrivals[start:]))
            self._transport.close()
        else:  # a warm-up
            self._say("404 Not Found", "{}")

    def _say(self, status: str, body: str) -> None:
        if not self._transport.is_closing():
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            self._transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())


class Mail(asyncio.Protocol):
    """One connection of a relay that takes every letter."""

    def __init__(self) -> None:
        self._held = b""
        self._to = ""
        self._reading = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = transport
        self._say("220 race.example")

    def data_received(self, data: bytes) -> None:
        """Stamp first: what comes may be DATA."""
        now = time.monotonic()
        self._held += data
        while True:
            end = _LETTER_END if self._reading else b"\r\n"
            line, found, rest = self._held.partition(end)
            if not found:
                return
            self._held = rest
            if self._reading:
                self._reading = False
                self._say("250 2.0.0 taken")
            else:
                self._command(line.decode(), now)

    def _command(self, line: str, now: float) -> None:
        verb = line[:4].upper()
        if verb == "RCPT":
            self._to = line.partition("<")[2].partition(">")[0]
        if verb == "DATA":
            arrivals.append((now, self._to))
            self._reading = True
            self._say("354 go on")
        elif verb == "QUIT":
            self._say("221 bye")
            self._transport.close()
        else:
            self._say("250 OK")

    def _say(self, line: str) -> None:
        self._transport.write(f"{line}\r\n".encode())


def _seconds(target: str) -> float:
    """How long the account's answers take, spread around what its name says."""
    found = _PATIENCE.search(target)
    usual = int(found[1]) / 1000 if found else 0.0
    return random.uniform(usual / 2, usual * 2)  # noqa: S311 - a race, no secret


async def serve(texts: int, mail: int) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(Texts, "127.0.0.1", texts, backlog=512),
        await loop.create_server(Mail, "127.0.0.1", mail, backlog=512),
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    with suppress(PermissionError):  # only root may; else it is as good as the rest
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
