"""Touches whose approval was not given in time."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from followup_database import Database, Transaction
from followup_runtime.loops import Tick
from followup_scheduler.isolation import POSTPONED, is_ours, one_by_one
from followup_scheduler.reviewing import Reviewing
from followup_scheduler.runs import RunStore
from followup_scheduler.store import enrollments, timers, touches

EVERY = 1.0


class Lapses:
    """Has what nobody approved skipped, or sent as it is; any number may run it at once."""

    name = "scheduler:lapses"

    def __init__(self, database: Database, runs: RunStore, *, most: int = 200) -> None:
        self._database = database
        self._runs = runs
        self._reviewing = Reviewing(runs)
        self._most = most

    async def run_once(self) -> Tick:
        """One batch; if it fails, each alone, the culprit put off for five minutes."""
        due: list[UUID] = []
        try:
            async with self._database.transaction() as tx:
                due = [timer.target for timer in await timers.due_lapses(tx, most=self._most)]
                done = 0 if not due else await self._lapse(tx, due)
        except Exception as error:
            if not due or not is_ours(error):
                raise
            done = await one_by_one(
                due, attempt=self._alone, postpone=self._postpone, name=partial(_itself)
            )
        return Tick(done, 0.0 if len(due) == self._most else EVERY)

    async def _lapse(self, tx: Transaction, due: Sequence[UUID]) -> int:
        """What somebody works on is left for the next round: with timers in hand nobody waits."""
        places = await touches.runs_of(tx, due)
        runs = await self._runs.load(tx, set(places.values()), skip_locked=True)
        held = await enrollments.existing(tx, set(places.values()) - runs.keys())
        free = [touch_id for touch_id in due if places.get(touch_id) not in held]
        await timers.clear(tx, free)
        return await self._reviewing.lapse(tx, {id_: places.get(id_) for id_ in free}, runs)

    async def _alone(self, touch_id: UUID) -> int:
        async with self._database.transaction() as tx:
            still = await timers.still_due(tx, touch_id)
            return await self._lapse(tx, [timer.target for timer in still]) if still else 0

    async def _postpone(self, touch_id: UUID) -> None:
        async with self._database.transaction() as tx:
            await timers.postpone(tx, touch_id, by=POSTPONED)
        self._runs.figures.left_out(self.name)


def _itself(touch_id: UUID) -> UUID:
    return touch_id
