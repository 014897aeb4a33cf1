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


@dataclass(frozen=True, slots=True)
class Letter:
    """What is put on the wire: messages `places` of the batch that is published."""

    exchange: str
    routing_key: str
    mandatory: bool
    content_type: str
    body: bytes
    places: tuple[int, ...]


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
    )


def events(content_type: str | None, body: bytes) -> list[bytes]:
    """The events of a message as it arrived, one body each; never empty.

    What is no bundle, or none that can be read, is handed on as it is: whoever decodes it
    says what is wrong with it.
    """
    if content_type != BATCH_CONTENT_TYPE or len(body) > MAX_BYTES:
        return [body]
    try:
        found = from_json(body)
    except ValueError:
        return [body]
    if not isinstance(found, list) or not found:
        return [body]
    return [to_json(event) for event in found]
