"""The one function that moves an enrollment."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from followup_policy.zones import Whereabouts
from followup_scheduler.core import memory, touches
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.draft import Draft
from followup_scheduler.core.format.reaction import Reaction
from followup_scheduler.core.model import (
    ENDED_STATES,
    OPEN_TOUCH_STATES,
    CallEnded,
    Converted,
    Decision,
    Enrollment,
    Facts,
    FactsChanged,
    Happened,
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
from followup_scheduler.core.progress import wake_of
from followup_scheduler.core.ranking import CROWDED
from followup_scheduler.core.reactions import (
    OPTED_OUT,
    Occurred,
    Reacted,
    choose,
    default_to,
    defaults,
    opts_out,
    work_out,
)
from followup_scheduler.core.steps import TaskStep, TouchStep

_GO_ON = Reaction(do="go_on")
_NOT_GONE = frozenset({"failed", "skipped"})


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
        case Woken():
            why = _woken(draft, stimulus)
        case Ordered():
            why = _ordered(draft, stimulus)
        case TaskSettled():
            why = _task_settled(draft, stimulus)
        case Converted() | Happened() | FactsChanged():
            why = _heard_of(draft, stimulus)
        case _:
            assert_never(stimulus)
    return why


def _started(draft: Draft) -> str | None:
    run = draft.enrollment
    begun = run.step is not None or run.touches or memory.begins_at(run) is not None
    if run.state != "active" or begun:
        return None
    draft.begin()
    return f"enrolled in {run.sequence}, version {run.version}"


def _touch_settled(draft: Draft, told: TouchSettled) -> str | None:
    known = touches.find(draft.enrollment.touches, told.key)
    if known is None or not touches.may_become(known.state, told.state):
        return None
    record = replace(known, state=told.state, at=told.at, reason=told.reason)
    _remember(draft, record)
    if told.state in _NOT_GONE:
        _close(draft, told)
    _go_on(draft, record)
    because = f": {told.reason}" if told.reason else ""
    return f"{_name(told.key)} {told.state}{because}"


def _close(draft: Draft, told: TouchSettled) -> None:
    """Remember that a touch did not find its person, if it may look for them elsewhere."""
    step = draft.sequence.step(told.key.step)
    if isinstance(step, TouchStep) and step.may_fall_back(draft.enrollment, told.key):
        gone = told.state == "failed" and told.key.channel not in draft.facts.reachable
        if told.closed or gone:
            step.close(draft, told.key.channel)


def _call_ended(draft: Draft, told: CallEnded) -> str | None:
    """The first result of a call counts. One that ended was made, whatever else we heard."""
    known = touches.find(draft.enrollment.touches, told.key)
    if known is None or known.call is not None or known.state in ("failed", "skipped"):
        return None
    at = known.at if known.state == "sent" and known.at is not None else told.at
    record = replace(known, state="sent", at=at, call=told.result)
    _remember(draft, record)
    name = f"call.{told.result}"
    draft.hear(name)
    said = draft.sequence.reactions(name)
    reaction = choose(said, holds=draft.holds, default=_GO_ON)
    why = f"{_name(told.key)} ended: {told.result}"
    if reaction is _GO_ON or _twin(draft, record):
        _go_on(draft, record)
        return why
    what = f"call: {told.result}"
    return f"{why}; {_react(draft, reaction, Occurred(name, what, *_here(draft)))}"


def _remember(draft: Draft, record: TouchRecord) -> None:
    draft.enrollment = touches.with_record(draft.enrollment, record)


def _go_on(draft: Draft, record: TouchRecord) -> None:
    """Go on from what became of a touch.

    A touch may turn out to have gone before it was cancelled, when its successor is
    planned already: the successor must not go as well.
    """
    if draft.enrollment.state != "active":
        return
    if _twin(draft, record):
        draft.replan("went out before it was cancelled")
    else:
        draft.go_on()


def _twin(draft: Draft, record: TouchRecord) -> bool:
    step = draft.sequence.step(record.key.step)
    return (
        record.state in touches.MAYBE_SENT
        and isinstance(step, TouchStep)
        and step.has_twin(draft.enrollment, record)
    )


def _reply_read(draft: Draft, told: ReplyRead) -> str | None:
    if opts_out(told):
        draft.halt(OPTED_OUT)
        return f"reply: {told.intent}; halted ({OPTED_OUT})"
    name = f"reply.{told.intent}"
    draft.enrollment = memory.with_reply(draft.enrollment, told.intent)
    draft.hear(name)
    reaction = choose(
        draft.sequence.reactions(name), holds=draft.holds, default=defaults()[told.intent]
    )
    what = f"reply: {told.intent}"
    return f"{what}; {_react(draft, reaction, Occurred(name, what, *_here(draft), told.until))}"


def _heard_of(draft: Draft, told: Converted | Happened | FactsChanged) -> str | None:
    """What the product tells: react to it, and see whether what is planned must move."""
    before = draft.enrollment
    match told:
        case FactsChanged():
            draft.look_again()
            return "what is known has changed" if draft.enrollment != before else None
        case Converted(kind):
            name, what = "lead.converted", f"won: {kind}"
        case Happened(event):
            name, what = event, event.replace(".", " ").replace("_", " ")
    draft.hear(name)
    default = default_to(name, draft.sequence)
    if name == "lead.converted" and told == Converted("appointment", told.at):
        default = default_to("appointment.booked", draft.sequence)
    reaction = choose(draft.sequence.reactions(name), holds=draft.holds, default=default)
    why = _react(draft, reaction, Occurred(name, what, *_here(draft)))
    if reaction.do == "go_on":
        draft.look_again()
        return what if draft.enrollment != before or draft.tasks else None
    return f"{what}; {why}"


def _task_settled(draft: Draft, told: TaskSettled) -> str | None:
    """An outcome steers the sequence if its step waits for it, and is written down anyway."""
    what = f"task {told.kind} closed: {told.outcome}"
    step = draft.sequence.step(told.step)
    if not isinstance(step, TaskStep) or not step.is_asked(draft.enrollment, told.occurrence):
        return what
    draft.end_step(step.id, told.outcome)
    reaction = step.reaction_to(told.outcome)
    if reaction is None or not draft.holds(reaction.when):
        draft.go_on()
        return what
    occurred = Occurred(f"task.{told.outcome}", f"task: {told.outcome}", *_here(draft))
    return f"{what}; {_react(draft, reaction, occurred)}"


def _here(draft: Draft) -> tuple[Whereabouts, datetime]:
    return draft.facts.where, draft.now


def _react(draft: Draft, reaction: Reaction, occurred: Occurred) -> str:
    reacted = work_out(reaction, occurred)
    if reacted.task is not None:
        draft.tasks.append(reacted.task)
    return _carry_out(draft, reacted)


def _carry_out(draft: Draft, reacted: Reacted) -> str:
    match reacted.do:
        case "go_on":
            active = draft.enrollment.state == "active"
            draft.go_on()
            return "goes on" if active else "changes nothing"
        case "halt":
            draft.halt(reacted.reason, hand_off=reacted.hand_off)
            return f"halted ({reacted.reason})"
        case "hold":
            draft.wait("held", reason=reacted.reason)
            return "waits for a person"
        case "wait":
            return _wait(draft, reacted)
        case "branch":
            return _branch(draft, reacted)
        case "switch":
            draft.switch(reacted.to or "", reason=reacted.reason, hand_off=reacted.hand_off)
            return f"ends; enters {reacted.to}"
    assert_never(reacted.do)


def _branch(draft: Draft, reacted: Reacted) -> str:
    """Go on at a step, unless a person's decision is waited for already."""
    if _awaits_person(draft):
        return "still waits for a person"
    draft.jump(reacted.to or "")
    return f"goes on at {reacted.to}"


