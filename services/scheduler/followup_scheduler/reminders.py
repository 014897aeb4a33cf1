"""Reminding of tasks: what somebody wanted to be told of at a moment."""

from collections.abc import Sequence

from followup_database import Database, Transaction
from followup_messaging.outbox import Outbox
from followup_runtime.loops import Tick
from followup_scheduler.assigning import reminded
from followup_scheduler.store import tasks, timers
from followup_scheduler.touch import Timer

EVERY = 1.0
"""Seconds between two looks; a reminder is for people."""


class Reminders:
    """Announces tasks whose reminder is due; any number of schedulers may run it at once."""

    name = "scheduler:reminders"

    def __init__(self, database: Database, outbox: Outbox, *, most: int = 500) -> None:
        self._database = database
        self._outbox = outbox
        self._most = most

    async def run_once(self) -> Tick:
        """One batch, in one transaction."""
        async with self._database.transaction() as tx:
            due = await timers.due_reminders(tx, most=self._most)
            if due:
                await self._remind(tx, due)
        return Tick(len(due), 0.0 if len(due) == self._most else EVERY)

    async def _remind(self, tx: Transaction, due: Sequence[Timer]) -> None:
        """Who has done it meanwhile is not reminded of it."""
        ids = [timer.target for timer in due]
        rows = await tasks.remind(tx, ids)
        await self._outbox.add(
            tx, [reminded(self._outbox, tx, row["tenant_id"], row) for row in rows]
        )
        await timers.clear(tx, ids)
