"""When a step is due."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from followup_scheduler.core.durations import Duration
from followup_scheduler.core.format.clock import TimeOfDay, Weekdays, Window
from followup_scheduler.core.format.part import FactName, Part

_OFFSETS = ("day", "after", "before", "days_before", "business_days", "months")
_Days = Annotated[int, Field(ge=0, le=1_830)]


class At(Part):
    """When a step is due: one distance, from a moment, and what the moment has to suit.

    The distance is one of `day: n` (the n-th local date after the anchor's; 0 is its own),
    `business_days: n` (Monday to Friday), `months: n` (the same day of the month, or its
    last), `after` and `before` (elapsed time) and `days_before: n` (local dates).
    `from` is what it is counted from: the sequence's anchor, the end of the step before
    (`previous`), or another anchor. `time` is a time of day on the recipient's clock and
    `weekdays` the days that suit. With `window: at_once` the step goes as soon as the law
    allows, with `preferred` in the preferred hours of its channel (R12), with `best` in those
    that the tenant's people answer best, or in hours of its own; at once is the rule for a
    step with a `time` or `before` something. `within` is the promise that figures are held
    against; it moves nothing.
    """

    day: _Days | None = None
    after: Duration | None = None
    before: Duration | None = None
    days_before: _Days | None = None
    business_days: _Days | None = None
    months: Annotated[int, Field(ge=0, le=60)] | None = None
    from_: FactName = Field(default="anchor", alias="from")
    time: TimeOfDay | None = None
    weekdays: Weekdays | None = None
    window: Literal["at_once", "preferred", "best"] | Window | None = None
    within: Duration | None = None

    @model_validator(mode="after")
    def _one_distance(self) -> Self:
        written = [name for name in _OFFSETS if getattr(self, name) is not None]
        if len(written) != 1:
            raise ValueError(
                "write either day or after, before, days_before, business_days or months"
            )
        if self.from_ == "previous" and written[0] in ("before", "days_before"):
            raise ValueError("nothing goes before the step before it has ended")
        if self.time is not None and (self.after is not None or self.before is not None):
            raise ValueError("a time of day goes with days, not with after or before")
        return self

    @property
    def hours(self) -> Literal["at_once", "preferred", "best"] | Window:
        """The window that applies: preferred hours, unless it says when exactly."""
        if self.window is not None:
            return self.window
        exact = self.time is not None or self.before is not None or self.days_before is not None
        return "at_once" if exact else "preferred"

    def earliest(self) -> timedelta:
        """How long after its anchor, at the soonest, as far as steps can be ordered by it."""
        if self.before is not None:
            return -self.before
        if self.after is not None:
            return self.after
        days = self.day or self.business_days or 28 * (self.months or 0)
        return timedelta(days=days - (self.days_before or 0))


AT_ONCE = At(after=timedelta(0), from_="previous")
"""Where a step names no moment: as soon as the step before has ended."""
