"""Steps that nobody comes to, and conditions and waits that are never met."""

from collections.abc import Iterator
from datetime import timedelta
from typing import get_args

from followup_contracts.events import CallResult
from followup_contracts.payload import Channel
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.steps import BranchStep, TaskStep, TouchStep, WaitStep
from followup_scheduler.lint.findings import Flaw
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Script

_CALLS = frozenset(get_args(CallResult))
_NOTHING = timedelta(0)
_OUTSIDE = -1
"""Before the first step, where nobody is in the sequence yet."""

Asked = tuple[str, int, Condition]
"""Where a condition stands, at which step, and what it asks."""


def _unreachable(script: Script) -> Iterator[Flaw]:
    for place, step in enumerate(script.sequence.steps):
        if place not in script.course.reached:
            yield Flaw(
                f"/steps/{place}",
                f"nothing leads to {step.id!r}",
                "let a branch or `next` lead here, or take it out",
            )


def _never(script: Script) -> Iterator[Flaw]:
    for path, place, condition in _conditions(script):
        why = _impossible(script, place, condition)
        if why is not None:
            yield Flaw(path, f"can never be so: {why}", "ask about what may happen")
    yield from _called_off(script)
    for place, step in enumerate(script.sequence.steps):
        if isinstance(step, WaitStep):
            yield from _waits(script, place, step)
        if step.at is not None and _before_enrolling(script, place):
            yield Flaw(
                f"/steps/{place}/at",
                "lies before the sequence begins, when nobody is in it yet",
                "count from a moment still ahead, such as anchor: appointment.starts_at",
            )


def _called_off(script: Script) -> Iterator[Flaw]:
    if not script.sequence.anchor.startswith("appointment."):
        return
    for number, start in enumerate(script.sequence.starts):
        if start.event == "appointment.cancelled":
            yield Flaw(
                f"/starts/{number}/event",
                "leaves no appointment to count from",
                "count from another anchor, such as enrolled",
            )


def _before_enrolling(script: Script, place: int) -> bool:
    at = script.sequence.steps[place].at
    counted = at is not None and at.from_ == "anchor" and script.sequence.anchor == "enrolled"
    return counted and at is not None and at.earliest() < _NOTHING


def _waits(script: Script, place: int, step: WaitStep) -> Iterator[Flaw]:
    called = _used_before(script, place, "voice")
    for trigger in step.wait.for_:
        if trigger.startswith("call.") and not called:
            yield Flaw(
                f"/steps/{place}/wait/for",
                f"waits for {trigger}, and no step before it calls",
                "put the call before the wait",
            )


def _conditions(script: Script) -> Iterator[Asked]:
    for number, start in enumerate(script.sequence.starts):
        if start.when is not None:
            yield from _inside(f"/starts/{number}/when", _OUTSIDE, start.when)
    for place, step in enumerate(script.sequence.steps):
        here = f"/steps/{place}"
        if step.when is not None:
            yield from _inside(f"{here}/when", place, step.when)
        match step:
            case TouchStep():
                yield from _of_touches(place, step)
            case BranchStep():
                for number, arm in enumerate(step.branch):
                    if arm.when is not None:
                        yield from _inside(f"{here}/branch/{number}/when", place, arm.when)
            case WaitStep() if step.wait.until is not None:
                yield from _inside(f"{here}/wait/until", place, step.wait.until)


def _of_touches(place: int, step: TouchStep) -> Iterator[Asked]:
    for number, touch in enumerate(step.touches):
        here = f"/steps/{place}/touches/{number}"
        if touch.when is not None:
            yield from _inside(f"{here}/when", place, touch.when)
        for choice_number, choice in enumerate(touch.choices()):
            if choice.when is not None:
                yield from _inside(f"{here}/template/{choice_number}/when", place, choice.when)


def _inside(path: str, place: int, condition: Condition) -> Iterator[Asked]:
    """A condition, and those it is made of; not what is denied, which may well never be so."""
    yield path, place, condition
    for number, inner in enumerate(condition.all_ or ()):
        yield from _inside(f"{path}/all/{number}", place, inner)
    for number, inner in enumerate(condition.any_ or ()):
        yield from _inside(f"{path}/any/{number}", place, inner)


def _impossible(script: Script, place: int, condition: Condition) -> str | None:
    """Why a condition can never hold, or None."""
    step = condition.voicemail_left
    if step is not None and not _calls(script, step):
        return f"{step!r} makes no call"
    if condition.reachable is not None and condition.reachable == condition.unreachable:
        return f"{condition.reachable} cannot be both reachable and not"
    if condition.replied not in (None, False) and place == _OUTSIDE:
        return "nobody has answered anything of it yet"
    if condition.tried is not None and not _used_before(script, place, condition.tried):
        return f"nothing before it goes by {condition.tried}"
    fact = condition.fact
    if fact and fact.above is not None and fact.below is not None and fact.above >= fact.below:
        return f"no number is above {fact.above:g} and below {fact.below:g}"
    return _impossible_outcome(script, condition)


def _impossible_outcome(script: Script, condition: Condition) -> str | None:
    asked = condition.outcome
    step = script.sequence.step(asked.of) if asked is not None else None
    if asked is None or step is None:
        return None
    if asked.is_ in _CALLS - {"failed"} and not _calls(script, asked.of):
        return None if isinstance(step, TaskStep) else f"{asked.of!r} makes no call"
    if asked.is_ in ("timed_out", "met") and not isinstance(step, WaitStep | TaskStep):
        return f"{asked.of!r} is no wait"
    if asked.is_ in ("sent", "skipped") and not isinstance(step, TouchStep):
        return f"{asked.of!r} sends nothing"
    return None


def _calls(script: Script, step: str) -> bool:
    found = script.sequence.step(step)
    return isinstance(found, TouchStep) and any("voice" in t.candidates() for t in found.touches)


def _used_before(script: Script, place: int, channel: Channel) -> bool:
    repeats = script.sequence.repeat is not None and place != _OUTSIDE
    return any(m.channel == channel and (m.place < place or repeats) for m in script.messages)


RULES = (
    Rule(
        id="U1-unreachable-step",
        severity="error",
        asks="Every step can be come to.",
        because="A step that nothing leads to is a mistake in a branch.",
        check=_unreachable,
    ),
    Rule(
        id="U2-never-met",
        severity="error",
        asks="Every condition may hold, and every wait may end by what it waits for.",
        because="What can never be so is a mistake, and leads pile up or take the wrong way.",
        check=_never,
    ),
)
