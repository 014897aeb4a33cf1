"""A sequence played through on paper, by the very code that runs it."""

from collections.abc import Sequence as Several
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from followup_contracts.events import LeadHandedOff
from followup_contracts.payload import Lane
from followup_scheduler.core import deal, touches
from followup_scheduler.core.advance import advance
from followup_scheduler.core.calendar import calendar_json, calendar_text
from followup_scheduler.core.conditions import holds
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.errors import BadDocument, Fault
from followup_scheduler.core.model import (
    ENDED_STATES,
    CallEnded,
    Decision,
    Enrollment,
    Facts,
    FactsChanged,
    Happened,
    PlannedTouch,
    SkippedTouch,
    Started,
    Stimulus,
    TaskSettled,
    TouchKey,
    TouchRecord,
    TouchSettled,
    Wake,
    Woken,
)
from followup_scheduler.core.moments import zones
from followup_scheduler.core.simulation import (
    Happening,
    Learned,
    Outcomes,
    SimulatedTask,
    SimulatedTouch,
    Simulation,
    When,
)

__all__ = [
    "Happening",
    "Learned",
    "Outcomes",
    "Simulation",
    "When",
    "calendar_json",
    "calendar_text",
    "simulate",
]

_MOST_TURNS = 20_000
_NOBODY = UUID(int=0)

_SIGHT = timedelta(days=400)

Turn = Stimulus | PlannedTouch | Learned
"""What comes next: something to tell the enrollment, or a touch to be carried out."""


def simulate(
    sequence: Sequence,
    facts: Facts,
    *,
    start: datetime,
    happenings: Several[Happening] = (),
    outcomes: Outcomes | None = None,
    lane: Lane = "now",
    until: datetime | None = None,
    lead_id: UUID = _NOBODY,
) -> Simulation:
    """Play a sequence for one lead that comes in at `start` (aware).

    Touches go exactly when planned and nobody answers, except as `happenings` and
    `outcomes` say; whoever is asked for an approval gives it. It ends when the enrollment
    does, or waits for a person for good, or at `until`: after 400 days for a sequence that
    repeats. `lead_id` decides which variants the lead is given. Raises `BadDocument` where
    too much happens.
    """
    if until is None and sequence.repeat is not None:
        until = start + _SIGHT
    enrollment = _enrollment(sequence, start, lane, lead_id)
    play = _Play(sequence, facts, outcomes or Outcomes(), start, enrollment, until)
    play.expect(start, Started(start))
    play.happen(None)
    for happening in happenings:
        play.expect(happening.at, happening)
    play.run()
    return replace(play.result(), starts=_starts(sequence, facts, enrollment))


def _starts(sequence: Sequence, facts: Facts, enrollment: Enrollment) -> tuple[str, ...]:
    """The events upon which such a lead enters, each once."""
    fitting = (s for s in sequence.starts if holds(s.when, enrollment=enrollment, facts=facts))
    return tuple(dict.fromkeys(start.event for start in fitting))


def _enrollment(sequence: Sequence, start: datetime, lane: Lane, lead_id: UUID) -> Enrollment:
    return Enrollment(
        id=lead_id,
        tenant_id=_NOBODY,
        lead_id=lead_id,
        person_id=_NOBODY,
        sequence=sequence.key,
        version=1,
        state="active",
        anchor=start,
        lane=lane,
    )


