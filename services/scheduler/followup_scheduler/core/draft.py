"""A decision while it is being made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from followup_contracts.events import (
    LeadHandedOff,
    SequenceBranched,
    SequenceCompleted,
    SequenceEnrolled,
    SequenceHalted,
)
from followup_contracts.payload import Payload
from followup_policy.windows import SendWindow
from followup_scheduler.core import anchors, memory, touches
from followup_scheduler.core.conditions import holds
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.part import END
from followup_scheduler.core.model import (
    Decision,
    Enrollment,
    EnrollmentState,
    Facts,
    PlannedTouch,
    SkippedTouch,
    Task,
)
from followup_scheduler.core.moments import days_between, wanted
from followup_scheduler.core.progress import is_settled, wake_of
from followup_scheduler.core.rounds import NOBODY_TO_REACH
from followup_scheduler.core.steps import Step, WaitStep
from followup_scheduler.core.steps.shape import TIMED_OUT, StepShape
from followup_scheduler.core.steps.wait import MET

RAN_THROUGH = "ran_through"

_PAUSED_AT = "paused_at"  # in an enrollment's memory
_FIXED = frozenset({anchors.PREVIOUS, anchors.ENROLLED})
"""Anchors that never move."""


@dataclass(slots=True)
class Draft:
    """The enrollment as it will be, and what has to be done for that.

    Every method is one step of the state machine; `decision` closes the draft. While
    `rewinding`, touches that were skipped may be planned after all.
    """

    enrollment: Enrollment
    sequence: Sequence
    facts: Facts
    now: datetime
    plan: list[PlannedTouch] = field(default_factory=list)
    skipped: list[SkippedTouch] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    events: list[Payload] = field(default_factory=list)
    enters: list[str] = field(default_factory=list)
    was_cut: bool = False
    rewinding: bool = False

    def decision(self, why: str | None) -> Decision:
        """What came of it."""
        return Decision(
            enrollment=self.enrollment,
            plan=tuple(self.plan),
            skipped=tuple(self.skipped),
            cut=self.was_cut,
            wake=wake_of(self.enrollment, self.sequence, now=self.now),
            tasks=tuple(self.tasks),
            events=tuple(self.events),
            enters=tuple(self.enters),
            why=why,
        )

    @property
    def step(self) -> Step | None:
        """The step the enrollment stands on."""
        return self.sequence.step(self.enrollment.step)

    # What steps ask and say

    def holds(self, condition: Condition | None) -> bool:
        """Whether a condition holds now."""
        return holds(condition, enrollment=self.enrollment, facts=self.facts)

    def note(self, step: str, **values: Any) -> None:
        """Remember something of a step; None forgets it."""
        self.enrollment = memory.note(self.enrollment, step, **values)

    def end_step(self, step: str, outcome: str, *, goes: str | None = None) -> None:
        """A step is over; `goes` is where it leads, if not to the one that follows."""
        self.note(step, due=None, until=None, ended=outcome, goes=goes)

    def anchor_of(self, name: str) -> datetime | None:
        """The moment that steps are counted from by this name, while it is known."""
        return anchors.anchor_of(
            name, enrollment=self.enrollment, sequence=self.sequence, facts=self.facts
        )

    def await_anchor(self, step: StepShape) -> datetime | None:
        """What a step is counted from. While it is not known it is waited for, and not for ever."""
        name = step.moment.from_
        anchor = self.anchor_of(name)
        if anchor is not None:
            self.note(step.id, until=None)
            if self.sequence.anchor_named(name) not in _FIXED:
                self.enrollment = memory.with_anchor(self.enrollment, name, anchor)
            return anchor
        until = memory.noted_moment(self.enrollment, step.id, memory.UNTIL)
        until = until or self.now + self.sequence.limits.anchor
        if until <= self.now:
            self.end_step(step.id, TIMED_OUT)
        else:
            self.note(step.id, until=until.isoformat())
        return None

    def wanted(
        self, step: StepShape, anchor: datetime, window: SendWindow | None = None
    ) -> datetime:
        """The moment a step asks for, later by the days a calendar of our own has waited."""
        ours = self.sequence.anchor_named(step.moment.from_) == anchors.ENROLLED
        return wanted(
            step.moment,
            anchor=anchor,
            where=self.facts.where,
            opens=None if window is None else window.spans[0][0],
            shift_days=int(self.enrollment.memory.get(memory.SHIFT_DAYS, 0)) if ours else 0,
        )

    def next_occurrence(self, step: str) -> None:
        """Count the touches that are planned next as a new occurrence of a step."""
        since = memory.since(self.enrollment, step)
        occurrence = touches.next_occurrence(self.enrollment, step, since=since)
        self.enrollment = replace(self.enrollment, occurrence=occurrence)

    def tell_branch(self, to: str) -> None:
        """Tell everybody which way it went."""
        self.events.append(SequenceBranched(**self._run(), branch=to))

    # Going on

    def begin(self) -> None:
        """Enter the sequence."""
        self.events.append(SequenceEnrolled(**self._run()))
        self._enter_round()

    def walk(self, step: Step | None) -> None:
        """Enter steps from this one on until one has to be waited for; finish past the last."""
        while step is not None:
            self.enrollment = replace(self.enrollment, step=step.id)
            step.enter(self)
            if self.enrollment.state != "active" or not self._is_settled():
                return
            step = self._leave(step)
        self.finish()

    def go_on(self) -> None:
        """See whether what is waited for is there, and walk on if it is."""
        if self.enrollment.state != "active":
            return
        step = self.step
        if step is None:
            if memory.begins_at(self.enrollment) is not None:
                self._enter_round()
            return
        if memory.ends_at(self.enrollment) is not None:
            if self._is_settled():
                self.finish()
            return
        step.look(self)
        if self.enrollment.state == "active" and self._is_settled():
            self.walk(self._leave(step))

    def _is_settled(self) -> bool:
        return is_settled(self.enrollment, self.sequence, now=self.now)

    def _leave(self, step: Step) -> Step | None:
        """The step that follows one that is over."""
        if self.sequence.counts_from_previous:
            at = step.ended_at(self.enrollment, self.now)
            self.enrollment = memory.with_previous(self.enrollment, at)
        goes = memory.noted(self.enrollment, step.id).get(memory.GOES)
        if goes is None:
            return self.sequence.step_after(step.id)
        return None if goes == END else self.sequence.step(goes)

    def jump(self, to: str) -> None:
        """Go on at a step, wherever the enrollment stands, and whatever it waits for."""
        self.cut(f"branched to {to}")
        self.tell_branch(to)
        self._leave_waits()
        self.enrollment = memory.ending_at(memory.starting_at(self.enrollment, to), None)
        self.enrollment = memory.with_previous(self.enrollment, self.now)
        self.walk(self.sequence.step(to))

    def hear(self, name: str) -> None:
        """Something happened: it may be what a wait is for."""
        step = self.step
        if not isinstance(step, WaitStep) or not step.hears(name):
            return
        known = memory.noted(self.enrollment, step.id)
        if memory.BEGUN in known and memory.ENDED not in known:
            self.end_step(step.id, MET)

    # Times round

    def _enter_round(self) -> None:
        """Walk from the first step, or wait until this time round begins."""
        begins = self._begins_at()
        if begins is not None and begins > self.now:
            self.enrollment = memory.beginning_at(self.enrollment, begins)
            return
        self.enrollment = memory.beginning_at(self.enrollment, None)
        self.walk(self.sequence.step_after(None))

    def _begins_at(self) -> datetime | None:
        if self.sequence.repeat is None:
            return None
        anchor = self.anchor_of("anchor")
        if anchor is None:
            return None
        earliest = min(step.moment.earliest() for step in self.sequence.steps)
        return anchor + min(earliest, timedelta(0))

    def _next_round(self) -> bool:
        """Begin again, if the document says so; False when it was the last time round."""
        following = anchors.next_round(
            enrollment=self.enrollment, sequence=self.sequence, facts=self.facts, now=self.now
        )
        if following is None:
            return False
        occurrence = 1 + max((t.key.occurrence for t in self.enrollment.touches), default=-1)
        occurrence = max(occurrence, memory.since(self.enrollment))
        number, anchor = following
        self.enrollment = memory.with_previous(
            memory.begin_cycle(self.enrollment, number=number, occurrence=occurrence),
            max(anchor, self.now),
        )
        return True

    # Stopping

    def cut(self, reason: str) -> None:
        """Cancel what is open; commands under way carry an epoch that no longer counts."""
        fresh = {planned.key for planned in self.plan}
        self.enrollment = touches.without_open(
            self.enrollment, fresh=fresh, at=self.now, reason=reason
        )
        if not self.was_cut:
            self.enrollment = replace(self.enrollment, epoch=self.enrollment.epoch + 1)
        self.plan, self.was_cut = [], True

    def wait(self, state: EnrollmentState, *, reason: str, until: datetime | None = None) -> None:
        """Pause or hold. A wait on top of a wait counts from the first."""
        self.cut(reason)
        known = dict(self.enrollment.memory)
        known.setdefault(_PAUSED_AT, self.now.isoformat())
        self.enrollment = replace(self.enrollment, state=state, resume_at=until, memory=known)

    def resume(self) -> None:
        """Become active and plan what the step still lacks.

        The rest of the calendar moves by the days that were waited, so that its spacing
        stays.
        """
        begun = self.enrollment.step is not None or memory.begins_at(self.enrollment) is not None
        self._leave_waits()
        if not begun:
            self.begin()
        elif self.enrollment.step is None:
            self._enter_round()
        else:
            self.walk(self.step)

    def _leave_waits(self) -> None:
        """Be active again."""
        self.enrollment = replace(
            self.enrollment, state="active", resume_at=None, memory=self._resumed_memory()
        )

    def _resumed_memory(self) -> Mapping[str, Any]:
        known = dict(self.enrollment.memory)
        paused_at = known.pop(_PAUSED_AT, None)
        if paused_at is not None:
            start = datetime.fromisoformat(paused_at)
            waited = days_between(self.facts.where, start, max(start, self.now))
            if waited:
                known[memory.SHIFT_DAYS] = int(known.get(memory.SHIFT_DAYS, 0)) + waited
        return known

    def replan(self, reason: str) -> None:
        """Plan the step anew, after cancelling what is open of it."""
        self.cut(reason)
        self.walk(self.step)

    def rewind(self, reason: str) -> None:
        """Walk this time round from its first step: what went out stays, the rest moves."""
        self.cut(reason)
        self.enrollment = memory.ending_at(self.enrollment, None)
        self.rewinding = True
        first = self.sequence.step(memory.starts_at(self.enrollment))
        self.walk(first or self.sequence.step_after(None))
        self.rewinding = False

    def look_again(self) -> None:
        """What is known has changed: move what is planned, at once, and send nothing twice."""
        if self.enrollment.state != "active":
            return
        if self._anchors_moved():
            self.rewind("what it is counted from has moved")
        elif self._would_plan_otherwise():
            self.replan("what is known has changed")
        else:
            self.go_on()

    def _anchors_moved(self) -> bool:
        """Whether an anchor is not what steps were counted from; from here on it is."""
        known = memory.anchors(self.enrollment)
        now = {name: self.anchor_of(name) for name in known}
        told = {name: at.isoformat() for name, at in now.items() if at is not None}
        if told == known:
            return False
        self.enrollment = memory.with_anchors(self.enrollment, told)
        return self.enrollment.step is not None

    def _would_plan_otherwise(self) -> bool:
        """Whether what waits for its moment would get another one, or another text."""
        step = self.step
        waiting = [t for t in self.enrollment.touches if t.state == "planned"]
        if step is None or not waiting:
            return False
        if any(t.due_at is None or t.due_at <= self.now for t in waiting):
            return False
        trial = Draft(self.enrollment, self.sequence, self.facts, self.now)
        trial.cut("to see what would be planned")
        step.enter(trial)
        return {(p.key.channel, p.due_at, p.template) for p in trial.plan} != {
            (t.key.channel, t.due_at, t.text) for t in waiting
        }

    # Ending

    def halt(self, reason: str, *, hand_off: str | None = None) -> None:
        """End before the last step."""
        self.cut(reason)
        self._end("halted", reason)
        self.events.append(SequenceHalted(**self._run(), reason=reason))
        if hand_off is not None:
            self.hand_off(hand_off)

    def switch(self, to: str, *, reason: str, hand_off: str | None = None) -> None:
        """End, and have the lead enter another sequence."""
        self.halt(reason, hand_off=hand_off)
        self.enters.append(to)

    def finish(self) -> None:
        """Begin the next time round; after the last one end, once answers have had their time."""
        if self._next_round():
            self._enter_round()
            return
        contacted = any(t.state in touches.MAYBE_SENT for t in self.enrollment.touches)
        ends_at = memory.ends_at(self.enrollment) or self.now + self.sequence.end.wait
        if contacted and ends_at > self.now:
            self.enrollment = memory.ending_at(self.enrollment, ends_at)
        else:
            self._complete(contacted=contacted)

    def _complete(self, *, contacted: bool) -> None:
        """Whoever could not be reached at all is handed to nobody."""
        reason = RAN_THROUGH if contacted or not self.sequence.uses() else self._why_nobody()
        self._end("completed", reason)
        self.events.append(SequenceCompleted(**self._run(), reason=reason))
        if reason != RAN_THROUGH:
            return
        if self.sequence.end.hand_off is not None:
            self.hand_off(self.sequence.end.hand_off)
        if self.sequence.end.then is not None:
            self.enters.append(self.sequence.end.then)

    def _why_nobody(self) -> str:
        """The refusal all channels share, such as a missing consent, or that there is nobody."""
        channels = {channel for channel, _ in self.sequence.uses()}
        reasons = {self.facts.refused.get(channel, NOBODY_TO_REACH) for channel in channels}
        return reasons.pop() if len(reasons) == 1 else NOBODY_TO_REACH

    def _end(self, state: EnrollmentState, reason: str) -> None:
        step = None if state == "completed" else self.enrollment.step
        self.enrollment = replace(
            self.enrollment, state=state, step=step, resume_at=None, end_reason=reason
        )

    def hand_off(self, to: str) -> None:
        """Hand the lead to a list that other systems read."""
        lead, person = self.enrollment.lead_id, self.enrollment.person_id
        self.events.append(LeadHandedOff(lead_id=lead, person_id=person, to=to, at=self.now))

    def _run(self) -> dict[str, Any]:
        return {
            "enrollment_id": self.enrollment.id,
            "lead_id": self.enrollment.lead_id,
            "person_id": self.enrollment.person_id,
            "sequence": self.enrollment.sequence,
            "version": self.enrollment.version,
            "at": self.now,
        }
