"""What is held back for a moment: it leaves together, and each publisher has its own answer."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from followup_contracts.topology import EVENTS
from followup_messaging.port import Fate, Outgoing
from followup_messaging.rabbitmq.gathering import Gathering


def _out(*bodies: bytes) -> list[Outgoing]:
    return [Outgoing(uuid4(), EVENTS, "touch.sent.v1", each, patient=True) for each in bodies]


class _Line:
    """Notes what is published; what begins with `r` reaches no queue."""

    def __init__(self) -> None:
        self.published: list[list[bytes]] = []

    async def __call__(self, messages: Sequence[Outgoing]) -> Sequence[Fate]:
        self.published.append([message.body for message in messages])
        lost = [message.body.startswith(b"r") for message in messages]
        return [Fate.RETURNED if each else Fate.CONFIRMED for each in lost]


async def test_what_comes_together_leaves_together():
    """And every publisher hears what became of its own."""
    line = _Line()
    gathering = Gathering(line)
    answers = await asyncio.gather(
        gathering.publish(_out(b"a", b"r1")), gathering.publish(_out(b"r2")), gathering.publish([])
    )
    assert line.published == [[b"a", b"r1", b"r2"]]
    assert answers == [[Fate.CONFIRMED, Fate.RETURNED], [Fate.RETURNED], []]
    assert await gathering.publish(_out(b"b")) == [Fate.CONFIRMED]
    assert line.published[1:] == [[b"b"]]


async def test_who_gives_up_takes_nobody_along():
    """Its messages leave with the others: it may not know what became of them."""
    line = _Line()
    gathering = Gathering(line)
    first = asyncio.create_task(gathering.publish(_out(b"a")))
    second = asyncio.create_task(gathering.publish(_out(b"b")))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == [Fate.CONFIRMED]
    assert line.published == [[b"a", b"b"]]
    with pytest.raises(asyncio.CancelledError):
        await first
