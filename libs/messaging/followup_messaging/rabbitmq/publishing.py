"""Publishing a batch as a whole: few writes to the socket, one wait for its confirmations.

The client library publishes message by message, each with a task, a lock and a write of
its own. Used of it here are the channel's sequence of delivery tags, its table of
confirmations and its queue of frames to write.
"""

import asyncio
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from uuid import uuid4

from aiormq.abc import ChannelFrame, DeliveredMessage
from aiormq.channel import Channel
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from followup_messaging.port import Fate, Outgoing
from followup_messaging.rabbitmq.bundles import SIZES, Letter, letters
from followup_messaging.rabbitmq.failures import LINK_FAILURES

WRITE_MOST = 256 * 1024
"""Bytes of bodies in one write, so that a batch of large messages is not copied at once."""
_PERSISTENT = 2


class Publisher:
    """Publishes on one channel with confirms, which must not raise on returned messages."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        # The broker answers a message that reached no queue by its name, not by its tag.
        self._tags: dict[str, int] = channel.message_id_delivery_tag
        self._run = uuid4().hex
        self._waiting: set[asyncio.Future[Any]] = set()
        channel.closing.add_done_callback(self._give_up)

    @property
    def is_open(self) -> bool:
        """Whether the channel stands."""
        return not self._channel.is_closed

    async def publish(self, messages: Sequence[Outgoing]) -> list[Fate]:
        """Publish all and wait for the broker's word on each.

        With the channel lost, whatever has not been answered is `Fate.FAILED`.
        """
        fates = [Fate.FAILED] * len(messages)
        post = list(letters(messages))
        named: dict[str, asyncio.Future[Any]] = {}
        try:
            for part in _parts(post):
                await self._write(part, named)
            if not self.is_open:
                self._give_up(None)  # it closed before these were being waited for
            answers = await asyncio.gather(*named.values(), return_exceptions=True)
        except LINK_FAILURES:
            return fates
        finally:
            self._waiting.difference_update(named.values())
            for name in named:
                self._tags.pop(name, None)
        for letter, answer in zip(post, answers, strict=True):
            for place in letter.places:
                fates[place] = _fate(answer)
        return fates

    async def _write(self, part: Sequence[Letter], named: dict[str, Any]) -> None:
        """Number the letters and queue them for the socket, all or none."""
        channel, loop = self._channel, asyncio.get_running_loop()
        payload = bytearray()
        async with channel.lock:
            first = channel.delivery_tag + 1
            names = {f"{self._run}/{first + n}": first + n for n in range(len(part))}
            for name, letter in zip(names, part, strict=True):
                _marshal(payload, channel, letter, name=name)
            confirmations = {tag: loop.create_future() for tag in names.values()}
            # From here to the end of the write nothing may come between.
            channel.delivery_tag += len(part)
            channel.confirmations.update(confirmations)
            self._tags.update(names)
            try:
                await channel.write_queue.put(ChannelFrame(bytes(payload), should_close=False))
            except BaseException:
                # The broker has seen none of them, and counts by what it sees.
                channel.delivery_tag = first - 1
                for name, tag in names.items():
                    del channel.confirmations[tag], self._tags[name]
                raise
        self._waiting.update(confirmations.values())
        named.update(zip(names, confirmations.values(), strict=True))

    def _give_up(self, _: object) -> None:
        for confirmation in self._waiting:
            confirmation.cancel()


def _fate(answer: object) -> Fate:
    if isinstance(answer, BaseException):
        return Fate.FAILED  # the link went, or the broker said no: a queue could not take it
    return Fate.RETURNED if isinstance(answer, DeliveredMessage) else Fate.CONFIRMED


def _parts(post: Sequence[Letter]) -> Iterator[list[Letter]]:
    part: list[Letter] = []
    size = 0
    for letter in post:
        if part and size + len(letter.body) > WRITE_MOST:
            yield part
            part, size = [], 0
        part.append(letter)
        size += len(letter.body)
    if part:
        yield part


def _marshal(into: bytearray, channel: Channel, letter: Letter, *, name: str) -> None:
    """Append a letter's frames: the method, the header, the body in as many as it needs."""
    into += _method(channel.number, letter.exchange, letter.routing_key, letter.mandatory)
    properties = Basic.Properties(
        content_type=letter.content_type,
        delivery_mode=_PERSISTENT,
        message_id=name,
        headers={SIZES: letter.sizes} if letter.sizes else None,
    )
    header = ContentHeader(body_size=len(letter.body), properties=properties)
    into += frame.marshal(header, channel.number)
    for start in range(0, len(letter.body), channel.max_content_size):
        body = ContentBody(letter.body[start : start + channel.max_content_size])
        into += frame.marshal(body, channel.number)


@lru_cache(maxsize=1024)
def _method(channel: int, exchange: str, routing_key: str, mandatory: bool) -> bytes:  # noqa: FBT001 - a key of the cache
    publish = Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory)
    return frame.marshal(publish, channel)
