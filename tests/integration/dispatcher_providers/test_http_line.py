"""The line to a vendor: what is an answer, what breaks it, and what is asked on it again."""

import asyncio
import gzip
import zlib

import pytest
import uvloop
from yarl import URL

from followup_dispatcher.providers import http_wire
from followup_dispatcher.providers.http_auth import UNPROVEN, Static, bearer
from followup_dispatcher.providers.http_body import json
from followup_dispatcher.providers.http_line import HttpLine, Reply
from followup_dispatcher.providers.http_pool import Pool
from followup_dispatcher.providers.http_wire import Disconnected
from followup_dispatcher.providers.port import NotBegun, Unknown
from followup_testkit.waiting import until

BODY = json({"to": "+14155550123"})


@pytest.fixture
async def line(vendor):
    opened = HttpLine(vendor.url, auth=bearer("token"))
    yield opened
    await opened.close()


def says(octets: bytes, *, more: bool = True):
    """Writes these, and hangs up unless there is `more` to come."""

    def step(writer):
        writer.write(octets)
        if not more:
            writer.close()

    return step


async def post(line, path="/send", **more):
    return await line.post(path, BODY, time_left=lambda: 5.0, **more)


@pytest.mark.parametrize(
    ("octets", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, b"ab"),
        (b"HTTP/1.1 204 Nothing\r\n\r\n", 204, b""),
        (
            b"HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
            201,
            b"ab",
        ),
        (
            b"HTTP/1.1 103 Hints\r\nX: x\r\n\r\nHTTP/1.1 422 No\r\nContent-Length: 1\r\n\r\nx",
            422,
            b"x",
        ),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", 200, b"ab"),
    ],
)
async def test_an_answer_is_read_to_its_end_and_the_line_used_again(
    vendor, line, octets, status, body
):
    """However its end is told; what only announces an answer is none."""
    vendor.script = [says(octets)]
    for _ in range(2):
        answer = await post(line)
        assert isinstance(answer, Reply), answer
        assert (answer.status, answer.body) == (status, body)
    assert vendor.connections == 1


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_an_answer_without_a_length_ends_with_the_connection(vendor, line, version):
    """And the next question goes by another."""
    vendor.script = [says(b"HTTP/%b 200 OK\r\n\r\nab" % version, more=False)]
    for _ in range(2):
        answer = await post(line)
        assert isinstance(answer, Reply), answer
        assert answer.body == b"ab"
    assert vendor.connections == 2


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na",
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na?",
    ],
)
async def test_a_connection_that_says_more_or_ends_is_not_used_again(vendor, line, octets):
    """What was not asked for would be taken for the answer to the next question."""
    vendor.script = [says(octets)]
    for _ in range(2):
        answer = await post(line)
        assert isinstance(answer, Reply), answer
        assert answer.body == b"a"
    assert vendor.connections == 2


@pytest.mark.parametrize(
    "octets",
    [
        b"\r\n\r\n?",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab",
    ],
)
async def test_what_is_no_answer_leaves_it_open(vendor, line, octets):
    """The request was read: nobody knows what came of it."""
    vendor.script = [says(octets)]
    assert await post(line) == Unknown("NotHttp")


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"",
    ],
)
async def test_half_an_answer_leaves_it_open(vendor, line, octets):
    """Wherever it was cut."""
    vendor.script = [says(octets, more=False)]
    assert isinstance(await post(line), Unknown)


async def test_an_endless_answer_is_cut_off(vendor, line):
    """In its head as in its body, and packed as unpacked."""
    most = http_wire.BODY_LIMIT
    packed = gzip.compress(b"a" * (most + 1))
    vendor.script = [
        says(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * (most + 1)),
        says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * (most + 1)),
        says(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
            + packed
        ),
    ]
    for _ in range(3):
        assert await post(line) == Unknown("TooLong")


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"words", mtime=0)),
        ("deflate", zlib.compress(b"words")),
        ("deflate", zlib.compress(b"words")[2:-4]),
        ("identity", b"words"),
    ],
)
async def test_an_answer_packed_unasked_is_unpacked(vendor, answers, line, encoding, packed):
    """Some do so whatever they are told."""
    vendor.script = [answers.respond(200, packed, Content_Encoding=encoding)]
    answer = await post(line)
    assert isinstance(answer, Reply), answer
    assert answer.body == b"words"


