"""One connection to a vendor, and one question at a time on it.

A request leaves in one write, so that it is known to the instruction when it began. The
answer is read by httptools (llhttp), as leniently as other clients read it: what is sent
badly has still been answered.
"""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import httptools
from multidict import CIMultiDict

BODY_LIMIT = 4 * 1024 * 1024
"""Octets of an answer, its head included, and of what it holds when that is unpacked."""

_OK = 200
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


class Disconnected(ConnectionError):
    """The vendor hung up before its answer was whole."""


class NotHttp(Exception):
    """What came is no answer of HTTP's."""


class TooLong(Exception):
    """The answer is longer than anything a vendor documents."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    """By name, whatever its case."""
    body: bytes


class Wire(asyncio.Protocol):
    """A connection. What it is asked while it is busy, or after it was lost, breaks it."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._answer: asyncio.Future[Reply] | None = None
        self._again = True
        self._received = 0
        self._begin()

    @property
    def usable(self) -> bool:
        """Whether another question may be asked on it."""
        return self._again and self._transport is not None and not self._transport.is_closing()

    async def ask(self, octets: bytes) -> Reply:
        """Hand these over at once, and wait for the whole answer.

        Raises `OSError` where the line breaks, `NotHttp` and `TooLong`. Whatever it raises,
        the connection is of no more use.
        """
        if self._transport is None or self._answer is not None or not self.usable:
            raise Disconnected
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._answer, self._received = answer, 0
        self._begin()
        try:
            self._transport.write(octets)
            return await answer
        except BaseException:
            self.abort()
            raise
        finally:
            self._answer = None

    def abort(self) -> None:
        """Let go of it at once."""
        self._again = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As the loop says."""
        # A stream's; uvloop's are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """As the loop says."""
        if self._answer is None or self._answer.done():
            self.abort()  # nobody has asked
            return
        self._received += len(data)
        if self._received > BODY_LIMIT:
            self._fail(TooLong())
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(NotHttp())

    def eof_received(self) -> None:
        """An answer that names no length is whole when the vendor hangs up."""
        if self._headed and not {"content-length", "transfer-encoding"} & self._names():
            self._finish(again=False)

    def connection_lost(self, error: Exception | None) -> None:
        """As the loop says."""
        self._again = False
        self._fail(error or Disconnected())

    def on_message_begin(self) -> None:
        """The parser found the first octet of an answer."""
        if self._answer is None or self._answer.done():
            self._again = False  # one more than was asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser found a field."""
        text = value.decode("utf-8", "surrogateescape")
        self._fields.append((name.decode("utf-8", "surrogateescape"), text))

    def on_headers_complete(self) -> None:
        """The parser found the end of the head."""
        self._headed = True

    def on_body(self, body: bytes) -> None:
        """The parser found a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """The parser found the end of an answer; one that only announces another is none."""
        if self._parser.get_status_code() < _OK:
            self._begin()
        else:
            self._finish(again=self._parser.should_keep_alive())

    def _begin(self) -> None:
        self._headed = False
        self._fields: list[tuple[str, str]] = []
        self._body = bytearray()

    def _names(self) -> set[str]:
        return {name.lower() for name, _ in self._fields}

    def _finish(self, *, again: bool) -> None:
        if self._answer is None or self._answer.done():
            return
        headers, transport = CIMultiDict(self._fields), self._transport
        unsent = transport is not None and transport.get_write_buffer_size() > 0
        self._again = self._again and again and not unsent
        try:
            body = _unpacked(bytes(self._body), headers.get("Content-Encoding", ""))
        except zlib.error:
            self._fail(NotHttp())
        except TooLong as error:
            self._fail(error)
        else:
            self._answer.set_result(Reply(self._parser.get_status_code(), headers, body))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.abort()


def _unpacked(body: bytes, encoding: str) -> bytes:
    """The body as it was before it was packed, though nobody is asked to pack one."""
    if encoding.lower() not in _PACKED:
        return body
    # Some send what they call deflate without its wrapping (RFC 9110, section 8.4.1.2).
    bare = encoding.lower() == "deflate" and body[:1] != b"\x78"
    reader = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)
    unpacked = reader.decompress(body, BODY_LIMIT)
    if reader.unconsumed_tail:
        raise TooLong
    return unpacked
