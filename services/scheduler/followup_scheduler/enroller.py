"""Entering leads into sequences, with their first touches on their way at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from followup_contracts.payload import Lane
from followup_database import Transaction, new_id
from followup_scheduler.consequences import tell
from followup_scheduler.core.model import Enrollment, Started
from followup_scheduler.runs import Run, RunStore
from followup_scheduler.store import enrollments, touches
from followup_scheduler.touch import Touch
from followup_scheduler.windows import admit, line_of


@dataclass(frozen=True, slots=True)
class Entrance:
    """A lead that is to enter a sequence. `anchor` is what the sequence counts from."""

    tenant_id: UUID
    lead_id: UUID
    person_id: UUID
    sequence: str
    lane: Lane
    anchor: datetime
    came_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of entrances: new runs, and those whose sequence nobody knows.

    An entrance in neither was a lead that is in the sequence already.
    """

    runs: tuple[Run, ...]
    unknown: tuple[Entrance, ...]


class Enroller:
    """Enrolls in batches; a lead enters a sequence once, however often it is asked."""

    def __init__(self, runs: RunStore, *, window: int) -> None:
        self._runs = runs
        self._window = window

    async def enroll(self, tx: Transaction, entrances: Sequence[Entrance]) -> Entered:
        """Enroll all, plan their first touches, and ask for those that are due now."""
        versions = await self._runs.book.current(
            tx, {(entrance.tenant_id, entrance.sequence) for entrance in entrances}
        )
        new = [
            _enrollment(entrance, version=versions[entrance.tenant_id, entrance.sequence])
            for entrance in entrances
            if (entrance.tenant_id, entrance.sequence) in versions
        ]
        inserted = await enrollments.insert(tx, new) if new else set()
        runs = await self._runs.open(tx, [e for e in new if e.id in inserted], [])
        came_from = {(e.tenant_id, e.lead_id): e.came_from for e in entrances}
        for run in runs.values():
            of = run.enrollment
            run.came_from = came_from.get((of.tenant_id, of.lead_id), ())
            tell(run, Started(at=run.enrollment.anchor), now=tx.now)
        await self._ask_at_once(tx, runs.values())
        await self._runs.save(tx, runs.values())
        unknown = [e for e in entrances if (e.tenant_id, e.sequence) not in versions]
        return Entered(tuple(runs.values()), tuple(unknown))

    async def _ask_at_once(self, tx: Transaction, runs: Iterable[Run]) -> None:
        """Touches that are due need no timer while their tenant's window has room."""
        due = [(run, touch) for run in runs for touch in run.added.values() if _is_due(touch, tx)]
        if not due:
            return
        asked = [touch for _, touch in due]
        taken = await touches.outstanding(tx, {line_of(t) for t in asked}, most=self._window)
        admitted, _ = admit(asked, taken, window=self._window)
        chosen = {touch.id for touch in admitted}
        for run, touch in due:
            if touch.id in chosen:
                touch.state, touch.round, touch.outstanding = "commanded", 1, True
                touch.note(tx.now, "asked for", round=touch.round)
                run.timers[touch.id] = None
                run.commands.append(touch)


def _is_due(touch: Touch, tx: Transaction) -> bool:
    return (
        touch.state == "planned"
        and touch.lane == "now"
        and touch.due_at is not None
        and touch.due_at <= tx.now
    )


def _enrollment(entrance: Entrance, *, version: int) -> Enrollment:
    return Enrollment(
        id=new_id(),
        tenant_id=entrance.tenant_id,
        lead_id=entrance.lead_id,
        person_id=entrance.person_id,
        sequence=entrance.sequence,
        version=version,
        state="active",
        anchor=entrance.anchor,
        lane=entrance.lane,
    )
