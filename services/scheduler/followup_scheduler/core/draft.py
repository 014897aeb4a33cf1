"""A decision while it is being made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from followup_contracts.events import (
    Audience,
    LeadHandedOff,
    SequenceCompleted,
    SequenceEnrolled,
    SequenceHalted,
)
from followup_contracts.payload import Channel, Payload
from followup_policy.caps import PastContact
from followup_policy.windows import SendWindow
from followup_scheduler.core import touches
from followup_scheduler.core.conditions import choose
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.format.at import AT_ONCE
from followup_scheduler.core.format.touch import Touch
from followup_scheduler.core.model import (
    Decision,
    Enrollment,
    EnrollmentState,
    Facts,
    PlannedTouch,
    SkippedTouch,
    Task,
    TouchKey,
    TouchRecord,
)
from followup_scheduler.core.moments import days_between, wanted
from followup_scheduler.core.planning import Moment, NoMoment, Occasion, find_moment, preference
from followup_scheduler.core.progress import ending_at, ends_at_of, is_settled, wake_of
from followup_scheduler.core.steps import Step, TouchStep

RAN_THROUGH = "ran_through"
NOBODY_TO_REACH = "nobody_to_reach"

# What an enrollment's memory holds for us.
_PAUSED_AT = "paused_at"
_SHIFT_DAYS = "shift_days"


@dataclass(slots=True)
class Draft:
    """The enrollment as it will be, and what has to be done for that.

    Every method is one step of the state machine; `decision` closes the draft.
    """

    enrollment: Enrollment
    sequence: Sequence
    facts: Facts
    now: datetime
    plan: list[PlannedTouch] = field(default_factory=list)
    skipped: list[SkippedTouch] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    events: list[Payload] = field(default_factory=list)
    was_cut: bool = False

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
            why=why,
        )

    # Going on

    def begin(self) -> None:
        """Enter the sequence."""
        self.events.append(SequenceEnrolled(**self._run()))
        self.walk(self.sequence.step_after(None))

    def walk(self, step: Step | None) -> None:
        """Plan from `step` on until something has to be waited for; complete past the last."""
        while step is not None:
            self.plan_step(step)
            if not is_settled(self.enrollment, self.sequence, now=self.now):
                return
            step = self.sequence.step_after(step.id)
        self.finish()

    def go_on(self) -> None:
        """Walk on, if the step the enrollment stands on is done with."""
        settled = is_settled(self.enrollment, self.sequence, now=self.now)
        if self.enrollment.state == "active" and self.enrollment.step is not None and settled:
            self.walk(self.sequence.step_after(self.enrollment.step))

    def plan_step(self, step: Step) -> None:
        """Stand on `step` and plan those of its touches that nothing speaks for yet."""
        round_ = step.touches if isinstance(step, TouchStep) else ()
        due = [touch for touch in round_ if self._is_due(step, touch)]
        if due:
            occurrence = touches.next_occurrence(self.enrollment, step.id)
            self.enrollment = replace(self.enrollment, step=step.id, occurrence=occurrence)
        else:
            self.enrollment = replace(self.enrollment, step=step.id)
        for touch in due:
            self._plan_touch(step, touch)

    def _is_due(self, step: Step, touch: Touch) -> bool:
        standing = touches.standing(self.enrollment, step=step.id, channel=_channel(touch))
        return standing is None or standing.state == "cancelled"

    def _plan_touch(self, step: Step, touch: Touch) -> None:
        channel = _channel(touch)
        key = TouchKey(step.id, self.enrollment.occurrence, channel)
        if channel not in self.facts.reachable:
            refused = self.facts.refused.get(channel, NOBODY_TO_REACH)
            self._skip(key, rule="unreachable", reason=refused)
            return
        template = choose(touch, enrollment=self.enrollment, facts=self.facts)
        if template is None:
            self._skip(key, rule="document", reason="The sequence has no touch here for this lead.")
            return
        occasion = self._occasion(key)
        window = None if (step.at or AT_ONCE).hours == "at_once" else preference(touch, occasion)
        wish = self._wanted(step, touch, window)
        latest = wish + self.sequence.limits.slide
        earliest = max(self.now, wish)
        found = find_moment(channel, occasion, earliest=earliest, latest=latest, window=window)
        match found:
            case NoMoment(rule, reason):
                self._skip(key, rule=rule, reason=reason)
            case Moment(at, moved_by):
                self._arm(
                    PlannedTouch(
                        key=key,
                        due_at=at,
                        wanted_at=wish,
                        lane=self.enrollment.lane if window is None else "later",
                        template=template,
                        contact_round=occasion.round,
                        not_after=latest,
                        moved_by=moved_by,
                    )
                )

    def _arm(self, planned: PlannedTouch) -> None:
        record = TouchRecord(planned.key, "planned")
        self.enrollment = touches.with_record(self.enrollment, record)
        self.plan.append(planned)

    def _wanted(self, step: Step, touch: Touch, window: SendWindow | None) -> datetime:
        """The moment the document asks for, later by the days the enrollment has waited."""
        begins = wanted(
            step.at or AT_ONCE,
            anchor=self.enrollment.anchor,
            where=self.facts.where,
            opens=None if window is None else window.spans[0][0],
            shift_days=int(self.enrollment.memory.get(_SHIFT_DAYS, 0)),
        )
        return begins + touch.delay

    def _occasion(self, key: TouchKey) -> Occasion:
        return Occasion(
            where=self.facts.where,
            audience=self._audience(),
            round=touches.contact_round(self.enrollment.id, key),
            history=(*touches.contacts(self.enrollment, self.facts), *self._planned()),
            own_calls=[
                touch.at
                for touch in self.enrollment.touches
                if touch.key.channel == "voice"
                and touch.state in touches.MAYBE_SENT
                and touch.at is not None
            ],
        )

    def _planned(self) -> list[PastContact]:
        """What the decision has planned so far: it counts for the other touches of its step."""
        return [
            PastContact(
                touch_id=f"{each.contact_round}:{each.key.channel}",
                channel=each.key.channel,
                at=each.due_at,
                round=each.contact_round,
            )
            for each in self.plan
        ]

    def _audience(self) -> Audience:
        """Weekdays only (R11) when either the lead or the sequence is for businesses."""
        return "b2b" if "b2b" in (self.facts.audience, self.sequence.audience) else "b2c"

    def _skip(self, key: TouchKey, *, rule: str, reason: str) -> None:
        record = TouchRecord(key, "skipped", at=self.now, reason=reason)
        self.enrollment = touches.with_record(self.enrollment, record)
        self.skipped.append(SkippedTouch(key, rule, reason))

    # Stopping

    def cut(self, reason: str) -> None:
        """Cancel what is open; commands under way carry an epoch that no longer counts."""
        self.enrollment = touches.without_open(self.enrollment, at=self.now, reason=reason)
        self.was_cut = True

    def wait(self, state: EnrollmentState, *, reason: str, until: datetime | None = None) -> None:
        """Pause or hold. A wait on top of a wait counts from the first."""
        self.cut(reason)
        memory = dict(self.enrollment.memory)
        memory.setdefault(_PAUSED_AT, self.now.isoformat())
        self.enrollment = replace(self.enrollment, state=state, resume_at=until, memory=memory)

    def resume(self) -> None:
        """Become active and plan what the step still lacks.

        The rest of the calendar moves by the days that were waited, so that its spacing
        stays.
        """
        self.enrollment = replace(
            self.enrollment, state="active", resume_at=None, memory=self._resumed_memory()
        )
        step = self.sequence.step(self.enrollment.step)
        if self.enrollment.step is None:
            self.begin()
        else:
            self.walk(step)

    def replan(self, reason: str) -> None:
        """Plan the step anew, after cancelling what is open of it."""
        self.cut(reason)
        self.walk(self.sequence.step(self.enrollment.step))

    def _resumed_memory(self) -> Mapping[str, Any]:
        memory = dict(self.enrollment.memory)
        paused_at = memory.pop(_PAUSED_AT, None)
        if paused_at is not None:
            since = datetime.fromisoformat(paused_at)
            waited = days_between(self.facts.where, since, max(since, self.now))
            memory[_SHIFT_DAYS] = int(memory.get(_SHIFT_DAYS, 0)) + waited
        return memory

    # Ending

    def halt(self, reason: str, *, hand_off: str | None = None) -> None:
        """End before the last step."""
        self.cut(reason)
        self._end("halted", reason)
        self.events.append(SequenceHalted(**self._run(), reason=reason))
        self._hand_off(hand_off)

    def finish(self) -> None:
        """End past the last step, once answers to it have had their time."""
        contacted = any(t.state in touches.MAYBE_SENT for t in self.enrollment.touches)
        ends_at = ends_at_of(self.enrollment) or self.now + self.sequence.end.wait
        if contacted and ends_at > self.now:
            self.enrollment = ending_at(self.enrollment, ends_at)
        else:
            self._complete(contacted=contacted)

    def _complete(self, *, contacted: bool) -> None:
        """Whoever could not be reached at all is handed to nobody."""
        reason = RAN_THROUGH if contacted else self._why_nobody()
        self._end("completed", reason)
        self.events.append(SequenceCompleted(**self._run(), reason=reason))
        if contacted:
            self._hand_off(self.sequence.end.hand_off)

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

    def _hand_off(self, to: str | None) -> None:
        if to is not None:
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


def _channel(touch: Touch) -> Channel:
    """The channel of a touch; of a rule's, the first."""
    return touch.candidates()[0]
