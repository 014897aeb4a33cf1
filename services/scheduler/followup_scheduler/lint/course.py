"""What follows what in a sequence, and how far apart, as far as a document says."""

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property

from followup_scheduler.core.document import Sequence
from followup_scheduler.core.format.part import END
from followup_scheduler.core.format.reaction import several
from followup_scheduler.core.steps import BranchStep, Step, SwitchStep

DAY = timedelta(days=1)


class Course:
    """The ways through a sequence. Steps lead forward only, so there are no circles."""

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence
        self._next = [frozenset(self._after(place)) for place in range(len(sequence.steps))]
        self._ahead: list[frozenset[int]] = [frozenset()] * len(sequence.steps)
        for place in reversed(range(len(sequence.steps))):
            later = self._next[place]
            self._ahead[place] = later.union(*(self._ahead[step] for step in later))

    @cached_property
    def reached(self) -> frozenset[int]:
        """The places of steps that some lead comes to."""
        jumps = {
            place
            for reactions in self._sequence.on.values()
            for reaction in several(reactions)
            if reaction.do == "branch" and (place := self._sequence.place(reaction.to)) is not None
        }
        return frozenset(jumps | {0}).union(*(self._ahead[place] for place in jumps | {0}))

    def may_follow(self, earlier: int, later: int) -> bool:
        """Whether one lead can come from one place to the other."""
        return later in self._ahead[earlier]

    @cached_property
    def moments(self) -> tuple[timedelta | None, ...]:
        """How long after the anchor each step is due, None where that cannot be told."""
        found: list[timedelta | None] = []
        for place, step in enumerate(self._sequence.steps):
            found.append(self._moment(step, found[place - 1] if place else timedelta(0)))
        return tuple(found)

    def _moment(self, step: Step, previous: timedelta | None) -> timedelta | None:
        if step.at is None:
            return previous
        match step.at.from_:
            case "anchor":
                return step.at.earliest()
            case "previous":
                return None if previous is None else previous + step.at.earliest()
        return None

    def _after(self, place: int) -> Iterator[int]:
        step = self._sequence.steps[place]
        named = {*step.goes_to()} - {END}
        yield from (
            p for name in named if (p := self._sequence.place(name)) is not None and p > place
        )
        if self._falls_through(step) and place + 1 < len(self._sequence.steps):
            yield place + 1

    def _falls_through(self, step: Step) -> bool:
        """Whether what stands below may follow."""
        if step.when is not None:
            return True
        if step.next is not None or isinstance(step, SwitchStep):
            return False
        return not (isinstance(step, BranchStep) and any(arm.when is None for arm in step.branch))
