"""An enrollment while it is decided on: loaded and locked, changed in memory, saved whole."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from followup_contracts import Message
from followup_contracts.payload import Payload
from followup_database import Transaction, together
from followup_database.joining import Work
from followup_messaging.outbox import Outbox
from followup_scheduler.assigning import closed, open_tasks
from followup_scheduler.book import Edition, SequenceBook
from followup_scheduler.core.memory import kept
from followup_scheduler.core.model import (
    OPEN_TOUCH_STATES,
    UNREAD,
    Enrollment,
    Facts,
    TouchKey,
)
from followup_scheduler.core.ranking import CROWDED, crowded
from followup_scheduler.counting import Evidence
from followup_scheduler.facts import FactFinder, Seen, Subject
from followup_scheduler.figures import Figures
from followup_scheduler.store import enrollments, journal, reviews, tasks, timers, touches
from followup_scheduler.store.journal import Entry
from followup_scheduler.store.reviews import NewReview
from followup_scheduler.store.tasks import NewTask
from followup_scheduler.touch import Timer, Touch
from followup_suppression import raise_epochs


@dataclass(slots=True)
class Run:
    """An enrollment with its touches and facts, and what has been decided so far.

    `is_new`: this very transaction has inserted it.
    `timers` maps a target to its new timer, or to None where it is to have none. `enters`
    are the sequences its lead enters next; `came_from` those that it was passed on by
    within this very transaction.
    """

    enrollment: Enrollment
    touches: dict[TouchKey, Touch]
    edition: Edition
    facts: Facts
    was_live: bool = True
    is_new: bool = False
    changed: bool = False
    raised: bool = False
    touched: dict[TouchKey, Touch] = field(default_factory=dict)
    added: dict[TouchKey, Touch] = field(default_factory=dict)
    timers: dict[UUID, Timer | None] = field(default_factory=dict)
    tasks: list[NewTask] = field(default_factory=list)
    reviews: list[NewReview] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    events: list[Payload] = field(default_factory=list)
    commands: list[Touch] = field(default_factory=list)
    enters: list[str] = field(default_factory=list)
    came_from: tuple[str, ...] = ()

    def fresh(self) -> Iterator[UUID]:
        """What this transaction has made: nothing of it has a timer yet."""
        yield from (touch.id for touch in self.added.values())
        if self.is_new:
            yield self.enrollment.id

    def touch(self, touch_id: UUID) -> Touch | None:
        """A touch of this enrollment by its id."""
        return next((touch for touch in self.touches.values() if touch.id == touch_id), None)

    def waits_for_approval(self, touch: Touch) -> bool:
        """Whether a touch that was just planned may not be asked for before a person's word."""
        timer = self.timers.get(touch.id)
        return timer is not None and timer.kind == "lapse"

    def change(self, touch: Touch) -> None:
        """Have a touch saved, and remembered by the enrollment as it stands now."""
        if touch.key not in self.added:
            self.touched[touch.key] = touch
        self.remember()

    def remember(self) -> None:
        """Make the enrollment remember its touches as they stand."""
        records = tuple(touch.record() for touch in self.touches.values())
        self.enrollment = replace(self.enrollment, touches=records)

    def entry(self, tx: Transaction, what: str, **why: Any) -> None:
        """Write a line into the lead's journal."""
        run = self.enrollment
        self.entries.append(
            Entry(run.tenant_id, run.lead_id, run.person_id, run.id, tx.now, what, why)
        )


Successor = Callable[[Transaction, Sequence[Run]], Awaitable[None]]
"""Has the leads of saved runs enter what follows; the run store is told of it when wired."""


async def _nobody(_tx: Transaction, runs: Sequence[Run]) -> None:
    raise RuntimeError(f"nobody enters what follows {runs[0].enrollment.sequence}")


