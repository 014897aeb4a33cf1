"""Where an enrollment stands: what its step still waits for, and until when."""

from collections.abc import Iterator
from datetime import datetime

from followup_scheduler.core import memory
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.model import ENDED_STATES, Enrollment, Wake

RESUME = "resume"
ANSWERS = "answers to the last touch"
NEXT_ROUND = "its next time round"


def is_settled(enrollment: Enrollment, sequence: Sequence, *, now: datetime) -> bool:
    """Whether nothing of the step the enrollment stands on is waited for any more."""
    step = sequence.step(enrollment.step)
    if step is not None and step.is_open(enrollment):
        return False
    return all(wake.at <= now for wake in _waits(enrollment, sequence))


def wake_of(enrollment: Enrollment, sequence: Sequence, *, now: datetime) -> Wake | None:
    """The moment at which the enrollment must be looked at even if nothing happens."""
    if enrollment.state in ENDED_STATES:
        return None
    if enrollment.state != "active":
        resume_at = enrollment.resume_at
        return None if resume_at is None else Wake(resume_at, RESUME)
    waits = [wake for wake in _waits(enrollment, sequence) if wake.at > now]
    ends_at = memory.ends_at(enrollment)
    if ends_at is not None and is_settled(enrollment, sequence, now=now):
        waits.append(Wake(ends_at, ANSWERS))
    begins_at = memory.begins_at(enrollment)
    if begins_at is not None:
        waits.append(Wake(begins_at, NEXT_ROUND))
    return min(waits, key=lambda wake: wake.at, default=None)


def _waits(enrollment: Enrollment, sequence: Sequence) -> Iterator[Wake]:
    step = sequence.step(enrollment.step)
    return iter(()) if step is None else step.waits(enrollment, sequence.limits)
