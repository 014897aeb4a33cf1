"""What people do with their tasks: open, close, put off, hand on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from followup_database import Transaction
from followup_messaging.outbox import Outbox
from followup_scheduler.assigning import closed, reminder
from followup_scheduler.consequences import tell
from followup_scheduler.core.model import ENDED_STATES, Ordered, TaskSettled
from followup_scheduler.facts import ids_of
from followup_scheduler.runs import Run, RunStore
from followup_scheduler.store import enrollments, tasks, timers
from followup_scheduler.undecided import KIND, let_go_by_hand

Then = Literal["resume", "halt"]


@dataclass(frozen=True, slots=True)
class Closed:
    """A task that is closed. `cut`: its run was cut, so the answer waits for the fence."""

    task: dict[str, Any]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class NoTask:
    """There is no such task of this tenant."""


@dataclass(frozen=True, slots=True)
class NotOpen:
    """It was closed before, so it stays where it is."""

    task: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WrongOutcome:
    """The task names its outcomes, and this is none of them."""

    allowed: tuple[str, ...]


class TaskBook:
    """Works on tasks in the caller's transaction; their runs are told."""

    def __init__(self, runs: RunStore, outbox: Outbox) -> None:
        self._runs = runs
        self._outbox = outbox

    async def complete(
        self,
        tx: Transaction,
        tenant_id: UUID,
        task_id: UUID,
        *,
        outcome: str,
        note: str | None = None,
        then: Then | None = None,
    ) -> Closed | NoTask | WrongOutcome:
        """Close a task, have its run decide on the outcome, and then resume or halt it.

        Closing it again changes nothing, whatever the outcome. The run is locked first,
        as everywhere. One that stands for an undecided word decides on it: every run of its
        person pauses, or does what `then` says, and the hold goes.
        """
        known = await tasks.read(tx, tenant_id, task_id)
        if known is None:
            return NoTask()
        allowed = tuple(known["outcomes"])
        if known["state"] == "open" and allowed and outcome not in allowed:
            return WrongOutcome(allowed)
        undecided = await self._undecided(tx, known)
        run = await self._run_of(tx, known)
        row = await tasks.complete(tx, tenant_id, task_id, outcome=outcome, note=note)
        if row is None:
            return Closed(known)
        await timers.clear(tx, [task_id])
        await self._outbox.add(tx, [closed(self._outbox, tx, tenant_id, row)])
        steered = [*undecided, *([] if run is None else [run])]
        for each in undecided:
            tell(each, Ordered(then or "pause", outcome, tx.now), now=tx.now)
        if run is not None:
            _steer(run, row, then=then, now=tx.now)
        if steered:
            await self._runs.save(tx, steered)
        return Closed(row, cut=any(each.raised for each in steered))

    async def _run_of(self, tx: Transaction, task: dict[str, Any]) -> Run | None:
        run_id: UUID | None = task["enrollment_id"]
        return None if run_id is None else (await self._runs.load(tx, [run_id])).get(run_id)

    async def _undecided(self, tx: Transaction, task: dict[str, Any]) -> Sequence[Run]:
        """The live runs of the person whose undecided word a task stands for; its hold goes.

        Runs are locked before holds, holds before tasks, as by whoever decides on a word.
        """
        if task["kind"] != KIND:
            return ()
        names = (await ids_of(tx, [task["person_id"]]))[task["person_id"]]
        live = await enrollments.live_of_persons(tx, names)
        runs = await self._runs.load(tx, [enrollment_id for enrollment_id, _ in live])
        held = await let_go_by_hand(tx, names, task["id"])
        return [*runs.values()] if held else ()

    async def snooze(
        self,
        tx: Transaction,
        tenant_id: UUID,
        task_id: UUID,
        *,
        until: datetime,
        remind_at: datetime | None,
    ) -> dict[str, Any] | NoTask | NotOpen:
        """Have an open task be due later, with a reminder of its own or none."""
        row = await tasks.snooze(tx, tenant_id, task_id, until=until, remind_at=remind_at)
        if row is None:
            return await self._why_not(tx, tenant_id, task_id)
        if remind_at is None:
            await timers.clear(tx, [task_id])
        else:
            await timers.set_(tx, [reminder(task_id, tenant_id, remind_at)])
        return row

    async def assign(
        self, tx: Transaction, tenant_id: UUID, task_id: UUID, assignee: str | None
    ) -> dict[str, Any] | NoTask | NotOpen:
        """Give an open task to somebody, or to nobody in particular."""
        row = await tasks.assign(tx, tenant_id, task_id, assignee=assignee)
        return row if row is not None else await self._why_not(tx, tenant_id, task_id)

    async def _why_not(self, tx: Transaction, tenant_id: UUID, task_id: UUID) -> NoTask | NotOpen:
        known = await tasks.read(tx, tenant_id, task_id)
        return NoTask() if known is None else NotOpen(known)


def _steer(run: Run, task: dict[str, Any], *, then: Then | None, now: datetime) -> None:
    """What a closed task does to its run. A halt or resume on top is the person's own word."""
    settled = TaskSettled(task["kind"], task["outcome"], now, task["step"], task["occurrence"])
    tell(run, settled, now=now)
    if then is not None and run.enrollment.state not in ENDED_STATES:
        tell(run, Ordered(then, task["outcome"], now), now=now)
