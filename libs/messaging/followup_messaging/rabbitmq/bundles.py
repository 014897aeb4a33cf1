"""Several events in one message of the broker: CloudEvents' JSON batch format.

A broker's work and a client's is by the message, whatever is in it. So what is published
together to one address travels together, and is taken apart before anybody sees it. Each
event keeps its id, and with it its place in the inbox.

Source: CloudEvents 1.0, JSON Event Format, section 4 (JSON Batch Format).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic_core import from_json, to_json

from followup_contracts.envelope import BATCH_CONTENT_TYPE, CONTENT_TYPE, MAX_BYTES
from followup_messaging.port import Outgoing

LARGEST = 64 * 1024
"""Bytes of bodies in a bundle; a body as large as that travels alone."""
SIZES = "followup-sizes"
"""The header in which a bundle of ours says how many bytes each of its events has, so that
it need not be read to be taken apart. One without it is read."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is put on the wire: messages `places` of the batch that is published."""

    exchange: str
    routing_key: str
    mandatory: bool
    content_type: str
    body: bytes
    places: tuple[int, ...]
    sizes: str | None = None
    """How many bytes each event has, where there are several."""


def letters(messages: Sequence[Outgoing]) -> Iterator[Letter]:
    """The messages as few letters, those to one address in their order."""
    gathered: dict[tuple[str, str, bool], list[int]] = {}
    for place, message in enumerate(messages):
        if not message.together:
            yield _letter(messages, [place])
            continue
        address = (message.exchange, message.routing_key, message.mandatory)
        held = gathered.setdefault(address, [])
        size = sum(len(messages[each].body) for each in (*held, place))
        if held and (len(held) > message.together or size > LARGEST):
            yield _letter(messages, held)
            held = gathered[address] = []
        held.append(place)
    for held in gathered.values():
        yield _letter(messages, held)


def _letter(messages: Sequence[Outgoing], places: Sequence[int]) -> Letter:
    first = messages[places[0]]
    alone = len(places) == 1
    bodies = [messages[place].body for place in places]
    return Letter(
        exchange=first.exchange,
        routing_key=first.routing_key,
        mandatory=first.mandatory,
        content_type=CONTENT_TYPE if alone else BATCH_CONTENT_TYPE,
        body=bodies[0] if alone else b"[" + b",".join(bodies) + b"]",
        places=tuple(places),
        sizes=None if alone else ",".join(str(len(body)) for body in bodies),
    )


def events(content_type: str | None, body: bytes, sizes: object = None) -> list[bytes]:
    """The events of a message as it arrived, one body each; never empty.

    `sizes` is its header of that name.

    What is no bundle, or none that can be read, is handed on as it is: whoever decodes it
    says what is wrong with it.
    """
    if content_type != BATCH_CONTENT_TYPE or len(body) > MAX_BYTES:
        return [body]
    if isinstance(sizes, str) and (cut := _cut(body, sizes)):
        return cut
    try:
        found = from_json(body)
    except ValueError:
        return [body]
    if not isinstance(found, list) or not found:
        return [body]
    return [to_json(event) for event in found]


def _cut(body: bytes, sizes: str) -> list[bytes]:
    """The events by their sizes; none where these do not fit the body."""
    try:
        lengths = [int(size) for size in sizes.split(",")]
    except ValueError:
        return []
    if min(lengths) < 1 or sum(lengths) + len(lengths) + 1 != len(body):
        return []
    found, marks, start = [], bytearray(body[:1]), 1
    for length in lengths:
        end = start + length
        found.append(body[start:end])
        marks += body[end : end + 1]
        start = end + 1
    fits = marks == b"[" + b"," * (len(lengths) - 1) + b"]"
    return found if fits and len(found) > 1 else []  # one alone is no bundle
