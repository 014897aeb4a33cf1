"""Whether a lead that has been in a sequence may enter it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never
from uuid import UUID

from followup_scheduler.core.format.limits import AfterRest, Reenroll


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a lead through a sequence; `ended_at` None: it is still going."""

    id: UUID
    number: int
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Again:
    """It enters, as its run of this number."""

    number: int


@dataclass(frozen=True, slots=True)
class NotAgain:
    """It does not, and the last run stands."""

    last: UUID
    reason: Literal["running", "never", "too soon"]


def again(last: LastRun, rule: Reenroll, now: datetime) -> Again | NotAgain:
    """What becomes of a lead that is to enter once more. A run that still goes is the only one."""
    if last.ended_at is None:
        return NotAgain(last.id, "running")
    match rule:
        case "always":
            return Again(last.number + 1)
        case "never":
            return NotAgain(last.id, "never")
        case AfterRest(after=rest):
            rested = last.ended_at + rest <= now
            return Again(last.number + 1) if rested else NotAgain(last.id, "too soon")
        case _:
            assert_never(rule)
