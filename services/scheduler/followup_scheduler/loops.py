"""The scheduler's loops: what is due, and what nobody answered."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from followup_database import Database, Transaction
from followup_runtime.loops import Tick
from followup_scheduler.consequences import tell
from followup_scheduler.core.model import Woken
from followup_scheduler.runs import RunStore
from followup_scheduler.store import enrollments, timers, touches
from followup_scheduler.touch import Line, Timer, Touch
from followup_scheduler.windows import admit, line_of

LONGEST_SLEEP = 0.1
"""Seconds; a timer set by somebody else is seen at the latest then."""
_BUSY_PAUSE = 0.02
"""Seconds until timers are looked at again whose targets somebody held."""
_FULL_PAUSE = 0.1
"""Seconds a line whose window was full is left alone; its timers stay where they are."""


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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._runs = runs
        self._window = window
        self._most = most
        self._monotonic = monotonic
        self._full: dict[Line, float] = {}

    async def run_once(self) -> Tick:
        """One batch of touches and one of wakes, each in a transaction of its own.

        Two, because waking waits for touches that somebody holds, and asking for
        touches holds some: who did both at once could wait in a circle.
        """
        async with self._database.transaction() as tx:
            due = await timers.due(tx, "touch", most=self._most, full=self._full_lines())
            worked = await self._ask(tx, due)
        async with self._database.transaction() as tx:
            due += (wakes := await timers.due(tx, "wake", most=self._most))
            worked += await self._wake(tx, wakes)
            following = await timers.next_due(tx)
            now = tx.now
        late = now - min(timer.due_at for timer in due) if due else timedelta(0)
        self._runs.figures.late(late)
        return Tick(worked, _sleep(now, following, worked=worked))

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
        self._full |= {line_of(t): self._monotonic() + _FULL_PAUSE for t in waiting}
        await self._command(tx, admitted)
        return len(done)

    def _full_lines(self) -> list[Line]:
        now = self._monotonic()
        self._full = {line: until for line, until in self._full.items() if until > now}
        return list(self._full)

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
        """One batch, in one transaction; lateness is by machine time."""
        async with self._database.transaction() as tx:
            late = await touches.late(tx, after=self._after, most=self._most)
            for touch in late:
                touch.round += 1
                touch.note(tx.now, "asked for again: no answer", round=touch.round)
            if late:
                await touches.command(tx, late)
                self._runs.command(tx, late)
        self._runs.figures.asked_again(len(late))
        return Tick(len(late), 0.0 if len(late) == self._most else 1.0)


async def next_due(tx: Transaction) -> datetime | None:
    """The earliest moment anything is due, or None when nothing waits."""
    return await timers.next_due(tx)


async def idle(tx: Transaction) -> bool:
    """Whether no command waits for the dispatcher's answer."""
    return await touches.none_commanded(tx)


def _sleep(now: datetime, following: datetime | None, *, worked: int) -> float:
    if following is None or following > now:
        left = LONGEST_SLEEP if following is None else (following - now).total_seconds()
        return min(left, LONGEST_SLEEP)
    return 0.0 if worked else _BUSY_PAUSE
