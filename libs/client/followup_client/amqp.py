"""Publishing leads over RabbitMQ.

A publish returns when the broker has confirmed that a queue holds the message. The lead is
Followup's when intake has committed it, which `leads.named` tells; `Courier` sees to both.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self
from uuid import UUID

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange
from aio_pika.exceptions import AMQPError
from uuid_utils.compat import uuid7

from followup_client.errors import NotConfirmed
from followup_client.leads import LeadEvent, NewLead
from followup_client.letters import Letter, Sender, event_letter, lead_letter
from followup_client.retrying import Patience
from followup_contracts.envelope import CONTENT_TYPE
from followup_contracts.payload import Lane
from followup_contracts.topology import INGRESS

# RuntimeError: a channel or transport that is closing. StopAsyncIteration: a peer that hung
# up before its first frame.
_FAILURES = (
    AMQPError,
    OSError,
    TimeoutError,
    asyncio.InvalidStateError,
    RuntimeError,
    StopAsyncIteration,
)


class Delivery(Protocol):
    """What letters are handed to."""

    async def deliver(self, letter: Letter) -> None:
        """Publish once; raises `NotConfirmed`."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class Line:
    """A connection to the broker, made when it is needed and made anew when it is lost."""

    def __init__(self, url: str, *, seconds: float = 10.0) -> None:
        self._url = url
        self._seconds = seconds
        self._opening = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None

    async def deliver(self, letter: Letter) -> None:
        """Publish once; returns when the broker has confirmed that a queue holds it."""
        message = aio_pika.Message(
            letter.body,
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=str(letter.id),
        )
        try:
            async with asyncio.timeout(self._seconds):
                exchange = await self._open()
                await exchange.publish(message, letter.routing_key, mandatory=True)
        except _FAILURES as error:
            await self.close()
            raise NotConfirmed(letter.id, f"{type(error).__name__}") from error

    async def close(self) -> None:
        """Let the connection go; the next letter makes another."""
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            try:
                async with asyncio.timeout(self._seconds):
                    await connection.close()
            except _FAILURES:
                return  # it was lost already

    async def _open(self) -> AbstractExchange:
        async with self._opening:
            if self._exchange is None:
                self._connection = await aio_pika.connect(self._url)
                channel = await self._connection.channel(
                    publisher_confirms=True, on_return_raises=True
                )
                # Followup's services declare it; one that is not there refuses the message.
                self._exchange = await channel.get_exchange(INGRESS, ensure=False)
            return self._exchange


class LeadPublisher:
    """Publishes leads and events of one tenant; what fails is tried again with the same id.

    It goes over a `Line` of its own to `url`, or over the one it is given.
    """

    def __init__(
        self,
        url: str,
        *,
        sender: Sender,
        patience: Patience | None = None,
        line: Delivery | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._line: Delivery = line or Line(url)
        self._sender = sender
        self._patience = patience or Patience()
        self._pause = pause

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._line.close()

    def lead(self, lead: NewLead, *, lane: Lane = "now", letter_id: UUID | None = None) -> Letter:
        """A letter with this lead."""
        now = datetime.now(UTC)
        return lead_letter(
            lead, sender=self._sender, letter_id=letter_id or uuid7(), now=now, lane=lane
        )

    def event(self, external_id: str, event: LeadEvent, *, letter_id: UUID | None = None) -> Letter:
        """A letter with something that happened to the lead of this `external_id`."""
        now = datetime.now(UTC)
        return event_letter(
            external_id, event, sender=self._sender, letter_id=letter_id or uuid7(), now=now
        )

    async def publish(self, letter: Letter) -> None:
        """Publish a letter until the broker confirms it, or raise `NotConfirmed`.

        Then it may be there or not: publish the same letter again, it counts once.
        """
        clock = asyncio.get_running_loop().time
        ends, tries = clock() + self._patience.within, 0
        while True:
            try:
                return await self._line.deliver(letter)
            except NotConfirmed:
                tries += 1
                pause = self._patience.before(tries)
                if tries >= self._patience.tries or clock() + pause > ends:
                    raise
                await self._pause(pause)