async def test_a_connection_broken_while_it_waits_is_not_used(vendor):
    """Nothing is asked on it, so nothing is left open."""
    vendor.script = [says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", more=False)]
    pool = Pool(URL(vendor.url), limit=1)
    first = await pool.take(within=5)
    pool.give_back(first)
    assert await pool.take(within=5) is first
    await first.ask(b"GET / HTTP/1.1\r\n\r\n")
    pool.give_back(first)
    await until(lambda: not first.usable)
    second = await pool.take(within=5)
    assert second is not first
    with pytest.raises(Disconnected):
        await first.ask(b"GET / HTTP/1.1\r\n\r\n")
    pool.give_back(second)
    pool.close()
    assert len(vendor.heard) == 1


async def test_a_request_is_what_was_given(vendor, answers, line):
    """Its own headers go before those of all; asking carries no body."""
    vendor.script = [answers.respond(200, b"a")]
    await post(line, path="/a%20b?c=d", headers={"accept": "text/plain", "X-Own": "1"})
    await post(line)
    await line.get("/list", {"To": "+1 2"})
    own, plain, asked = vendor.heard
    assert (own.method, own.target, own.body) == ("POST", "/a%20b?c=d", BODY.octets)
    assert (own.headers["accept"], own.headers["x-own"]) == ("text/plain", "1")
    assert (plain.headers["accept"], plain.headers.get("x-own")) == ("application/json", None)
    assert (asked.method, asked.query, asked.body) == ("GET", {"To": "+1 2"}, b"")
    for heard in vendor.heard:
        assert heard.headers["authorization"] == "Bearer token"
        assert heard.headers["host"] == vendor.url.removeprefix("http://")
        assert heard.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("bad", ["a\r\nX-Other: 1", "a\nb", "a\0b"])
async def test_a_header_cannot_hold_another(vendor, answers, line, bad):
    """Whoever wrote the value."""
    vendor.script = [answers.respond(200, b"a")]
    with pytest.raises(ValueError, match="no end within"):
        await post(line, headers={"X-Own": bad})
    other = HttpLine(vendor.url, auth=Static({"X-Own": bad}))
    with pytest.raises(ValueError, match="no end within"):
        await post(other)
    await other.close()
    assert vendor.heard == []


async def test_an_unknown_host_has_not_begun():
    """Nor one whose name no name service would take."""
    for host in ("nobody.invalid", f"{'a' * 70}.invalid"):
        line = HttpLine(f"http://{host}", auth=UNPROVEN)
        assert isinstance(await post(line), NotBegun)
        await line.close()


async def test_a_call_cut_off_leaves_no_connection_to_be_mistaken(vendor, answers, line):
    """Its answer, should it still come, is nobody's."""
    vendor.script = [vendor.silence, answers.respond(200, b"a")]
    cut = asyncio.create_task(post(line))
    await vendor.reached(1)
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut
    assert isinstance(await post(line), Reply)
    assert vendor.connections == 2


def test_a_url_without_a_host_is_no_place_to_call():
    """It is told when the account is made."""
    with pytest.raises(ValueError, match="absolute"):
        Pool(URL("/only/a/path"), limit=1)


def test_the_loop_of_the_services_carries_it():
    """uvloop's transports are none of asyncio's own."""

    async def asked() -> Reply | Unknown | NotBegun:
        async def serve(reader, writer):
            await reader.readuntil(BODY.octets)
            writer.write(b"HTTP/1.1 201 Made\r\nContent-Length: 2\r\n\r\nab")
            await writer.drain()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        line = HttpLine(f"http://127.0.0.1:{port}", auth=UNPROVEN)
        answer = await post(line)
        await line.close()
        server.close()
        return answer

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        answer = runner.run(asked())
    assert isinstance(answer, Reply)
    assert (answer.status, answer.body) == (201, b"ab")
