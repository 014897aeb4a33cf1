"""No order of happenings breaks what steps of every kind promise."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from followup_scheduler.core import memory
from followup_scheduler.core.advance import advance
from followup_scheduler.core.document import Sequence, parse
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
    Ordered,
    ReplyRead,
    Started,
    Stimulus,
    TaskSettled,
    TouchSettled,
    Wake,
    Woken,
)

KINDS = """
key: kinds
name: Kinds
anchor: appointment.starts_at
repeat: {every: month, times: 4}
steps:
  - {id: early, at: {before: 24h}, transactional: true, touches: [{channel: sms, template: one}]}
  - id: note
    task:
      kind: look
      at_most: 2d
      outcomes: {gone: {do: halt}, jump: {do: branch, to: last}}
  - id: fork
    branch:
      - {when: {fact: {name: deal.stage, is: hot}}, go: call}
      - {when: {replied: true}, go: rest}
  - {id: rest, wait: {for: [reply.question, call.answered], at_most: 36h, timed_out: last}}
  - id: call
    at: {after: 1h, from: previous}
    touches:
      - {channel: {other_than: previous}, template: {sms: one, email: letter, voice: spoken}}
      - {channel: whatsapp, template: two}
  - {id: over, hand_over: list}
  - id: last
    at: {day: 3}
    when: {not: {fact: {name: deal.stage, is: cold}}}
    touches: [{channel: sms, template: two}]
on:
  reply.question: {do: go_on}
  reply.interested: {do: branch, to: last}
  call.voicemail_left: {do: branch, to: call}
  appointment.cancelled: {do: go_on}
templates:
  one: {text: One}
  two: {text: Two}
  letter: {subject: A, text: Letter}
  spoken: {text: Hello, voicemail: Call me}
