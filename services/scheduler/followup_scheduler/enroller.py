"""Entering leads into sequences, with their first touches on their way at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from followup_contracts.payload import Lane
from followup_database import Transaction, new_id
from followup_scheduler.consequences import tell
from followup_scheduler.core import memory
from followup_scheduler.core.conditions import holds
from followup_scheduler.core.deal import DEAL, learned
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.reaction import ProductEvent
from followup_scheduler.core.model import Converted, Enrollment, Facts, Happened, Started
from followup_scheduler.core.reenrolling import Again, NotAgain, again
from followup_scheduler.facts import Seen
from followup_scheduler.runs import Run, RunStore
from followup_scheduler.store import enrollments, touches
from followup_scheduler.touch import Touch
from followup_scheduler.windows import admit, line_of


@dataclass(frozen=True, slots=True)
class Entrance:
    """A lead that is to enter a sequence. `anchor` is what the sequence counts from.

    It is told on entering, before anything goes out, what it `missed`: what happened to
    the lead in time, but was heard of earlier than the lead. One that is `started_by` an
    event enters if one of the conditions `one_of` holds, or there is none; they are held
    against the deal's `stage` that the event named, whatever it has become since.
    """

    tenant_id: UUID
    lead_id: UUID
    person_id: UUID
    sequence: str
    lane: Lane
    anchor: datetime
    came_from: tuple[str, ...] = ()
    missed: tuple[Converted | Happened, ...] = ()
    started_by: ProductEvent | None = None
    one_of: tuple[Condition, ...] = ()
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of entrances: new runs, and those whose sequence nobody knows.

    `standing` are those whose lead is in it still, or may not enter again (yet), with why.
    """

    runs: tuple[Run, ...]
    unknown: tuple[Entrance, ...]
    standing: tuple[tuple[Entrance, NotAgain], ...] = ()


class Enroller:
    """Enrolls in batches; a lead enters a sequence once, and again as the document allows."""

    def __init__(self, runs: RunStore, *, window: int) -> None:
        self._runs = runs
        self._window = window

    async def enroll(
        self, tx: Transaction, entrances: Sequence[Entrance], *, seen: Seen | None = None
    ) -> Entered:
        """Enroll all, plan their first touches, and ask for those that are due now.

        `seen`: see `FactFinder.gather`.
        """
        versions = await self._runs.book.current(
            tx, {(entrance.tenant_id, entrance.sequence) for entrance in entrances}
        )
        known = [e for e in entrances if (e.tenant_id, e.sequence) in versions]
        new = {
            entrance: _enrollment(entrance, version=versions[entrance.tenant_id, entrance.sequence])
            for entrance in known
        }
        new = await self._fit(tx, new)
        inserted = await enrollments.insert(tx, list(new.values())) if new else set()
        entered = [e for e in new.values() if e.id in inserted]
        known_before = [each for each, e in new.items() if e.id not in inserted]
        more, standing = await self._again(tx, known_before, versions)
        runs = await self._runs.open(tx, [*entered, *more], [], seen=seen)
        by_place = {_place(entrance): entrance for entrance in entrances}
        for run in runs.values():
            of = run.enrollment
            entrance = by_place[of.tenant_id, of.lead_id, of.sequence]
            run.is_new, run.came_from = True, entrance.came_from
            for stimulus in (Started(at=of.anchor), *entrance.missed):
                tell(run, stimulus, now=tx.now)
        await self._ask_at_once(tx, runs.values())
        await self._runs.save(tx, runs.values())
        unknown = [e for e in entrances if (e.tenant_id, e.sequence) not in versions]
        return Entered(tuple(runs.values()), tuple(unknown), tuple(standing))

    async def _fit(
        self, tx: Transaction, new: Mapping[Entrance, Enrollment]
    ) -> dict[Entrance, Enrollment]:
        """Those whose conditions hold for the lead as it is now, at the stage that was named."""
        asking = [enrollment for entrance, enrollment in new.items() if entrance.one_of]
        facts = await self._runs.facts_of(tx, asking) if asking else {}
        return {
            entrance: enrollment
            for entrance, enrollment in new.items()
            if not entrance.one_of
            or any(
                holds(each, enrollment=enrollment, facts=_as_told(facts[enrollment.id], entrance))
                for each in entrance.one_of
            )
        }

    async def _again(
        self,
        tx: Transaction,
        known_before: Sequence[Entrance],
        versions: Mapping[tuple[UUID, str], int],
    ) -> tuple[list[Enrollment], list[tuple[Entrance, NotAgain]]]:
        """Runs of leads that have been there and may enter again; and those that may not.

        Of two that ask at once one enters: the other's number is taken.
        """
        if not known_before:
            return [], []
        last = await enrollments.last_runs(tx, {_place(entrance) for entrance in known_before})
        editions = await self._runs.book.editions(
            tx, {(t, key, version) for (t, key), version in versions.items()}
        )
        allowed: dict[Entrance, Enrollment] = {}
        standing: list[tuple[Entrance, NotAgain]] = []
        for entrance in known_before:
            version = versions[entrance.tenant_id, entrance.sequence]
            edition = editions[entrance.tenant_id, entrance.sequence, version]
            answer = again(last[_place(entrance)], edition.sequence.reenroll, tx.now)
            if isinstance(answer, Again):
                allowed[entrance] = _enrollment(entrance, version=version, run=answer.number)
            else:
                standing.append((entrance, answer))
        inserted = await enrollments.insert(tx, list(allowed.values())) if allowed else set()
        standing += [
            (entrance, NotAgain(last[_place(entrance)].id, "running"))
            for entrance, enrollment in allowed.items()
            if enrollment.id not in inserted
        ]
        return [e for e in allowed.values() if e.id in inserted], standing

    async def _ask_at_once(self, tx: Transaction, runs: Iterable[Run]) -> None:
        """Touches that are due need no timer while their tenant's window has room."""
        due = [
            (run, touch)
            for run in runs
            for touch in run.added.values()
            if _is_due(touch, tx) and not run.waits_for_approval(touch)
        ]
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


def _as_told(facts: Facts, entrance: Entrance) -> Facts:
    """What is known of a lead, with what the event says by which it enters."""
    if entrance.stage is None:
        return facts
    return replace(facts, attributes=learned(facts.attributes, {DEAL: {"stage": entrance.stage}}))


def _place(entrance: Entrance) -> enrollments.Lead:
    return entrance.tenant_id, entrance.lead_id, entrance.sequence


def _enrollment(entrance: Entrance, *, version: int, run: int = 1) -> Enrollment:
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
        run=run,
        memory={} if entrance.started_by is None else memory.started_by(entrance.started_by),
    )
