from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dispatching import Dispatching, Ticking, dispatcher_on
from fleet import Fleet

from followup_messaging.rabbitmq import delete_topology
from followup_testkit.brokers import OwnBroker
from followup_testkit.clocks import MovableClock
from followup_testkit.twilio import StubProvider


@pytest.fixture
async def stub() -> AsyncIterator[StubProvider]:
    async with StubProvider() as stub:
        yield stub


@pytest.fixture
async def fleet(
    database_url: str, own_rabbit: OwnBroker, stub: StubProvider, tmp_path: Path
) -> AsyncIterator[Fleet]:
    """No process yet; the broker is one that may be wiped."""
    await delete_topology(own_rabbit.url)
    fleet = Fleet(database_url, own_rabbit.url, tmp_path, stub)
    await fleet.prepare()
    yield fleet
    await fleet.stop()


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


@pytest.fixture
async def dispatching(
    database_url: str, clock: MovableClock, ticking: Ticking
) -> AsyncIterator[Dispatching]:
    async with dispatcher_on(database_url, clock, ticking) as dispatching:
        yield dispatching
