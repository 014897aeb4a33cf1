"""The scheduler's loops: what is due, and what nobody answered."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Literal
from uuid import UUID

from followup_contracts.payload import LANES, Lane
from followup_database import Database, Transaction
from followup_runtime.loops import Tick
from followup_scheduler.consequences import tell
from followup_scheduler.core.model import Woken
from followup_scheduler.isolation import POSTPONED, is_ours, one_by_one
from followup_scheduler.runs import RunStore
from followup_scheduler.store import enrollments, timers, touches
from followup_scheduler.touch import Line, Timer, Touch
from followup_scheduler.windows import admit, in_turns, line_of, worthwhile

LONGEST_SLEEP = 0.1
"""Seconds; a timer set by somebody else is seen at the latest then."""
_BUSY_PAUSE = 0.05
"""Seconds until timers are looked at again whose targets somebody held."""

Work = Callable[[Transaction, Sequence[Timer]], Awaitable[int]]
"""Carries out locked timers; returns how many are done with."""


@dataclass(frozen=True, slots=True)
class _Round:
    """What became of one batch, and when the next timer of any kind is due."""

    worked: int
    due: Sequence[Timer]
    now: datetime
    following: datetime | None


class TimerLoop:
    """Carries out due timers: asks for touches, wakes enrollments.

    Any number of schedulers may run it at once: each takes what the others do not hold.
    """

    name = "scheduler:timers"

    def __init__(
        self,
        database: Database,
        runs: RunStore,
        *,
        window: int,
        most: int = 500,
    ) -> None:
        self._database = database
        self._runs = runs
        self._window = window
        self._most = most
        self._full: dict[Lane, set[Line]] = {lane: set() for lane in LANES}
        self._behind = False

    async def run_once(self) -> Tick:
        """One batch of touches and one of wakes, each in a transaction of its own.

        Two, because waking waits for touches that somebody holds, and asking for
        touches holds some: who did both at once could wait in a circle. A batch that
        fails is gone through timer by timer; the culprit is put off for five minutes.
        """
        async with self._database.transaction() as tx:
            following = await timers.next_due(tx)
            if following is None or following > tx.now:  # most often: one look is enough
                self._runs.figures.late(timedelta(0))
                return Tick(0, _sleep(tx.now, following, worked=0))
        asked = await self._round("touch", self._ask)
        woken = await self._round("wake", self._wake)
        due = [*asked.due, *woken.due]
        late = woken.now - min(timer.due_at for timer in due) if due else timedelta(0)
        self._runs.figures.late(late)
        worked = asked.worked + woken.worked
        return Tick(worked, _sleep(woken.now, woken.following, worked=worked))

    async def _round(self, kind: Literal["touch", "wake"], work: Work) -> _Round:
        due: list[Timer] = []
        try:
            async with self._database.transaction() as tx:
                due = await self._due(tx, kind)
                worked = await work(tx, due)
                return _Round(worked, due, tx.now, await timers.next_due(tx))
        except Exception as error:
            if not due or not is_ours(error):
                raise
        worked = await one_by_one(
            due,
            attempt=partial(self._alone, work),
            postpone=self._postpone,
            name=lambda timer: timer.target,
        )
        async with self._database.transaction() as tx:
            return _Round(worked, due, tx.now, await timers.next_due(tx))

    async def _due(self, tx: Transaction, kind: Literal["touch", "wake"]) -> list[Timer]:
        if kind == "wake":
            return await timers.due_wakes(tx, most=self._most)
        await self._look_at_full(tx)
        due = await timers.due_touches(tx, most=self._most, shared=self._behind, full=self._full)
        # More is due than one batch: from here on tenants share the next ones.
        self._behind = len(due) == self._most or any(self._full.values())
        return due

    async def _alone(self, work: Work, timer: Timer) -> int:
        async with self._database.transaction() as tx:
            return await work(tx, await timers.still_due(tx, timer.target))

    async def _postpone(self, timer: Timer) -> None:
        async with self._database.transaction() as tx:
            await timers.postpone(tx, timer.target, by=POSTPONED)
        self._runs.figures.left_out(self.name)

    async def _ask(self, tx: Transaction, due: Sequence[Timer]) -> int:
        """Ask for the touches of these timers, as far as their windows have room."""
        if not due:
            return 0
        free = {touch.id: touch for touch in await touches.lock_free(tx, [t.target for t in due])}
        held = await touches.existing(tx, [t.target for t in due if t.target not in free])
        planned = [
            free[t.target] for t in due if t.target in free and free[t.target].state == "planned"
        ]
        taken = await touches.outstanding(tx, {line_of(t) for t in planned}, most=self._window)
        admitted, waiting = admit(planned, taken, window=self._window)
        later = {touch.id for touch in waiting}
        done = [t.target for t in due if t.target not in later and t.target not in held]
        await timers.clear(tx, done)
        for touch in waiting:
            self._full[touch.lane].add(line_of(touch))
        await self._command(tx, in_turns(admitted))
        return len(done)

    async def _look_at_full(self, tx: Transaction) -> None:
        """Forget lines whose window was full and has emptied by an eighth.

        The timers of the others stay where they are: looking at five hundred for the few
        that just found room would cost more than sending them.
        """
        lines = set().union(*self._full.values())
        if lines:
            taken = await touches.outstanding(tx, lines, most=self._window)
            for lane, full in self._full.items():
                limit = worthwhile(self._window, lane)
                self._full[lane] = {line for line in full if taken.get(line, 0) > limit}

    async def _command(self, tx: Transaction, admitted: Sequence[Touch]) -> None:
        if not admitted:
            return
        for touch in admitted:
            touch.round += 1
            touch.note(tx.now, "asked for", round=touch.round)
        await touches.command(tx, admitted)
        self._runs.command(tx, admitted)

    async def _wake(self, tx: Transaction, due: Sequence[Timer]) -> int:
        """Wake the enrollments of these timers; what somebody holds is left for later."""
        if not due:
            return 0
        runs = await self._runs.load(tx, [t.target for t in due], skip_locked=True)
        held = await enrollments.existing(tx, [t.target for t in due if t.target not in runs])
        done = [t for t in due if t.target not in held]
        await timers.clear(tx, [t.target for t in done])
        for timer in done:
            if timer.target in runs:
                stimulus = Woken(timer.reason or "", timer.due_at)
                tell(runs[timer.target], stimulus, now=tx.now)
        await self._runs.save(tx, runs.values())
        return len(done)


class Reconciler:
    """Asks again for touches whose commands nobody answered, each time with a new round."""

    name = "scheduler:reconciler"

    def __init__(
        self,
        database: Database,
        runs: RunStore,
        *,
        after: timedelta = timedelta(seconds=60),
        most: int = 100,
    ) -> None:
        self._database = database
        self._runs = runs
        self._after = after
        self._most = most

    async def run_once(self) -> Tick:
        """One batch, in one transaction; lateness is by machine time.

        If it fails, each touch on its own; the culprit is put off for five minutes.
        """
        rounds: list[tuple[UUID, int]] = []
        try:
            async with self._database.transaction() as tx:
                late = await touches.late(tx, after=self._after, most=self._most)
                rounds = [(touch.id, touch.round) for touch in late]
                asked = await self._ask(tx, late)
        except Exception as error:
            if not rounds or not is_ours(error):
                raise
            asked = await one_by_one(
                rounds, attempt=self._alone, postpone=self._postpone, name=itemgetter(0)
            )
        self._runs.figures.asked_again(asked)
        return Tick(asked, 0.0 if len(rounds) == self._most else 1.0)

    async def _ask(self, tx: Transaction, late: Sequence[Touch]) -> int:
        for touch in late:
            touch.round += 1
            touch.note(tx.now, "asked for again: no answer", round=touch.round)
        if late:
            await touches.command(tx, late)
            self._runs.command(tx, late)
        return len(late)

    async def _alone(self, known: tuple[UUID, int]) -> int:
        id_, round_ = known
        async with self._database.transaction() as tx:
            free = await touches.lock_free(tx, [id_])
            # Answered meanwhile, or asked for by another scheduler: nothing to do.
            still = [t for t in free if t.state == "commanded" and t.round == round_]
            return await self._ask(tx, still)

    async def _postpone(self, known: tuple[UUID, int]) -> None:
        async with self._database.transaction() as tx:
            await touches.postpone(tx, known[0], after=self._after, by=POSTPONED)
        self._runs.figures.left_out(self.name)


async def next_due(tx: Transaction) -> datetime | None:
    """The earliest moment anything is due, or None when nothing waits."""
    moments = (await timers.next_due(tx), await timers.next_of_people(tx))
    return min((moment for moment in moments if moment is not None), default=None)


async def idle(tx: Transaction) -> bool:
    """Whether no command waits for the dispatcher's answer."""
    return await touches.none_commanded(tx)


def _sleep(now: datetime, following: datetime | None, *, worked: int) -> float:
    if following is None or following > now:
        left = LONGEST_SLEEP if following is None else (following - now).total_seconds()
        return min(left, LONGEST_SLEEP)
    return 0.0 if worked else _BUSY_PAUSE
