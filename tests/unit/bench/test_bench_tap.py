import asyncio
import struct

from hypothesis import given
from hypothesis import strategies as st
from tap import Counts, Session, relay


def parse(name, sql):
    return (b"P", name + b"\0" + sql + b"\0\0\0")


def bind(name, portal=b""):
    return (b"B", portal + b"\0" + name + b"\0" + b"\0" * 6)


EXECUTE = (b"E", b"\0" + b"\0" * 4)
READY = (b"Z", b"I")


def complete(tag):
    return (b"C", tag + b"\0")


def opened():
    counts = Counts()
    session = Session(counts)
    session.begins(struct.pack("!i", 196608) + b"user\0postgres\0application_name\0followup x\0\0")
    return counts, session


def test_a_prepared_statement_counts_by_its_text_each_time():
    """Parsed once, bound and executed twice: one statement, two calls, the rows of both."""
    counts, session = opened()
    session.asks(parse(b"s1", b"INSERT  INTO\n t"))
    for tag in (b"INSERT 0 5", b"INSERT 0 7"):
        session.asks(bind(b"s1"))
        session.asks(EXECUTE)
        session.answers(complete(tag))
        session.answers(READY)
    assert counts.rows() == [["followup x", "INSERT INTO t", 2, 12]]


def test_a_plain_query_counts():
    """COMMIT by the simple protocol: a call without rows."""
    counts, session = opened()
    session.asks((b"Q", b"COMMIT\0"))
    session.answers(complete(b"COMMIT"))
    assert counts.rows() == [["followup x", "COMMIT", 1, 0]]


def test_a_look_for_one_row_counts():
    """It ends when it has its row: with a word of its own, which has no tag."""
    counts, session = opened()
    session.asks(parse(b"s1", b"SELECT now()"))
    session.asks(bind(b"s1"))
    session.asks((b"E", b"\0" + struct.pack("!i", 1)))
    session.answers((b"s", b""))
    session.answers(READY)
    assert counts.rows() == [["followup x", "SELECT now()", 1, 1]]


def test_what_failed_is_not_taken_for_the_next():
    """An execution that ends in an error has no tag; the next one's tag is its own."""
    counts, session = opened()
    session.asks(parse(b"bad", b"SELECT 1/0"))
    session.asks(bind(b"bad"))
    session.asks(EXECUTE)
    session.answers((b"E", b"..."))
    session.answers(READY)
    session.asks((b"Q", b"SELECT 1\0"))
    session.answers(complete(b"SELECT 1"))
    assert counts.rows() == [["followup x", "SELECT 1", 1, 1]]


class Kept:
    """The end of a connection that keeps what was written to it."""

    def __init__(self):
        self.written = b""

    def write(self, data):
        self.written += data

    async def drain(self):
        pass

    def close(self):
        pass


@given(
    st.lists(st.tuples(st.sampled_from([b"P", b"C", b"D"]), st.binary(max_size=50)), max_size=8),
    st.lists(st.integers(1, 40), min_size=1),
)
def test_messages_are_whole_however_they_are_cut(messages, cuts):
    """Every byte is passed on, and each message seen once, in order."""
    stream = b"".join(kind + struct.pack("!i", len(b) + 4) + b for kind, b in messages)

    async def passed_on():
        reader, writer, seen = asyncio.StreamReader(), Kept(), []
        work = asyncio.ensure_future(relay(reader, writer, seen.append))
        left, turn = stream, 0
        while left:
            cut = cuts[turn % len(cuts)]
            reader.feed_data(left[:cut])
            left, turn = left[cut:], turn + 1
            await asyncio.sleep(0)
        reader.feed_eof()
        await work
        return writer.written, seen

    written, seen = asyncio.run(passed_on())
    assert (written, seen) == (stream, messages)
