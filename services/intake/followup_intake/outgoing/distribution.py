"""The loop between the outbox and the couriers: events are numbered and handed out."""

import asyncio

from followup_database import Database
from followup_intake.outgoing.deliveries import add_deliveries
from followup_intake.outgoing.log import number
from followup_messaging import feed
from followup_runtime.loops import Tick

MOST = 500
IDLE = 0.5


class Distribution:
    """Numbers what was fed, and adds a delivery for every endpoint that wants it.

    All in one transaction: each event exactly once. One process at a time does it; `wake`
    is set when there is something to deliver.
    """

    name = "intake:distribution"

    def __init__(self, database: Database, wake: asyncio.Event) -> None:
        self._database = database
        self._wake = wake

    async def run_once(self) -> Tick:
        """One batch."""
        async with self._database.transaction() as tx:
            taken = await feed.take(tx, most=MOST)
            if taken is None:
                return Tick(worked=0, again_in=IDLE)
            if await add_deliveries(tx, await number(tx, taken.events)):
                tx.after_commit(self._wake.set)
        return Tick(worked=len(taken.events), again_in=0.0 if taken.full else IDLE)
