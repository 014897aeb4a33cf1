"""What an enrollment remembers beside its touches, as JSON values.

By which event of the product it began by itself (`started_by`). Of each step: what it waits
for and how it ended (`steps`), forgotten when the sequence begins again. Which time round it
is and from which occurrence its touches count (`cycle`, `since`, `kept`). When the step
before ended (`previous`), which intents were read (`replies`), until when it waits for its
end or its next time round.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from followup_scheduler.core.model import Enrollment

_CYCLE, _SINCE, _KEPT = "cycle", "since", "kept"
_STEPS, _PREVIOUS, _REPLIES = "steps", "previous", "replies"
_ANCHORS, _BEGINS, _ENDS, _START = "anchors", "begins", "ends_at", "start"
_STARTED_BY = "started_by"
SHIFT_DAYS = "shift_days"
"""The days an enrollment has been waiting, by which its calendar is later."""

# What is noted of a step.
DUE = "due"  # its moment, where it is waited for
UNTIL = "until"  # how long what it waits for is waited for
BEGUN = "begun"  # it has done what it does, and waits for what comes of it
ENDED = "ended"  # how it ended; its outcome
GOES = "goes"  # the step it leads to, where it does not follow the document's order
FROM = "from"  # the occurrence from which its touches count, after its anchor moved
ANCHOR = "anchor"  # the moment its touches were counted from
HOURS = "hours"  # the days and hours chosen by evidence, by channel
CLOSED = "closed"  # channels on which the last word was that nobody is reached


def started_by(event: str) -> dict[str, Any]:
    """The memory of a run whose lead has entered by itself, upon an event of the product."""
    return {_STARTED_BY: event}


def cycle(enrollment: Enrollment) -> int:
    """Which time round it is, from 0."""
    return int(enrollment.memory.get(_CYCLE, 0))


def since(enrollment: Enrollment, step: str | None = None) -> int:
    """The first occurrence that counts: of this time round, of a step since its anchor moved."""
    own = 0 if step is None else int(noted(enrollment, step).get(FROM, 0))
    return max(own, int(enrollment.memory.get(_SINCE, 0)))


def first_of(enrollment: Enrollment, step: str, occurrence: int) -> int:
    """The first occurrence of the time round in which a step's touch was planned."""
    begun = (0, kept(enrollment.memory), since(enrollment), since(enrollment, step))
    return max(first for first in begun if first <= occurrence)


def kept(memory: Mapping[str, Any]) -> int:
    """The first occurrence of a touch that is still looked at: of this time round or the last."""
    return int(memory.get(_KEPT, 0))


def begin_cycle(enrollment: Enrollment, *, number: int, occurrence: int) -> Enrollment:
    """The enrollment at the beginning of a time round, whose touches count from `occurrence`."""
    memory = {
        **enrollment.memory,
        _CYCLE: number,
        _KEPT: enrollment.memory.get(_SINCE, 0),
        _SINCE: occurrence,
    }
    for passed in (_STEPS, _PREVIOUS, _ANCHORS, _START, SHIFT_DAYS):
        memory.pop(passed, None)
    kept_touches = tuple(t for t in enrollment.touches if t.key.occurrence >= memory[_KEPT])
    return replace(enrollment, step=None, memory=memory, touches=kept_touches)


def noted(enrollment: Enrollment, step: str) -> Mapping[str, Any]:
    """What is remembered of a step in this time round."""
    found: Mapping[str, Any] = enrollment.memory.get(_STEPS, {}).get(step, {})
    return found


def note(enrollment: Enrollment, step: str, **values: Any) -> Enrollment:
    """The enrollment, remembering more of a step; None forgets."""
    before = noted(enrollment, step)
    if all(before.get(key) == value for key, value in values.items()):
        return enrollment
    steps = dict(enrollment.memory.get(_STEPS, {}))
    merged = {**steps.get(step, {}), **values}
    steps[step] = {key: value for key, value in merged.items() if value is not None}
    return with_value(enrollment, _STEPS, {key: value for key, value in steps.items() if value})


