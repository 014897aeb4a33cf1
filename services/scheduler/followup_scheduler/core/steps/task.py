"""A task for a person: a call, a handwritten note, a look at something."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from followup_scheduler.core.durations import Duration
from followup_scheduler.core.format.part import Part, Reason, Title
from followup_scheduler.core.format.reaction import Reaction
from followup_scheduler.core.format.step import StepShape


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


class TaskStep(StepShape):
    """A task for a person, and what its outcome leads to (H1-H3, B3)."""

    task: HumanTask

    def goes_to(self) -> frozenset[str]:
        """Where it may lead: `next`, and where outcomes branch to."""
        branches = {r.to for r in self.task.outcomes.values() if r.do == "branch" and r.to}
        return super().goes_to() | branches
