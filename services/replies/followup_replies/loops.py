"""The loops of replies: parked callbacks, old strangers, and the age of holds."""

from datetime import timedelta

from followup_database import Database
from followup_replies.figures import Figures
from followup_replies.reports import ReportDesk
from followup_replies.store import callbacks, messages, spent
from followup_runtime.loops import Tick
from followup_suppression import HELD_LONG, holds_standing

PARKED_FOR = timedelta(days=14)
"""A callback without a touch after so long is about nothing of ours."""
STRANGERS_FOR = timedelta(days=30)
"""How long the words of people nobody knows are kept."""

HOLDS_COUNTED = 10_000
"""Holds are counted no further."""


class ParkedSweep:
    """Applies parked callbacks that missed their touch by a moment; drops what is too old."""

    name = "replies:parked"

    def __init__(
        self,
        database: Database,
        reports: ReportDesk,
        figures: Figures,
        *,
        most: int = 200,
        every: float = 5.0,
    ) -> None:
        self._database = database
        self._reports = reports
        self._figures = figures
        self._most = most
        self._every = every

    async def run_once(self) -> Tick:
        """One batch, in one transaction."""
        async with self._database.transaction() as tx:
            waiting = await callbacks.parked(tx, most=self._most)
            await self._reports.unpark(tx, waiting)
            await callbacks.expire(tx, after=PARKED_FOR)
            await spent.expire(tx)
            await messages.forget_strangers(tx, after=STRANGERS_FOR)
            self._figures.parked(await callbacks.count_parked(tx))
        return Tick(len(waiting), 0.0 if len(waiting) == self._most else self._every)


class HoldWatch:
    """Measures how long replies wait for a decision."""

    name = "replies:holds"

    def __init__(self, database: Database, figures: Figures, *, every: float = 5.0) -> None:
        self._database = database
        self._figures = figures
        self._every = every

    async def run_once(self) -> Tick:
        """One look."""
        async with self._database.transaction() as tx:
            self._figures.holds(await holds_standing(tx, late=HELD_LONG, most=HOLDS_COUNTED))
        return Tick(0, self._every)