def _wait(draft: Draft, reacted: Reacted) -> str:
    """Wait for a date, unless a person's decision is waited for already."""
    if _awaits_person(draft):
        return "still waits for a person"
    draft.wait("paused", reason=reacted.reason, until=reacted.until)
    return f"waits until {reacted.until:%Y-%m-%d %H:%M} UTC"


def _awaits_person(draft: Draft) -> bool:
    run = draft.enrollment
    return run.state == "held" or (run.state == "paused" and run.resume_at is None)


def _woken(draft: Draft, told: Woken) -> str | None:
    """Go on if what was waited for is over; else say so, which arms the wake that stands."""
    run = draft.enrollment
    if run.state == "paused" and run.resume_at is not None and run.resume_at <= draft.now:
        draft.resume()
        return "the wait is over; resumed"
    if told.reason == CROWDED and _can_move(run):
        draft.replan(CROWDED)
        return "planned again: another sequence goes first"
    draft.go_on()
    if draft.enrollment != run or draft.plan:
        return f"waited long enough for: {told.reason}"
    standing = wake_of(run, draft.sequence, now=draft.now)
    return None if standing is None else f"woken early; waits for: {standing.reason}"


def _can_move(run: Enrollment) -> bool:
    """Whether what is open is only planned: what is being asked for goes or is deferred."""
    states = {touch.state for touch in run.touches if touch.state in OPEN_TOUCH_STATES}
    return run.state == "active" and states == {"planned"}


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