def noted_moment(enrollment: Enrollment, step: str, what: str) -> datetime | None:
    """A moment that was noted of a step."""
    value = noted(enrollment, step).get(what)
    return None if value is None else datetime.fromisoformat(value)


def closed(enrollment: Enrollment, step: str) -> frozenset[str]:
    """The channels that turned out to be closed when a step's touch was to go."""
    return frozenset(noted(enrollment, step).get(CLOSED, ()))


def ended(enrollment: Enrollment, step: str) -> str | None:
    """How a step ended, other than by its touches."""
    found: str | None = noted(enrollment, step).get(ENDED)
    return found


def previous(enrollment: Enrollment) -> datetime:
    """When the step before ended; before the first, when the lead was enrolled."""
    value = enrollment.memory.get(_PREVIOUS)
    return enrollment.anchor if value is None else datetime.fromisoformat(value)


def with_previous(enrollment: Enrollment, at: datetime) -> Enrollment:
    """The enrollment, a step of which has ended."""
    return with_value(enrollment, _PREVIOUS, at.isoformat())


def replies(enrollment: Enrollment) -> frozenset[str]:
    """The intents that were read in this run."""
    return frozenset(enrollment.memory.get(_REPLIES, ()))


def with_reply(enrollment: Enrollment, intent: str) -> Enrollment:
    """The enrollment, having read a reply."""
    return with_value(enrollment, _REPLIES, sorted(replies(enrollment) | {intent}))


def anchors(enrollment: Enrollment) -> Mapping[str, str]:
    """The anchors that steps were counted from, by name, as they stood then."""
    found: Mapping[str, str] = enrollment.memory.get(_ANCHORS, {})
    return found


def with_anchor(enrollment: Enrollment, name: str, at: datetime) -> Enrollment:
    """The enrollment, having counted a step from an anchor."""
    if anchors(enrollment).get(name) == at.isoformat():
        return enrollment
    return with_anchors(enrollment, {**anchors(enrollment), name: at.isoformat()})


def with_anchors(enrollment: Enrollment, known: Mapping[str, str]) -> Enrollment:
    """The enrollment, having counted its steps from these."""
    return with_value(enrollment, _ANCHORS, dict(known))


def starts_at(enrollment: Enrollment) -> str | None:
    """The step its way begins at: the one it last branched to, whatever lies before."""
    found: str | None = enrollment.memory.get(_START)
    return found


def starting_at(enrollment: Enrollment, step: str) -> Enrollment:
    """The enrollment, having branched to a step."""
    return with_value(enrollment, _START, step)


def begins_at(enrollment: Enrollment) -> datetime | None:
    """When its next time round begins, if it is waiting for that."""
    return _moment(enrollment, _BEGINS)


def beginning_at(enrollment: Enrollment, at: datetime | None) -> Enrollment:
    """The enrollment, waiting for a time round, or not any more."""
    return with_value(enrollment, _BEGINS, None if at is None else at.isoformat())


def ends_at(enrollment: Enrollment) -> datetime | None:
    """When an enrollment past its last step ends, if it is waiting for that."""
    return _moment(enrollment, _ENDS)


def ending_at(enrollment: Enrollment, at: datetime | None) -> Enrollment:
    """The enrollment, waiting for its end, or not any more."""
    return with_value(enrollment, _ENDS, None if at is None else at.isoformat())


def _moment(enrollment: Enrollment, name: str) -> datetime | None:
    value = enrollment.memory.get(name)
    return None if value is None else datetime.fromisoformat(value)


def with_value(enrollment: Enrollment, name: str, value: Any) -> Enrollment:
    """The enrollment, remembering something; None and nothing forget it."""
    memory = {key: kept_ for key, kept_ in enrollment.memory.items() if key != name}
    if value not in (None, {}, []):
        memory[name] = value
    return replace(enrollment, memory=memory)
