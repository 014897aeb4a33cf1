from collections.abc import AsyncIterator

import pytest
from dispatching import Dispatching, Ticking, dispatcher_on

from followup_testkit.clocks import MovableClock


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


@pytest.fixture
async def dispatching(
    database_url: str, clock: MovableClock, ticking: Ticking
) -> AsyncIterator[Dispatching]:
    async with dispatcher_on(database_url, clock, ticking) as dispatching:
        yield dispatching
