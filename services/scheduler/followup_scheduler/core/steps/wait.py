"""A wait: for something to happen or to become so, and not for ever."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from followup_scheduler.core.durations import Duration
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.part import Key, Part
from followup_scheduler.core.format.reaction import TRIGGERS
from followup_scheduler.core.format.step import StepShape

Trigger = Literal[TRIGGERS]  # type: ignore[valid-type] # the one table of names, as a type


class Wait(Part):
    """What ends a wait: one of the happenings `for`, `until` becoming so, or `at_most`.

    `timed_out` is the step that follows when time ends it.
    """

    for_: Annotated[tuple[Trigger, ...], Field(max_length=20)] = Field(default=(), alias="for")
    until: Condition | None = None
    at_most: Annotated[Duration, Field(ge=timedelta(minutes=1))]
    timed_out: Key | None = None


class WaitStep(StepShape):
    """Waits, and goes on."""

    wait: Wait

    def goes_to(self) -> frozenset[str]:
        """Where it leads: `next`, and the step after its time is up."""
        late = self.wait.timed_out
        return super().goes_to() | (frozenset({late}) if late else frozenset())

    def asks_about(self) -> frozenset[str]:
        """The steps its condition asks about."""
        until = self.wait.until
        return super().asks_about() | (until.steps() if until else frozenset())