class RunStore:
    """Loads runs and saves what was decided, with a few statements a batch."""

    def __init__(
        self, *, book: SequenceBook, finder: FactFinder, outbox: Outbox, figures: Figures
    ) -> None:
        self.book = book
        self.outbox = outbox
        self.figures = figures
        self.evidence = Evidence()
        self.successor: Successor = _nobody
        self._finder = finder

    async def load(
        self,
        tx: Transaction,
        ids: Iterable[UUID],
        *,
        skip_locked: bool = False,
        informed: bool = True,
    ) -> dict[UUID, Run]:
        """Lock enrollments and read what decisions about them need, by enrollment id.

        Without the facts unless `informed`: see `inform`.
        """
        wanted = set(ids)
        if not wanted:
            return {}
        found = await enrollments.lock(tx, wanted, skip_locked=skip_locked)
        in_sight = {e.id: kept(e.memory) for e in found}
        known = await touches.lock_of(tx, in_sight)
        return await self.open(tx, found, known, informed=informed)

    async def open(
        self,
        tx: Transaction,
        found: Sequence[Enrollment],
        known: Sequence[Touch],
        *,
        informed: bool = True,
        seen: Seen | None = None,
    ) -> dict[UUID, Run]:
        """Runs of enrollments that this transaction has locked or inserted.

        `seen`: see `FactFinder.gather`.
        """
        if not found:
            return {}
        by_run: dict[UUID, dict[TouchKey, Touch]] = {enrollment.id: {} for enrollment in found}
        for touch in known:
            by_run[touch.enrollment_id][touch.key] = touch
        editions = await self.book.editions(tx, {_edition(e) for e in found})
        runs = {e.id: Run(e, by_run[e.id], editions[_edition(e)], UNREAD) for e in found}
        for run in runs.values():
            run.was_live = run.enrollment.end_reason is None
            run.remember()
        if informed:
            await self.inform(tx, runs.values(), seen=seen)
        return runs

    async def facts_of(
        self, tx: Transaction, enrollments_: Sequence[Enrollment]
    ) -> dict[UUID, Facts]:
        """What is known now of the leads of enrollments that are not there yet, by their ids."""
        editions = await self.book.editions(tx, {_edition(e) for e in enrollments_})
        subjects = [_subject(e, editions[_edition(e)]) for e in enrollments_]
        return await self._finder.gather(tx, subjects)

    async def inform(
        self, tx: Transaction, runs: Collection[Run], *, seen: Seen | None = None
    ) -> None:
        """Read the facts for runs that were loaded without them."""
        subjects = [_subject(run.enrollment, run.edition) for run in runs]
        facts = await self._finder.gather(tx, subjects, seen=seen)
        for run in runs:
            of = run.enrollment
            run.facts = facts[of.id]
            # What was counted, where a sequence learns from that.
            if run.edition.learns_texts:
                counted = self.evidence.texts(of.tenant_id, of.sequence)
                run.facts = replace(run.facts, variants=counted)
            if run.edition.learns_hours:
                run.facts = replace(run.facts, hours=self.evidence.hours(of.tenant_id))

    async def save(self, tx: Transaction, runs: Iterable[Run]) -> None:
        """Save everything decided, in one statement a table; messages leave after the commit."""
        several = list(runs)
        await self._raise_epochs(tx, several)
        await together(tx, *_rows(several), *_timers(several), *_entries(several))
        displaced = [timer for run in several for timer in _crowded(run, now=tx.now)]
        if displaced:
            await timers.bring_forward(tx, displaced)
        await _save_reviews(tx, several)
        await self._save_tasks(tx, several)
        await self.outbox.add(
            tx, [self._event(tx, run, event) for run in several for event in run.events]
        )
        self.command(tx, [touch for run in several for touch in run.commands])
        self._count(tx, several)
        passed_on = [run for run in several if run.enters]
        if passed_on:
            await self.successor(tx, passed_on)

    async def _save_tasks(self, tx: Transaction, runs: Sequence[Run]) -> None:
        """Open what was decided on; withdraw what steps of runs that have ended had asked for."""
        opened = [task for run in runs for task in run.tasks]
        if opened:
            await open_tasks(tx, opened)
        ended = [
            (run.enrollment.id, run.enrollment.lead_id)
            for run in runs
            if run.changed and run.was_live and run.enrollment.end_reason is not None
        ]
        if ended:
            withdrawn = await tasks.withdraw(tx, ended)
            await timers.clear(tx, [row["id"] for row in withdrawn])
            await self.outbox.add(
                tx, [closed(self.outbox, tx, row["tenant_id"], row) for row in withdrawn]
            )

    def command(self, tx: Transaction, asked: Iterable[Touch]) -> None:
        """Ask for touches once this transaction has committed."""
        self.outbox.command(
            tx,
            [
                self.outbox.message(
                    touch.command(), tenant_id=touch.tenant_id, subject=touch.id, time=tx.now
                )
                for touch in asked
            ],
        )

    def _count(self, tx: Transaction, runs: Sequence[Run]) -> None:
        ended = [
            (run.enrollment.state, run.enrollment.end_reason)
            for run in runs
            if run.changed and run.was_live and run.enrollment.end_reason is not None
        ]
        for state, reason in ended:
            tx.after_commit(partial(self.figures.ended, state, reason))

    def _event(self, tx: Transaction, run: Run, event: Payload) -> Message:
        return self.outbox.message(
            event, tenant_id=run.enrollment.tenant_id, subject=run.enrollment.lead_id, time=tx.now
        )

    async def _raise_epochs(self, tx: Transaction, runs: Sequence[Run]) -> None:
        raised = [run for run in runs if run.raised]
        if not raised:
            return
        epochs = await raise_epochs(
            tx, [(run.enrollment.tenant_id, run.enrollment.id) for run in raised]
        )
        for run in raised:
            # The fence's epoch is the one that counts: it is what claims look at.
            epoch = epochs[run.enrollment.id]
            run.enrollment = replace(run.enrollment, epoch=epoch)
            # Raising it has cut what was open: whatever is planned was planned since.
            for touch in (*run.added.values(), *run.touched.values()):
                if touch.state == "planned":
                    touch.epoch = epoch


