"""Carrying a decision out in memory: touches, timers, tasks, lines and events of a run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from followup_contracts.events import TaskCreated
from followup_database import new_id
from followup_policy.wallclock import offset
from followup_policy.windows import middle_zone
from followup_policy.zones import Whereabouts
from followup_scheduler.book import Edition
from followup_scheduler.core.advance import advance
from followup_scheduler.core.model import (
    OPEN_TOUCH_STATES,
    CallEnded,
    Decision,
    Enrollment,
    PlannedTouch,
    SkippedTouch,
    Stimulus,
    Task,
    TouchKey,
    TouchRecord,
    TouchSettled,
)
from followup_scheduler.core.moving import move
from followup_scheduler.core.touches import contact_round
from followup_scheduler.runs import Run
from followup_scheduler.store.journal import Entry
from followup_scheduler.store.reviews import NewReview
from followup_scheduler.store.tasks import NewTask
from followup_scheduler.touch import Timer, Touch

SettledState = Literal["sent", "failed", "skipped", "unknown"]


def settle(
    run: Run,
    touch: Touch,
    state: SettledState,
    *,
    at: datetime,
    reason: str | None,
    now: datetime,
    closed: bool = False,
) -> None:
    """Let a touch end, or be unknown: its enrollment decides, the ledger keeps the truth.

    What went out is written down as sent even where its enrollment is over, or had
    cancelled it a moment too late. `closed`: nobody is reached on its channel.
    """
    tell(run, TouchSettled(touch.key, state, at, reason, closed), now=now)
    if touch.state != state:
        touch.state, touch.settled_at, touch.reason = state, at, reason
        _disarm(run, touch)
        run.change(touch)


def tell(run: Run, stimulus: Stimulus, *, now: datetime) -> Decision:
    """Let the run's enrollment decide on a stimulus, and carry the decision out."""
    before = run.enrollment
    decision = advance(run.enrollment, run.edition.sequence, stimulus, run.facts, now)
    if decision.why is not None or decision.enrollment != run.enrollment:
        _carry_out(run, decision, now=now)
        if decision.why is not None and not _told_by_touch(stimulus, before, run, decision):
            _write(run, decision, now=now)
    return decision


def go_over(
    run: Run, edition: Edition, *, version: int, steps: Mapping[str, str], now: datetime
) -> None:
    """Let the run go on in another version of its sequence."""
    decision = move(
        run.enrollment,
        run.edition.sequence,
        edition.sequence,
        version=version,
        steps=steps,
        facts=run.facts,
        now=now,
    )
    if decision.why is not None:
        run.edition = edition
        _carry_out(run, decision, now=now)
        _write(run, decision, now=now)


def _carry_out(run: Run, decision: Decision, *, now: datetime) -> None:
    before = run.enrollment
    run.changed = True
    run.raised = run.raised or decision.enrollment.epoch > before.epoch
    run.enrollment = decision.enrollment
    _settle(run, decision.enrollment.touches, now=now)
    if decision.cut:
        _cut(run, decision.why, now=now)
    for planned in decision.plan:
        _plan(run, planned, now=now)
    for skipped in decision.skipped:
        _skip(run, skipped, now=now)
    run.remember()
    _wake(run, decision)
    for task in decision.tasks:
        _open(run, task, now=now)
    run.events.extend(decision.events)
    run.enters.extend(decision.enters)


def _settle(run: Run, records: tuple[TouchRecord, ...], *, now: datetime) -> None:
    """Bring stored touches to what their enrollment now remembers of them."""
    for record in records:
        touch = run.touches.get(record.key)
        if touch is None or touch.record() == record:
            continue
        if record.state == "cancelled":
            touch.note(now, "cancelled", reason=record.reason)
        touch.settled_at, touch.reason = record.at, record.reason
        touch.call_result = record.call
        if touch.state != record.state:
            if record.state == "cancelled":
                _close_answered(touch)
            touch.state = record.state
            _disarm(run, touch)
        _changed(run, touch)


def _cut(run: Run, why: str | None, *, now: datetime) -> None:
    """Cancel what is planned or asked for. What may have gone out stays unknown."""
    for touch in run.touches.values():
        if touch.state in OPEN_TOUCH_STATES:
            _close_answered(touch)
            touch.state, touch.reason, touch.settled_at = "cancelled", why, now
            touch.note(now, "cancelled", reason=why)
            _disarm(run, touch)
            _changed(run, touch)


def _close_answered(touch: Touch) -> None:
    """Let no word about its last command count, where one was given and has been answered."""
    if touch.state == "planned" and touch.round > 0:
        touch.close_round()


def _plan(run: Run, planned: PlannedTouch, *, now: datetime) -> None:
    touch = _new(run, planned.key, content=planned.template)
    touch.template = run.edition.template(planned.key.channel, planned.template)
    touch.lane = planned.lane
    touch.contact_round = planned.contact_round
    touch.compared = planned.variant is not None
    touch.utc_offset = None if planned.hours is None else _ahead(run.facts.where, planned.due_at)
    touch.transactional = planned.transactional
    touch.wanted_at, touch.due_at = planned.wanted_at, planned.due_at
    touch.not_after = planned.not_after
    touch.note(now, "planned", **_planning(run, planned))
    run.timers[touch.id] = _timer(touch, planned)
    if planned.approval is not None or planned.draft == "model":
        run.reviews.append(_review(touch, planned))


