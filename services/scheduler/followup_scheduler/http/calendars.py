"""What a simulated calendar looks like, for its description."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from followup_contracts.payload import Channel
from followup_scheduler.core.model import EnrollmentState


class CalendarTouch(BaseModel):
    """A touch as it would go: when it was wanted, when it is due, and what moved it."""

    day: int
    step: str
    occurrence: int
    channel: Channel
    template: str
    wanted_at: datetime
    due_at: datetime
    local: dict[str, datetime]
    moved_by: list[str]
    state: Literal["sent", "failed", "cancelled"]
    call: str | None


class CalendarSkip(BaseModel):
    """A touch that would not go, and why."""

    step: str
    channel: Channel
    rule: str
    reason: str


class CalendarTask(BaseModel):
    """A task for a person."""

    at: datetime
    kind: str
    reason: str
    due_at: datetime


class CalendarLine(BaseModel):
    """What happened when."""

    at: datetime
    what: str


class CalendarBody(BaseModel):
    """The calendar of one lead, from its start to its end."""

    sequence: str
    started_at: datetime
    zones: list[str]
    touches: list[CalendarTouch]
    skipped: list[CalendarSkip]
    tasks: list[CalendarTask]
    story: list[CalendarLine]
    state: EnrollmentState
    end_reason: str | None
    ended_at: datetime
    handed_to: str | None
    enters: list[str]
    starts: list[str]
