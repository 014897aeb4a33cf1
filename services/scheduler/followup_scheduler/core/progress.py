"""Where an enrollment stands: what its step still waits for, and until when."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from followup_scheduler.core import touches
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.format.limits import Limits
from followup_scheduler.core.model import (
    ENDED_STATES,
    OPEN_TOUCH_STATES,
    Enrollment,
    TouchRecord,
    Wake,
)
from followup_scheduler.core.steps import TouchStep

RESUME = "resume"
CALL = "call result"
UNKNOWN = "unknown outcome"
ANSWERS = "answers to the last touch"

_ENDS_AT = "ends_at"  # in an enrollment's memory, once its last step is done with


def is_settled(enrollment: Enrollment, sequence: Sequence, *, now: datetime) -> bool:
    """Whether nothing of the step the enrollment stands on is waited for any more."""
    standing = _standing(enrollment, sequence)
    if any(touch.state in OPEN_TOUCH_STATES for touch in standing):
        return False
    return all(wake.at <= now for wake in _waits(enrollment, sequence))


def wake_of(enrollment: Enrollment, sequence: Sequence, *, now: datetime) -> Wake | None:
    """The moment at which the enrollment must be looked at even if nothing happens."""
    if enrollment.state in ENDED_STATES:
        return None
    if enrollment.state != "active":
        resume_at = enrollment.resume_at
        return None if resume_at is None else Wake(resume_at, RESUME)
    ends_at = ends_at_of(enrollment)
    waits = [wake for wake in _waits(enrollment, sequence) if wake.at > now]
    if ends_at is not None and is_settled(enrollment, sequence, now=now):
        waits.append(Wake(ends_at, ANSWERS))
    return min(waits, key=lambda wake: wake.at, default=None)


def ends_at_of(enrollment: Enrollment) -> datetime | None:
    """When an enrollment past its last step ends, if it is waiting for that."""
    ends_at = enrollment.memory.get(_ENDS_AT)
    return None if ends_at is None else datetime.fromisoformat(ends_at)


def ending_at(enrollment: Enrollment, moment: datetime) -> Enrollment:
    """The enrollment, waiting for its end."""
    return replace(enrollment, memory={**enrollment.memory, _ENDS_AT: moment.isoformat()})


def _standing(enrollment: Enrollment, sequence: Sequence) -> list[TouchRecord]:
    """The touch that speaks for each channel of the step."""
    step = sequence.step(enrollment.step)
    if step is None:
        return []
    round_ = step.touches if isinstance(step, TouchStep) else ()
    found = (
        touches.standing(enrollment, step=step.id, channel=channel)
        for touch in round_
        for channel in touch.candidates()[:1]
    )
    return [record for record in found if record is not None]


def _waits(enrollment: Enrollment, sequence: Sequence) -> Iterator[Wake]:
    """What is waited for: the end of a call, the outcome of a touch nobody is sure of."""
    for touch in _standing(enrollment, sequence):
        wake = _wait_for(touch, sequence.limits, enrollment.anchor)
        if wake is not None:
            yield wake


def _wait_for(touch: TouchRecord, limits: Limits, anchor: datetime) -> Wake | None:
    since = touch.at or anchor
    if touch.state == "unknown":
        return Wake(since + limits.unknown, UNKNOWN)
    if touch.state == "sent" and touch.key.channel == "voice" and touch.call is None:
        return Wake(since + limits.call, CALL)
    return None