def _ahead(where: Whereabouts, at: datetime) -> int | None:
    """How many minutes the person's clock is ahead of UTC, as far as that is known."""
    if not where.zones:
        return None
    return round(offset(middle_zone(at, where), at).total_seconds() / 60)


def _timer(touch: Touch, planned: PlannedTouch) -> Timer:
    """Ask for it when it is due; one that waits for a person, look whether it still does."""
    if planned.approval is not None:
        lapses_at = planned.due_at + planned.approval.within
        return Timer(touch.id, touch.tenant_id, touch.lane, "lapse", lapses_at)
    return Timer(
        touch.id,
        touch.tenant_id,
        touch.lane,
        "touch",
        planned.due_at,
        channel=planned.key.channel,
    )


def _review(touch: Touch, planned: PlannedTouch) -> NewReview:
    asked = planned.approval
    return NewReview(
        touch_id=touch.id,
        tenant_id=touch.tenant_id,
        lead_id=touch.lead_id,
        person_id=touch.person_id,
        enrollment_id=touch.enrollment_id,
        channel=planned.key.channel,
        state="unasked" if asked is None else "pending",
        otherwise="send" if asked is None else asked.otherwise,
        due_at=planned.due_at,
        lapses_at=None if asked is None else planned.due_at + asked.within,
        plain=touch.template,
        drafting="wanted" if planned.draft == "model" else "template",
    )


def _planning(run: Run, planned: PlannedTouch) -> dict[str, Any]:
    """Why a touch is planned for when it is, and why with this text."""
    why: dict[str, Any] = {
        "for": planned.due_at.isoformat(),
        "wanted": planned.wanted_at.isoformat(),
        "moved_by": list(planned.moved_by),
        "zones": sorted(run.facts.where.zones),
        "text": planned.template,
    }
    if planned.variant is not None:
        why["variant"] = planned.variant
    if planned.best is not None:
        why["best_channel"] = planned.best
    if planned.hours is not None:
        why["hours"] = planned.hours
    if planned.instead_of:
        why["instead_of"] = list(planned.instead_of)
    return why


def _skip(run: Run, skipped: SkippedTouch, *, now: datetime) -> None:
    touch = _new(run, skipped.key, content="")
    touch.state, touch.reason, touch.settled_at = "skipped", skipped.reason, now
    touch.note(now, "skipped", rule=skipped.rule, reason=skipped.reason)


def _new(run: Run, key: TouchKey, *, content: str) -> Touch:
    of = run.enrollment
    touch = Touch(
        id=new_id(),
        tenant_id=of.tenant_id,
        enrollment_id=of.id,
        lead_id=of.lead_id,
        person_id=of.person_id,
        sequence=of.sequence,
        version=of.version,
        key=key,
        state="planned",
        epoch=of.epoch,
        lane=of.lane,
        content=content,
        priority=run.edition.sequence.priority,
        template="",
        contact_round=contact_round(of, key),
    )
    run.touches[key] = run.added[key] = touch
    return touch


def _wake(run: Run, decision: Decision) -> None:
    of, wake = run.enrollment, decision.wake
    run.timers[of.id] = (
        None if wake is None else Timer(of.id, of.tenant_id, of.lane, "wake", wake.at, wake.reason)
    )


def _open(run: Run, task: Task, *, now: datetime) -> None:
    of = run.enrollment
    new = NewTask(
        id=new_id(),
        tenant_id=of.tenant_id,
        lead_id=of.lead_id,
        person_id=of.person_id,
        enrollment_id=of.id,
        kind=task.kind,
        reason=task.reason,
        due_at=task.due_at,
        created_at=now,
        title=task.title,
        step=task.step,
        occurrence=task.occurrence,
        outcomes=task.outcomes,
        remind_at=task.remind_at,
    )
    run.tasks.append(new)
    run.events.append(
        TaskCreated(
            task_id=new.id,
            lead_id=of.lead_id,
            person_id=of.person_id,
            enrollment_id=of.id,
            kind=task.kind,
            at=now,
        )
    )


def _told_by_touch(stimulus: Stimulus, before: Enrollment, run: Run, decision: Decision) -> bool:
    """Whether the trace of a touch says all there is to say."""
    same = before.state == run.enrollment.state and not decision.events
    return same and isinstance(stimulus, TouchSettled | CallEnded)


def _write(run: Run, decision: Decision, *, now: datetime) -> None:
    of = run.enrollment
    why: dict[str, Any] = {"state": of.state, "step": of.step}
    if of.end_reason is not None:
        why["end_reason"] = of.end_reason
    if decision.wake is not None:
        why["waits_until"] = decision.wake.at.isoformat()
        why["waits_for"] = decision.wake.reason
    run.entries.append(
        Entry(of.tenant_id, of.lead_id, of.person_id, of.id, now, decision.why or "", why)
    )


def _disarm(run: Run, touch: Touch) -> None:
    touch.outstanding = False
    run.timers[touch.id] = None


def _changed(run: Run, touch: Touch) -> None:
    if touch.key not in run.added:
        run.touched[touch.key] = touch
