"""When a running house has come to rest: nothing in it moves until a clock or a request does."""

import asyncio
from datetime import datetime

from followup_embedded.house import Embedded
from followup_scheduler.loops import idle, next_due

LONGEST_IDLE = 90.0
"""Machine seconds after which a house that never comes to rest is taken for broken."""
_POLL = 0.002


async def at_rest(house: Embedded) -> datetime | None:
    """Wait until nothing moves by itself; when the next timer is due, if any is armed.

    Exact: no message in memory, no transaction open, no timer due, no touch asked for,
    all at one instant, looked at after the database was. Raises `TimeoutError`.
    """
    async with asyncio.timeout(LONGEST_IDLE):
        while True:
            while not house.still:  # noqa: ASYNC110 - held in many places
                await asyncio.sleep(_POLL)
            async with house.databases.worker.transaction() as tx:
                due, quiet, now = await next_due(tx), await idle(tx), tx.now
            if quiet and (due is None or due > now) and house.still:
                return due
            if due is not None and due <= now:
                house.nudge()
            await asyncio.sleep(_POLL)
