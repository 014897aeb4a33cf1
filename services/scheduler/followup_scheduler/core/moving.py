"""Taking a run from one version of its sequence to another.

What went out stays gone: a step is never played twice for a person, whatever became of
its place or its name. What has lost its step goes on at the next one that is left.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from followup_scheduler.core import memory, touches
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.draft import Draft
from followup_scheduler.core.model import (
    ENDED_STATES,
    OPEN_TOUCH_STATES,
    Decision,
    Enrollment,
    Facts,
    SkippedTouch,
    TouchKey,
    TouchRecord,
)

RULE = "version"


def move(
    run: Enrollment,
    old: Sequence,
    new: Sequence,
    *,
    version: int,
    steps: Mapping[str, str],
    facts: Facts,
    now: datetime,
) -> Decision:
    """What follows when a run goes on in another version.

    `steps` says under which id a step of the old version goes on in the new one. A step
    that is gone and not named there is left for the next of the old order that is still
    there; past the last, the run comes to its end. Only where the step it stands on
    really changed is what is planned cut and planned anew. Asked twice, it changes nothing.
    """
    if run.state in ENDED_STATES or run.version == version:
        return Decision(run)
    goes_to = target(run.step, old, new, steps)
    moved = replace(run, version=version)
    why = f"goes on in version {version}"
    if run.step is None or (goes_to == run.step and _same(run, old, new)):
        return Draft(moved, new, facts, now).decision(why)
    draft = Draft(moved, new, facts, now)
    if _open(run):
        draft.cut(why)
    _inherit(draft, steps)
    _stand(draft, goes_to)
    return draft.decision(f"{why}, at {goes_to}" if goes_to else f"{why}, past its last step")


def target(step: str | None, old: Sequence, new: Sequence, steps: Mapping[str, str]) -> str | None:
    """The step at which a run goes on that stands on one of the old version; None past the last."""
    place = old.place(step)
    if place is None:
        return step if new.place(step) is not None else None
    for each in old.steps[place:]:
        name = steps.get(each.id, each.id)
        if new.place(name) is not None:
            return name
    return None


def _same(run: Enrollment, old: Sequence, new: Sequence) -> bool:
    """Whether the step it stands on, and what its touches say, is as it was."""
    before, after = old.step(run.step), new.step(run.step)
    if before != after or _frame(old) != _frame(new):
        return False
    return before is None or all(
        old.templates.get(key) == new.templates.get(key) for key in _texts(before)
    )


def _frame(sequence: Sequence) -> tuple[object, ...]:
    """What else decides when the touches of a step go."""
    return sequence.anchor, sequence.limits, sequence.repeat, sequence.transactional


def _texts(step: object) -> set[str]:
    several = getattr(step, "touches", ())
    return {key for touch in several for _, key in touch.uses()}


def _open(run: Enrollment) -> bool:
    return any(touch.state in OPEN_TOUCH_STATES for touch in run.touches)


def _inherit(draft: Draft, steps: Mapping[str, str]) -> None:
    """What went out under a step's old id has gone out under its new one."""
    for name, renamed in steps.items():
        if name == renamed or draft.sequence.place(renamed) is None:
            continue
        since = memory.since(draft.enrollment)
        gone = {
            touch.key.channel
            for touch in draft.enrollment.touches
            if touch.key.step == name
            and touch.key.occurrence >= since
            and touch.state in touches.MAYBE_SENT
        }
        for channel in sorted(gone):
            ways = frozenset({channel})
            standing = touches.standing(draft.enrollment, step=renamed, channels=ways, since=since)
            if standing is None:
                _say_gone(draft, TouchKey(renamed, since, channel), name)


def _say_gone(draft: Draft, key: TouchKey, name: str) -> None:
    reason = f"It went out as {name}, in the version before."
    record = TouchRecord(key, "skipped", at=draft.now, reason=reason)
    draft.enrollment = touches.with_record(draft.enrollment, record)
    draft.skipped.append(SkippedTouch(key, RULE, reason))


def _stand(draft: Draft, goes_to: str | None) -> None:
    """Plan from the target on; who waits stands there and is planned for when it resumes.

    Where nothing is left, a run that waits keeps the step that is gone: resumed, it ends.
    """
    step = draft.sequence.step(goes_to)
    if draft.enrollment.state == "active":
        draft.walk(step)
    elif step is not None:
        draft.enrollment = replace(draft.enrollment, step=step.id)
