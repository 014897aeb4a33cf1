"""The topology on the broker. Declaring what is there already changes nothing.

Every argument is valid, and means the same, from RabbitMQ 3.10 to 4.x.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import aio_pika
from aiormq.abc import AbstractChannel

from followup_contracts.topology import EXCHANGES, QUEUES, Queue

DEAD = "followup.dead"
"""Where the broker puts what a consumer refused: no exchange of its own, no reader."""

# 4.0 would give up after 20 deliveries where 3.10 never does. Ours decide themselves
# what is dead; a consumer that is killed over and over must not lose a message.
_DELIVERY_LIMIT = 1_000_000
_DEAD_MOST = 100_000


async def declare_topology(channel: AbstractChannel, queues: Sequence[Queue] = QUEUES) -> None:
    """Declare exchanges, queues and bindings, all of them."""
    for exchange in EXCHANGES:
        await channel.exchange_declare(exchange=exchange, exchange_type="topic", durable=True)
    await channel.queue_declare(
        queue=DEAD, durable=True, arguments={**_QUORUM, "x-max-length": _DEAD_MOST}
    )
    for queue in queues:
        await declare_queue(channel, queue)


async def declare_queue(channel: AbstractChannel, queue: Queue) -> None:
    """Declare one queue and bind it."""
    await channel.queue_declare(queue=queue.name, durable=True, arguments=_arguments(queue))
    for key in queue.bindings:
        await channel.queue_bind(queue=queue.name, exchange=queue.exchange, routing_key=key)


async def depth_of(channel: AbstractChannel, queue: str) -> int:
    """How many messages are ready in a queue; fails, and closes the channel, if it is missing."""
    answer = await channel.queue_declare(queue=queue, passive=True)
    return answer.message_count or 0


async def delete_topology(url: str, queues: Sequence[Queue] = QUEUES) -> None:
    """Delete everything of ours at this address, messages included."""
    connection = await aio_pika.connect(url)
    try:
        channel = await (await connection.channel()).get_underlay_channel()
        names = [DEAD, *(queue.name for queue in queues)]
        await asyncio.gather(*(channel.queue_delete(queue=name) for name in names))
        for exchange in EXCHANGES:
            await channel.exchange_delete(exchange=exchange)
    finally:
        await connection.close()


_QUORUM: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": _DELIVERY_LIMIT}


def _arguments(queue: Queue) -> dict[str, Any]:
    if queue.ttl_ms is not None:
        # Nobody wants an old command back, so no dead-lettering either.
        return {**_QUORUM, "x-message-ttl": queue.ttl_ms}
    return {**_QUORUM, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
