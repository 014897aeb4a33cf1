"""What every kind of step has, and what each answers for."""

from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from followup_scheduler.core import memory
from followup_scheduler.core.format.at import AT_ONCE, At
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.limits import Limits
from followup_scheduler.core.format.part import Key, Part
from followup_scheduler.core.model import Enrollment, Wake

if TYPE_CHECKING:
    from followup_scheduler.core.draft import Draft

MOMENT = "its moment"
ANCHOR = "its anchor"
PASSED = "passed"
TIMED_OUT = "timed_out"


class StepShape(Part):
    """The fields that all kinds of steps share.

    `at` is its moment (none: as soon as the step before has ended). With `when` it is
    passed over unless that holds. `next` is the step that follows it, a later one or
    `end`; else the one below it.
    """

    id: Key
    at: At | None = None
    when: Condition | None = None
    next: Key | None = None

    @property
    def moment(self) -> At:
        """When it is due."""
        return self.at or AT_ONCE

    def goes_to(self) -> frozenset[str]:
        """The steps it may lead to by name."""
        return frozenset() if self.next is None else frozenset({self.next})

    def asks_about(self) -> frozenset[str]:
        """The steps its conditions ask about."""
        return frozenset() if self.when is None else self.when.steps()

    @abstractmethod
    def enter(self, draft: "Draft") -> None:
        """Do what there is to do now. Entered again, it does what is still lacking."""

    def look(self, draft: "Draft") -> None:
        """See whether what it waits for is there; called whenever something has happened."""
        self.enter(draft)

    @abstractmethod
    def is_open(self, run: Enrollment) -> bool:
        """Whether something else than time is waited for."""

    def waits(self, run: Enrollment, limits: Limits) -> Iterator[Wake]:
        """The moments at which it must be looked at even if nothing happens."""
        del limits
        for what, reason in ((memory.DUE, MOMENT), (memory.UNTIL, self.waits_for())):
            at = memory.noted_moment(run, self.id, what)
            if at is not None:
                yield Wake(at, reason)

    def waits_for(self) -> str:
        """What it waits for, in a word for people."""
        return ANCHOR

    def ended_at(self, run: Enrollment, now: datetime) -> datetime:
        """When it ended, for the step that counts from there."""
        del run
        return now


class Act(StepShape):
    """A step that does something once, when its moment has come."""

    @abstractmethod
    def act(self, draft: "Draft") -> None:
        """Do it. The step has ended when it says so, at once or later."""

    def go_on(self, draft: "Draft") -> None:
        """See whether what it waits for after acting is there."""

    def enter(self, draft: "Draft") -> None:
        """Act at its moment, once its anchor is known; pass it over if it is not to be."""
        known = memory.noted(draft.enrollment, self.id)
        if memory.ENDED in known:
            return
        if memory.BEGUN in known:
            self.go_on(draft)
            return
        anchor = draft.await_anchor(self)
        if anchor is None:
            return
        due = draft.wanted(self, anchor)
        if due > draft.now:
            draft.note(self.id, due=due.isoformat())
            return
        draft.note(self.id, due=None, begun=True)
        if draft.holds(self.when):
            self.act(draft)
        else:
            draft.end_step(self.id, PASSED)

    def is_open(self, run: Enrollment) -> bool:
        """Until it has ended."""
        return memory.ended(run, self.id) is None
