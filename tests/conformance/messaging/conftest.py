from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from followup_contracts.topology import QUEUES
from followup_messaging.inprocess import InProcessBus
from followup_messaging.port import Bus
from followup_messaging.rabbitmq import RabbitBus


@pytest.fixture
async def any_bus_with_short_commands(bus_address: str | None) -> AsyncIterator[Bus]:
    """Either adapter, its command queues with a limit of 0.3 s."""
    queues = [replace(queue, ttl_ms=300) if queue.ttl_ms else queue for queue in QUEUES]
    bus: Bus = (
        InProcessBus(queues=queues)
        if bus_address is None
        else RabbitBus(bus_address, queues=queues)
    )
    await bus.connect()
    yield bus
    await bus.close()
