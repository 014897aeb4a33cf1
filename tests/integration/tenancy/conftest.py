from collections.abc import AsyncIterator

import pytest
from full_house import Home, open_home

from followup_testkit.clocks import MovableClock


@pytest.fixture
async def home(database_url: str, clock: MovableClock) -> AsyncIterator[Home]:
    async with open_home(database_url, clock) as opened:
        yield opened