def _rows(runs: Sequence[Run]) -> Iterator[Work[None]]:
    changed = [run.enrollment for run in runs if run.changed]
    if changed:
        yield lambda tx: enrollments.update(tx, changed)
    touched = [touch for run in runs for touch in run.touched.values()]
    if touched:
        yield lambda tx: touches.update(tx, touched)
    added = [touch for run in runs for touch in run.added.values()]
    if added:
        yield lambda tx: touches.insert(tx, added)


def _timers(runs: Sequence[Run]) -> Iterator[Work[None]]:
    wanted: Mapping[UUID, Timer | None] = {
        target: timer for run in runs for target, timer in run.timers.items()
    }
    fresh = {id_ for run in runs for id_ in run.fresh()}
    cleared = [target for target, timer in wanted.items() if timer is None and target not in fresh]
    if cleared:
        yield lambda tx: timers.clear(tx, cleared)
    armed = [timer for timer in wanted.values() if timer is not None]
    if armed:
        yield lambda tx: timers.set_(tx, armed)


def _entries(runs: Sequence[Run]) -> Iterator[Work[None]]:
    entries = [entry for run in runs for entry in run.entries]
    if entries:
        yield lambda tx: journal.insert(tx, entries)


async def _save_reviews(tx: Transaction, runs: Sequence[Run]) -> None:
    """Ask for reviews; nobody is to look any more at what is cancelled or settled."""
    # What was planned and cut within this transaction never waits for anybody.
    planned = {touch.id for run in runs for touch in run.added.values() if touch.state == "planned"}
    asked = [review for run in runs for review in run.reviews if review.touch_id in planned]
    if asked:
        await reviews.insert(tx, asked)
    over = [
        touch.id
        for run in runs
        if run.edition.reviewed
        for touch in run.touched.values()
        if touch.state != "planned"
    ]
    if over:
        await reviews.withdraw(tx, over)


def _crowded(run: Run, *, now: datetime) -> list[Timer]:
    """Wakes for the person's other runs that have to plan around what this one has planned."""
    planned = [
        touch.due_at
        for touch in run.added.values()
        if touch.state in OPEN_TOUCH_STATES and touch.due_at is not None and not touch.transactional
    ]
    if not planned:
        return []
    of = run.enrollment
    return [
        Timer(other, of.tenant_id, of.lane, "wake", now, CROWDED)
        for other in sorted(crowded(run.facts.rivals, planned))
    ]


def _subject(enrollment: Enrollment, edition: Edition) -> Subject:
    return Subject.of(
        enrollment,
        priority=edition.sequence.priority,
        asks_best_channel=edition.asks_best_channel,
    )


def _edition(enrollment: Enrollment) -> tuple[UUID, str, int]:
    return enrollment.tenant_id, enrollment.sequence, enrollment.version