"""
START = datetime(2026, 3, 2, 15, tzinfo=UTC)

ACTIONS = st.one_of(
    st.tuples(st.just("go")),
    st.tuples(st.just("go")),
    st.tuples(st.just("go")),
    st.tuples(st.just("reply"), st.sampled_from(["question", "interested", "not_now", "other"])),
    st.tuples(st.just("order"), st.sampled_from(["pause", "resume", "resume"])),
    st.tuples(st.just("appointment"), st.integers(-40, 400)),
    st.tuples(st.just("deal"), st.sampled_from(["hot", "cold"])),
    st.tuples(st.just("place"), st.sampled_from(["Los Angeles", "Berlin"])),
    st.tuples(st.just("task"), st.sampled_from(["done", "gone", "jump"])),
    st.tuples(st.just("late"), st.integers(0, 20)),
    st.tuples(st.just("closed"), st.integers(0, 20)),
    st.tuples(st.just("pass"), st.integers(0, 60 * 48)),
    st.tuples(st.just("won")),
)


@dataclass
class World:
    """An enrollment on its way; what it was promised is checked after each telling."""

    sequence: Sequence
    facts: Facts
    now: datetime
    run: Enrollment
    wake: Wake | None = None
    asked: list[TaskSettled] | None = None

    def tell(self, stimulus: Stimulus) -> Decision:
        before = self.run
        decision = advance(before, self.sequence, stimulus, self.facts, self.now)
        self.check(before, decision)
        self.run, self.wake = decision.enrollment, self.wake_after(decision)
        self.asked = [
            *(self.asked or ()),
            *(
                TaskSettled(task.kind, "done", self.now, task.step, task.occurrence)
                for task in decision.tasks
                if task.step is not None
            ),
        ]
        return decision

    def wake_after(self, decision: Decision) -> Wake | None:
        """The timer that stands then; as in `consequences.tell`, nothing changed leaves it."""
        return self.wake if decision.why is None else decision.wake

    def check(self, before: Enrollment, decision: Decision) -> None:
        after = decision.enrollment
        if before.state in ENDED_STATES:
            assert decision == Decision(before)
        if decision.why is None:
            assert after == before
        assert (after.epoch > before.epoch) == decision.cut
        assert after.epoch - before.epoch in (0, 1)
        keys = [touch.key for touch in after.touches]
        assert len(keys) == len(set(keys))
        open_ = [touch for touch in after.touches if touch.state in OPEN_TOUCH_STATES]
        if after.state != "active":
            assert not open_
            assert not decision.plan
        assert {touch.key.step for touch in open_} <= {after.step}
        self.check_once(after, decision)
        if after.state == "active":
            assert open_ or self.wake_after(decision) is not None, "stranded"

    def check_once(self, after: Enrollment, decision: Decision) -> None:
        """What went out in this time round, for this anchor, is not planned again."""
        gone = {
            (t.key.step, t.key.channel)
            for t in after.touches
            if t.state in ("sent", "unknown")
            and t.key.occurrence >= memory.since(after, t.key.step)
        }
        for planned in decision.plan:
            assert planned.due_at >= self.now
            assert (planned.key.step, planned.key.channel) not in gone, "twice"
            assert planned.key.channel in self.facts.reachable

    def go(self) -> None:
        """The next thing happens as it should."""
        due = [t for t in self.run.touches if t.state == "planned" and t.due_at is not None]
        first = min(due, key=lambda t: (t.due_at, t.key.channel), default=None)
        if first is not None and (self.wake is None or first.due_at <= self.wake.at):
            self.now = max(self.now, first.due_at)
            self.tell(TouchSettled(first.key, "sent", self.now))
            if first.key.channel == "voice":
                self.tell(CallEnded(first.key, "voicemail_left", self.now))
        elif self.wake is not None:
            self.now = max(self.now, self.wake.at)
            # Its timer has gone off, and is there no more when it is told.
            reason, self.wake = self.wake.reason, None
            self.tell(Woken(reason, self.now))

    def learn(self, event: str | None, **attributes: Any) -> None:
        self.facts = replace(self.facts, attributes={**self.facts.attributes, **attributes})
        self.tell(FactsChanged(self.now) if event is None else Happened(event, self.now))

    def close(self, number: int) -> None:
        """The last word is that nobody is reached on the channel of a touch."""
        open_ = [t for t in self.run.touches if t.state in OPEN_TOUCH_STATES]
        if open_:
            key = open_[number % len(open_)].key
            self.tell(TouchSettled(key, "skipped", self.now, "listed", closed=True))

    def do(self, action: tuple[Any, ...]) -> None:
        match action:
            case ("go",):
                self.go()
            case ("reply", intent):
                self.tell(ReplyRead(intent, opt_out=False, until=None, at=self.now))
            case ("order", order):
                self.tell(Ordered(order, "somebody says so", self.now))
            case ("appointment", hours):
                at = self.now + timedelta(hours=hours)
                known = {"starts_at": at.isoformat(), "state": "booked"}
                self.learn("appointment.rescheduled", appointment=known)
            case ("deal", stage):
                self.learn("deal.stage_changed", deal={"stage": stage})
            case ("task", outcome) if self.asked:
                self.tell(replace(self.asked[-1], outcome=outcome, at=self.now))
            case ("late", number) if self.run.touches:
                touch = self.run.touches[number % len(self.run.touches)]
                self.tell(TouchSettled(touch.key, "sent", self.now))
            case ("pass", minutes):
                self.now += timedelta(minutes=minutes)
            case ("won",):
                self.tell(Converted("deal", self.now))


@settings(max_examples=250, deadline=None)
@given(
    hours=st.none() | st.integers(0, 500),
    missing=st.sampled_from(["", "whatsapp", "sms whatsapp", "email voice whatsapp"]),
    actions=st.lists(ACTIONS, max_size=40),
)
# What changes nothing, in a moment in which a wait is over already.
@example(hours=None, missing="", actions=[("go",), ("go",), ("pass", 2160), ("order", "resume")])
def test_promises_hold_for_every_kind_in_any_order(
    hours: int | None,
    missing: str,
    actions: list[tuple[Any, ...]],
    facts_in: Callable[..., Facts],
    enrolled: Callable[..., Enrollment],
) -> None:
    """Nothing after an end, no key twice, nothing sent twice in one time round for one anchor,
    epochs that only rise, nobody stranded: whatever moves, is answered, or comes late."""
    known: dict[str, Any] = {}
    if hours is not None:
        at = START + timedelta(hours=hours)
        known = {"appointment": {"starts_at": at.isoformat(), "state": "booked"}}
    facts = replace(facts_in(without=missing), attributes=known)
    world = World(parse(KINDS), facts, START, enrolled("kinds", anchor=START))
    world.tell(Started(START))
    for action in actions:
        if action[0] == "place":
            world.facts = replace(world.facts, where=facts_in(action[1]).where)
            world.tell(FactsChanged(world.now))
        elif action[0] == "closed":
            world.close(action[1])
        else:
            world.do(action)


@settings(max_examples=60, deadline=None)
@given(hours=st.integers(0, 500), missing=st.sampled_from(["", "sms whatsapp", "email"]))
def test_left_alone_every_kind_comes_to_its_end(
    hours: int,
    missing: str,
    facts_in: Callable[..., Facts],
    enrolled: Callable[..., Enrollment],
) -> None:
    """Four times round, with nobody answering and no task done, it completes."""
    at = START + timedelta(hours=hours)
    known = {"appointment": {"starts_at": at.isoformat(), "state": "booked"}}
    facts = replace(facts_in(without=missing), attributes=known)
    world = World(parse(KINDS), facts, START, enrolled("kinds", anchor=START))
    world.tell(Started(START))
    for _ in range(150):
        world.go()
    assert world.run.state == "completed"
