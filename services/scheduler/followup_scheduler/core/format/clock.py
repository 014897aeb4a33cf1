"""Days and times of day as documents write them."""

import re
from datetime import time
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from followup_policy.windows import SendWindow
from followup_scheduler.core.format.part import Part

_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


def _read(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if re.match(_CLOCK, value) is None:
        raise ValueError(f"{value!r} is no time of day: write it as 09:30 or 17:00")
    return time.fromisoformat(value)


def _write(at: time) -> str:
    return f"{at:%H:%M}"


TimeOfDay = Annotated[
    time,
    BeforeValidator(_read),
    PlainSerializer(_write, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _CLOCK, "examples": ["09:30", "17:00"]}),
]
"""A time on the recipient's own clock, to the minute."""

Weekdays = Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]


class Window(Part):
    """Hours of the recipient's clock, on certain weekdays (all, if none are named)."""

    from_: TimeOfDay = Field(alias="from")
    to: TimeOfDay
    weekdays: Weekdays | None = None

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if self.to <= self.from_:
            raise ValueError("ends before it begins")
        return self

    def hours(self) -> SendWindow:
        """The window as planning knows it."""
        return SendWindow(numbers(self.weekdays), ((self.from_, self.to),))


def numbers(days: tuple[Weekday, ...] | None) -> frozenset[int]:
    """Weekdays as Python counts them, Monday 0; all if none are named."""
    return frozenset(range(7)) if days is None else frozenset(map(WEEKDAYS.index, days))
