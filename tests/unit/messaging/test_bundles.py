"""Events that travel together: nothing is lost, reordered or joined to another address."""

import json
from collections.abc import Sequence
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from followup_contracts.envelope import BATCH_CONTENT_TYPE, CONTENT_TYPE, MAX_BYTES
from followup_messaging.port import Outgoing
from followup_messaging.rabbitmq import bundles
from followup_messaging.rabbitmq.bundles import Letter, events, letters

ADDRESSES = st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.booleans())


def _out(address: tuple[str, str, bool], body: bytes, *, together: int) -> Outgoing:
    exchange, key, mandatory = address
    return Outgoing(uuid4(), exchange, key, body, mandatory, together)


MESSAGES = st.lists(
    st.builds(
        lambda address, value, together: _out(
            address, json.dumps({"v": value}).encode(), together=together
        ),
        ADDRESSES,
        st.one_of(st.text(max_size=50), st.integers()),
        st.sampled_from([0, 3]),
    ),
    max_size=80,
)


def _opened(letter: Letter) -> list[object]:
    return [json.loads(body) for body in events(letter.content_type, letter.body)]


@given(MESSAGES)
def test_every_message_is_in_one_letter_to_its_address(messages: Sequence[Outgoing]) -> None:
    """And comes out as it went in; those to one address keep their order."""
    seen: list[int] = []
    for letter in letters(messages):
        sent = [messages[place] for place in letter.places]
        assert _opened(letter) == [json.loads(message.body) for message in sent]
        for message in sent:
            assert (message.exchange, message.routing_key, message.mandatory) == (
                letter.exchange,
                letter.routing_key,
                letter.mandatory,
            )
        assert list(letter.places) == sorted(letter.places)
        assert len(letter.places) <= 4
        assert all(message.together for message in sent) or len(sent) == 1
        seen += letter.places
    assert sorted(seen) == list(range(len(messages)))


@given(MESSAGES)
def test_sizes_take_a_bundle_apart_to_the_byte(messages: Sequence[Outgoing]) -> None:
    """What comes out is what went in, without having been read."""
    for letter in letters(messages):
        sent = [messages[place].body for place in letter.places]
        assert events(letter.content_type, letter.body, letter.sizes) == sent


@given(st.lists(st.integers(), min_size=2, max_size=5), st.one_of(st.text(max_size=12), st.none()))
def test_sizes_that_do_not_fit_are_not_believed(values: list[int], sizes: object) -> None:
    """A bundle with a wrong header is read as one without."""
    body = json.dumps([{"v": value} for value in values]).encode()
    whole = [{"v": value} for value in values]
    for claimed in (sizes, f"1,{len(body) - 4}", str(len(body) - 2)):
        found = events(BATCH_CONTENT_TYPE, body, claimed)
        assert [json.loads(each) for each in found] == whole


def test_one_message_is_sent_as_it_is() -> None:
    """To the byte, with the type of a single event."""
    (letter,) = letters([_out(("a", "x", True), b'{"a":  1}', together=15)])
    assert (letter.content_type, letter.body) == (CONTENT_TYPE, b'{"a":  1}')


def test_large_bodies_travel_alone() -> None:
    """A bundle stays below its limit, so a slow link is not held up by one write."""
    body = json.dumps({"v": "x" * (bundles.LARGEST // 2)}).encode()
    sent = list(letters([_out(("a", "x", True), body, together=15) for _ in range(3)]))
    assert [letter.places for letter in sent] == [(0,), (1,), (2,)]


def test_what_cannot_be_opened_is_handed_on_as_it_is() -> None:
    """Not JSON, not an array, empty, too large: whoever decodes it says what is wrong."""
    for body in (b"[{", b'{"a": 1}', b"[]", b"[" + b"1," * MAX_BYTES + b"1]"):
        assert events(BATCH_CONTENT_TYPE, body) == [body]
    assert events(CONTENT_TYPE, b"[1]") == [b"[1]"]
    assert events(None, b"[1]") == [b"[1]"]


def test_large_numbers_come_through_whole() -> None:
    """Another service's bundle is opened without loss."""
    body = b'[{"n":123456789012345678901234567890},{"n":"a\\u00e9"}]'
    assert [json.loads(event) for event in events(BATCH_CONTENT_TYPE, body)] == json.loads(body)