@dataclass(slots=True)
class _Play:
    sequence: Sequence
    facts: Facts
    outcomes: Outcomes
    now: datetime
    enrollment: Enrollment
    until: datetime | None = None
    planned: dict[TouchKey, PlannedTouch] = field(default_factory=dict)
    skipped: list[SkippedTouch] = field(default_factory=list)
    tasks: list[SimulatedTask] = field(default_factory=list)
    story: list[tuple[datetime, str]] = field(default_factory=list)
    wake: Wake | None = None
    handed_to: str | None = None
    enters: list[str] = field(default_factory=list)
    records: dict[TouchKey, TouchRecord] = field(default_factory=dict)
    started_at: datetime = field(init=False)
    _turns: list[tuple[datetime, int, Turn]] = field(default_factory=list)
    _order: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        self.started_at = self.now

    def expect(self, at: datetime, turn: Turn) -> None:
        heappush(self._turns, (at, next(self._order), turn))

    def run(self) -> None:
        for _ in range(_MOST_TURNS):
            if not self._turns or self.enrollment.state in ENDED_STATES:
                return
            at, _number, turn = heappop(self._turns)
            if self.until is not None and at > self.until:
                self.now = max(self.now, self.until)
                return
            self.now = max(self.now, at)
            self._take(turn)
        fault = Fault(None, "", f"has more than {_MOST_TURNS:,} turns, too many to be played")
        raise BadDocument([fault], file=self.sequence.key)

    def _take(self, turn: Turn) -> None:
        match turn:
            case PlannedTouch():
                self._carry_out(turn)
            case Learned():
                self._learn(turn)
            case Woken() if self.wake is None or self.wake.at > self.now:
                return  # replaced by another wake, or by none
            case _:
                self._tell(turn)

    def happen(self, step: str | None) -> None:
        """Expect what was said to follow a touch of a step, or the start."""
        for when in self.outcomes.whens:
            if when.step == step:
                at = self.now + when.after
                self.expect(at, when.happens(at))

    def _learn(self, learned: Learned) -> None:
        """Know something, and tell the enrollment."""
        attributes = deal.learned(self.facts.attributes, learned.attributes)
        self.facts = replace(self.facts, attributes=attributes)
        at, event = learned.at, learned.event
        self._tell(FactsChanged(at) if event is None else Happened(event, at))

    def _carry_out(self, planned: PlannedTouch) -> None:
        """Send a touch, unless it was cut in the meantime."""
        key = planned.key
        record = touches.find(self.enrollment.touches, key)
        if record is None or record.state != "planned":
            return
        if key.step in self.outcomes.failed:
            self._tell(TouchSettled(key, "failed", self.now, "failed in simulation"))
            return
        call = self.outcomes.call_of(key.step)
        if key.channel == "voice" and call is not None:
            ended = self.now + self.outcomes.ring
            self.expect(ended, CallEnded(key, call, ended))
        self._tell(TouchSettled(key, "sent", self.now))
        self.happen(key.step)

    def _tell(self, stimulus: Stimulus) -> None:
        decision = advance(self.enrollment, self.sequence, stimulus, self.facts, self.now)
        self.enrollment = decision.enrollment
        self.records |= {touch.key: touch for touch in self.enrollment.touches}
        self._note(decision)
        for planned in decision.plan:
            self.planned[planned.key] = planned
            self.expect(planned.due_at, planned)
        self.wake = decision.wake
        if decision.wake is not None:
            self.expect(decision.wake.at, Woken(decision.wake.reason, decision.wake.at))

    def _note(self, decision: Decision) -> None:
        if decision.why is not None:
            self.story.append((self.now, decision.why))
        self.skipped += decision.skipped
        self.enters += decision.enters
        for task in decision.tasks:
            self.tasks.append(SimulatedTask(self.now, task))
            if task.step is not None and task.step in self.outcomes.tasks:
                done = TaskSettled(
                    task.kind,
                    self.outcomes.tasks[task.step],
                    task.due_at,
                    task.step,
                    task.occurrence,
                )
                self.expect(task.due_at, done)
        for event in decision.events:
            if isinstance(event, LeadHandedOff):
                self.handed_to = event.to

    def result(self) -> Simulation:
        return Simulation(
            sequence=self.sequence.key,
            started_at=self.started_at,
            zones=tuple(sorted(zones(self.facts.where))),
            touches=tuple(sorted(map(self._touch, self.planned.values()), key=_when)),
            skipped=tuple(self.skipped),
            tasks=tuple(self.tasks),
            story=tuple(self.story),
            state=self.enrollment.state,
            end_reason=self.enrollment.end_reason,
            ended_at=self.now,
            handed_to=self.handed_to,
            enters=tuple(self.enters),
        )

    def _touch(self, planned: PlannedTouch) -> SimulatedTouch:
        record = self.records.get(planned.key)
        state: Literal["sent", "failed", "cancelled"] = "cancelled"
        if record is not None and record.state in ("sent", "failed"):
            state = "sent" if record.state == "sent" else "failed"
        return SimulatedTouch(
            key=planned.key,
            template=planned.template,
            wanted_at=planned.wanted_at,
            due_at=planned.due_at,
            local={
                zone: planned.due_at.astimezone(ZoneInfo(zone)) for zone in zones(self.facts.where)
            },
            moved_by=planned.moved_by,
            state=state,
            call=None if record is None else record.call,
            variant=planned.variant,
        )


def _when(touch: SimulatedTouch) -> tuple[datetime, datetime, str]:
    return touch.due_at, touch.wanted_at, touch.channel
