"""A wait: for something to happen or to become so, and not for ever."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from followup_scheduler.core import memory
from followup_scheduler.core.durations import Duration
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.part import Key, Part
from followup_scheduler.core.format.reaction import TRIGGERS, trigger
from followup_scheduler.core.steps.shape import TIMED_OUT, Act

if TYPE_CHECKING:
    from followup_scheduler.core.draft import Draft

MET = "met"

Trigger = Literal[TRIGGERS]  # type: ignore[valid-type] # the one table of names, as a type


class Wait(Part):
    """What ends a wait: one of the happenings `for`, `until` becoming so, or `at_most`.

    `timed_out` is the step that follows when time ends it.
    """

    for_: Annotated[tuple[Trigger, ...], Field(max_length=20)] = Field(default=(), alias="for")
    until: Condition | None = None
    at_most: Annotated[Duration, Field(ge=timedelta(minutes=1))]
    timed_out: Key | None = None


class WaitStep(Act):
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

    def act(self, draft: "Draft") -> None:
        """Begin to wait, unless what is waited for is so already."""
        draft.note(self.id, until=(draft.now + self.wait.at_most).isoformat())
        self.go_on(draft)

    def go_on(self, draft: "Draft") -> None:
        """End when what is waited for has become so, or the time is up."""
        until = memory.noted_moment(draft.enrollment, self.id, memory.UNTIL)
        if self.wait.until is not None and draft.holds(self.wait.until):
            draft.end_step(self.id, MET)
        elif until is not None and until <= draft.now:
            draft.end_step(self.id, TIMED_OUT, goes=self.wait.timed_out)

    def hears(self, name: str) -> bool:
        """Whether it waits for this to happen."""
        wanted = {trigger(each) for each in self.wait.for_}
        return name in wanted or name.partition(".")[0] in wanted

    def waits_for(self) -> str:
        """What it waits for."""
        return ", ".join(self.wait.for_) or "time"
