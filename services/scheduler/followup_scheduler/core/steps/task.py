"""A task for a person: a call, a handwritten note, a look at something."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from followup_scheduler.core import memory
from followup_scheduler.core.durations import Duration
from followup_scheduler.core.format.part import Part, Reason, Title
from followup_scheduler.core.format.reaction import Reaction
from followup_scheduler.core.model import Enrollment, Task
from followup_scheduler.core.steps.shape import TIMED_OUT, Act

if TYPE_CHECKING:
    from followup_scheduler.core.draft import Draft

OPENED = "opened"
_DONE = "done"


class HumanTask(Part):
    """What a person is asked to do.

    `within`: due so long after it is opened; `remind`: so long before that a reminder.
    With `wait` the sequence waits until it is done, at most `at_most`, and `outcomes` say
    what each outcome leads to (one that is not named goes on).
    """

    kind: Reason
    title: Title | None = None
    within: Duration = timedelta(days=1)
    remind: Duration | None = None
    wait: bool = True
    at_most: Annotated[Duration, Field(ge=timedelta(minutes=1))] = timedelta(days=7)
    outcomes: Annotated[Mapping[Reason, Reaction], Field(max_length=20)] = Field(
        default_factory=dict
    )


class TaskStep(Act):
    """A task for a person, and what its outcome leads to (H1-H3, B3)."""

    task: HumanTask

    def goes_to(self) -> frozenset[str]:
        """Where it may lead: `next`, and where outcomes branch to."""
        branches = {r.to for r in self.task.outcomes.values() if r.do == "branch" and r.to}
        return super().goes_to() | branches

    def act(self, draft: "Draft") -> None:
        """Open the task, and wait for it if the document says so."""
        task = self.task
        due = draft.now + task.within
        draft.tasks.append(
            Task(
                kind=task.kind,
                reason=f"step {self.id}",
                due_at=due,
                title=task.title,
                step=self.id,
                occurrence=memory.cycle(draft.enrollment),
                outcomes=(*sorted(task.outcomes), _DONE) if task.outcomes else (),
                remind_at=None if task.remind is None else due - task.remind,
            )
        )
        if task.wait:
            draft.note(self.id, until=(draft.now + task.at_most).isoformat())
        else:
            draft.end_step(self.id, OPENED)

    def go_on(self, draft: "Draft") -> None:
        """Stop waiting when it has taken too long; the task stays with its person."""
        until = memory.noted_moment(draft.enrollment, self.id, memory.UNTIL)
        if until is not None and until <= draft.now:
            draft.end_step(self.id, TIMED_OUT)

    def reaction_to(self, outcome: str) -> Reaction | None:
        """What the document says to an outcome."""
        return self.task.outcomes.get(outcome)

    def is_asked(self, run: Enrollment, occurrence: int) -> bool:
        """Whether the task of that occurrence is the one that is waited for."""
        known = memory.noted(run, self.id)
        begun = memory.BEGUN in known and memory.ENDED not in known
        return begun and memory.cycle(run) == occurrence

    def waits_for(self) -> str:
        """The task."""
        return f"task {self.task.kind}"
