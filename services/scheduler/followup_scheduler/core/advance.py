"""The one function that moves an enrollment."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from followup_scheduler.core import touches
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.draft import Draft
from followup_scheduler.core.model import (
    ENDED_STATES,
    OPEN_TOUCH_STATES,
    CallEnded,
    Converted,
    Decision,
    Enrollment,
    Facts,
    OptedOut,
    Ordered,
    ReplyRead,
    Started,
    Stimulus,
    TaskSettled,
    TouchKey,
    TouchRecord,
    TouchSettled,
    Woken,
)
from followup_scheduler.core.progress import is_settled, wake_of
from followup_scheduler.core.reactions import OPTED_OUT, Reacted, react


def advance(
    enrollment: Enrollment,
    sequence: Sequence,
    stimulus: Stimulus,
    facts: Facts,
    now: datetime,
) -> Decision:
    """What follows when an enrollment is told something.

    Safe against duplicates and any order: what was told before changes nothing, and an
    ended enrollment never changes. `sequence` is the version the enrollment runs.
    """
    if enrollment.state in ENDED_STATES:
        return Decision(enrollment)
    draft = Draft(enrollment, sequence, facts, now)
    return draft.decision(_told(draft, stimulus))


def _told(draft: Draft, stimulus: Stimulus) -> str | None:
    """Change the draft as the stimulus demands; one line says why, None that nothing did."""
    match stimulus:
        case Started():
            why = _started(draft)
        case TouchSettled():
            why = _touch_settled(draft, stimulus)
        case CallEnded():
            why = _call_ended(draft, stimulus)
        case ReplyRead():
            why = _reply_read(draft, stimulus)
        case OptedOut(channel):
            draft.halt(OPTED_OUT)
            why = f"opted out by {channel}"
        case Converted(kind):
            draft.halt("booked" if kind == "appointment" else "converted")
            why = f"won: {kind}"
        case Woken():
            why = _woken(draft, stimulus)
        case Ordered():
            why = _ordered(draft, stimulus)
        case TaskSettled(kind, outcome):
            why = f"task {kind} closed: {outcome}"
        case _:
            assert_never(stimulus)
    return why


def _started(draft: Draft) -> str | None:
    run = draft.enrollment
    if run.state != "active" or run.step is not None or run.touches:
        return None
    draft.begin()
    return f"enrolled in {run.sequence}, version {run.version}"


def _touch_settled(draft: Draft, told: TouchSettled) -> str | None:
    known = touches.find(draft.enrollment.touches, told.key)
    if known is None or not touches.may_become(known.state, told.state):
        return None
    record = replace(known, state=told.state, at=told.at, reason=told.reason)
    _record(draft, record)
    because = f": {told.reason}" if told.reason else ""
    return f"{_name(told.key)} {told.state}{because}"


def _call_ended(draft: Draft, told: CallEnded) -> str | None:
    """The first result of a call counts. One that ended was made, whatever else we heard."""
    known = touches.find(draft.enrollment.touches, told.key)
    if known is None or known.call is not None or known.state in ("failed", "skipped"):
        return None
    at = known.at if known.state == "sent" and known.at is not None else told.at
    _record(draft, replace(known, state="sent", at=at, call=told.result))
    return f"{_name(told.key)} ended: {told.result}"


def _record(draft: Draft, record: TouchRecord) -> None:
    """Remember what became of a touch, and go on from there.

    A touch may turn out to have gone before it was cancelled, when its successor is
    planned already: the successor must not go as well.
    """
    draft.enrollment = touches.with_record(draft.enrollment, record)
    if draft.enrollment.state != "active":
        return
    if record.state in touches.MAYBE_SENT and _has_open_twin(draft.enrollment, record.key):
        draft.replan("went out before it was cancelled")
    else:
        draft.go_on()


def _has_open_twin(enrollment: Enrollment, key: TouchKey) -> bool:
    return any(
        touch.key != key
        and (touch.key.step, touch.key.channel) == (key.step, key.channel)
        and touch.state in OPEN_TOUCH_STATES
        for touch in enrollment.touches
    )


def _reply_read(draft: Draft, told: ReplyRead) -> str | None:
    reacted = react(draft.sequence, told, where=draft.facts.where, now=draft.now)
    if reacted.task is not None:
        draft.tasks.append(reacted.task)
    return f"reply: {told.intent}; {_carry_out(draft, reacted)}"


def _carry_out(draft: Draft, reacted: Reacted) -> str:
    match reacted.do:
        case "go_on":
            return "goes on" if draft.enrollment.state == "active" else "changes nothing"
        case "halt":
            draft.halt(reacted.reason, hand_off=reacted.hand_off)
            return f"halted ({reacted.reason})"
        case "hold":
            draft.wait("held", reason=reacted.reason)
            return "waits for a person"
        case "wait":
            return _wait(draft, reacted)
    assert_never(reacted.do)


def _wait(draft: Draft, reacted: Reacted) -> str:
    """Wait for a date, unless a person's decision is waited for already."""
    run = draft.enrollment
    if run.state == "held" or (run.state == "paused" and run.resume_at is None):
        return "still waits for a person"
    draft.wait("paused", reason=reacted.reason, until=reacted.until)
    return f"waits until {reacted.until:%Y-%m-%d %H:%M} UTC"


def _woken(draft: Draft, told: Woken) -> str | None:
    """Go on if what was waited for is over; else say so, which arms the wake that stands."""
    run = draft.enrollment
    if run.state == "paused" and run.resume_at is not None and run.resume_at <= draft.now:
        draft.resume()
        return "the wait is over; resumed"
    begun = run.state == "active" and run.step is not None
    if begun and is_settled(run, draft.sequence, now=draft.now):
        draft.go_on()
        if draft.enrollment != run or draft.plan:
            return f"waited long enough for: {told.reason}"
    standing = wake_of(run, draft.sequence, now=draft.now)
    return None if standing is None else f"woken early; waits for: {standing.reason}"


def _ordered(draft: Draft, told: Ordered) -> str | None:
    run = draft.enrollment
    match told.order:
        case "halt":
            draft.halt(told.reason)
            return f"halted by order: {told.reason}"
        case "pause":
            if run.state == "paused" and run.resume_at is None:
                return None
            draft.wait("paused", reason=told.reason)
            return f"paused by order: {told.reason}"
        case "resume":
            if run.state == "active":
                return None
            draft.resume()
            return f"resumed by order: {told.reason}"
    assert_never(told.order)


def _name(key: TouchKey) -> str:
    return f"{key.channel} of {key.step}"
