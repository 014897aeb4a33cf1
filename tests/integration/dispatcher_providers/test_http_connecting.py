"""Connecting to a vendor: it outlives a lease, and trusts nobody unknown."""

import asyncio
import contextlib
from typing import Any, Self

import pytest
from certificates import Host, host
from yarl import URL

from followup_dispatcher.providers.http_auth import UNPROVEN
from followup_dispatcher.providers.http_body import json
from followup_dispatcher.providers.http_line import HttpLine
from followup_dispatcher.providers.http_pool import Pool
from followup_dispatcher.providers.port import NotBegun

NOBODY = 0.02
"""Seconds of a lease that no handshake keeps."""


@pytest.fixture(scope="module")
def localhost(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A host that nobody vouches for."""
    return host("localhost", tmp_path_factory.mktemp("tls"))


class Vendor:
    """Speaks TLS, once the door is open; counts who came to it."""

    def __init__(self, of: Host) -> None:
        self.door = asyncio.Event()
        self.came = 0
        self._held: set[asyncio.Task[Any] | None] = set()
        self._tls, self.trusted = of.serving(), of.trusted()

    async def __aenter__(self) -> Self:
        self._inner = await asyncio.start_server(self._answer, "localhost", 0, ssl=self._tls)
        self._speaks = self._inner.sockets[0].getsockname()[:2]
        self._outer = await asyncio.start_server(self._hold, "localhost", 0)
        self.url = URL(f"https://localhost:{self._outer.sockets[0].getsockname()[1]}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.door.set()
        self._outer.close()
        await asyncio.gather(*filter(None, self._held))
        self._inner.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        self._held.add(asyncio.current_task())
        await self.door.wait()
        inner = await asyncio.open_connection(*self._speaks)
        await asyncio.gather(_relay(reader, inner[1]), _relay(inner[0], writer))


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while octets := await reader.read(65536):
            writer.write(octets)
        writer.close()


@pytest.fixture
async def vendor(localhost):
    async with Vendor(localhost) as vendor:
        yield vendor


async def test_what_was_begun_within_a_lease_is_found_by_the_next(vendor) -> None:
    """A handshake that takes longer than any lease would else never come to its end."""
    pool = Pool(vendor.url, limit=2, tls=vendor.trusted)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await pool.take(within=NOBODY)
    vendor.door.set()
    wire = await pool.take(within=5)
    answer = await wire.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (answer.status, answer.body) == (200, b"ab")
    pool.give_back(wire)
    assert await pool.take(within=5) is wire
    assert vendor.came == 1
    pool.close()


async def test_a_handshake_left_behind_comes_to_be_kept(vendor) -> None:
    """Nobody has to wait for it: it is there when it is needed."""
    pool = Pool(vendor.url, limit=1, tls=vendor.trusted)
    with pytest.raises(TimeoutError):
        await pool.take(within=NOBODY)
    vendor.door.set()
    wire = await pool.take(within=5)
    pool.give_back(wire)
    assert vendor.came == 1
    pool.close()


async def test_a_lease_that_ends_in_a_handshake_harms_no_neighbour(vendor) -> None:
    """The number of a socket may be another's as soon as it is closed."""
    pools = [Pool(vendor.url, limit=1, tls=vendor.trusted) for _ in range(30)]
    for pool in pools:
        with pytest.raises(TimeoutError):
            await pool.take(within=0.0)
        pool.close()
        reader, writer = await asyncio.open_connection(vendor.url.host, vendor.url.port)
        writer.close()
        assert reader is not None


async def test_many_that_are_cut_off_leave_every_place_free(vendor) -> None:
    """Whatever moment they are cut off in."""
    pool = Pool(vendor.url, limit=4, tls=vendor.trusted)
    vendor.door.set()

    async def hasty(within: float) -> None:
        with contextlib.suppress(TimeoutError):
            pool.give_back(await pool.take(within=within))

    await asyncio.gather(*(hasty(number / 2000) for number in range(60)))
    lent = [await pool.take(within=5) for _ in range(4)]
    assert len(set(lent)) == 4
    for wire in lent:
        pool.give_back(wire)
    pool.close()


async def test_nobody_unknown_is_spoken_to(vendor) -> None:
    """A certificate of its own making is none: not a byte of a request goes out."""
    vendor.door.set()
    line = HttpLine(str(vendor.url), auth=UNPROVEN)
    answer = await line.post("/", json({}), time_left=lambda: 5.0)
    assert isinstance(answer, NotBegun)
    assert answer.reason == "SSLCertVerificationError"
    await line.close()
