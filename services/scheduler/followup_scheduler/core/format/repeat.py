"""Sequences that begin again: every month, every year."""

import re
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from followup_scheduler.core.format.part import Part

_EVERY = re.compile(r"^(day|week|month|quarter|year|[1-9][0-9]{0,2}(d|w|m|y))$")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}


def _distance(text: str) -> str:
    if _EVERY.match(text) is None:
        raise ValueError("write day, week, month, quarter, year, or a number and d, w, m or y")
    return text


class Repeat(Part):
    """When a sequence begins again after its last step.

    `every` is a day, week, month, quarter, year, or a number of days, weeks, months or
    years such as `30d`. `on` is the day of the month; a month that is shorter has it on
    its last day, and so has 29 February in a year without one. `times` is how often it
    runs in all, `until` the last date; without both it never ends by itself.
    """

    every: Annotated[str, StringConstraints(max_length=10), AfterValidator(_distance)]
    on: Annotated[int, Field(ge=1, le=31)] | None = None
    times: Annotated[int, Field(ge=2, le=1_000)] | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _on_a_day(self) -> Self:
        if self.on is not None and not self.months():
            raise ValueError("a day of the month goes with months, quarters and years")
        return self

    def months(self) -> int:
        """How many months apart, 0 where it is days."""
        number, unit = self._parts()
        return _MONTHS.get(self.every, 0) or number * {"m": 1, "y": 12}.get(unit, 0)

    def days(self) -> int:
        """How many days apart, 0 where it is months."""
        number, unit = self._parts()
        return _DAYS.get(self.every, 0) or number * {"d": 1, "w": 7}.get(unit, 0)

    def _parts(self) -> tuple[int, str]:
        return (int(self.every[:-1]), self.every[-1]) if self.every[0].isdigit() else (0, "")
