"""No order of stimuli, with duplicates, breaks what `advance` promises."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from followup_contracts.events import CallResult, Intent
from followup_policy.quiet import quiet_hours
from followup_scheduler.core import touches
from followup_scheduler.core.advance import advance
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.library import load
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
    PlannedTouch,
    ReplyRead,
    Started,
    Stimulus,
    TouchKey,
    TouchRecord,
    TouchSettled,
    Wake,
    Woken,
)

Action = tuple[str, ...]

SOME_PLACES = st.sampled_from(["New York", "Los Angeles", "Berlin", "somewhere in the US"])
MISSING = st.sampled_from(["", "", "voice", "sms voice", "email", "sms email voice"])
KEYS = st.sampled_from(["d1", "d1-web", "d2-cold", "d2-google", "d2-referral"])
STARTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 3, 31)).map(  # noqa: DTZ001 - made aware here
    lambda moment: moment.replace(tzinfo=UTC)
)
REPLIES = st.tuples(
    st.just("reply"),
    st.sampled_from(get_args(Intent)),
    st.booleans(),
    st.none() | st.integers(-3, 500),
)
QUIET_REPLIES = st.tuples(
    st.just("reply"),
    st.sampled_from(["auto_reply", "out_of_office", "question", "not_now"]),
    st.just(False),  # noqa: FBT003 - a value, not a flag
    st.integers(1, 20),
)
ORDERS = st.tuples(st.just("order"), st.sampled_from(["pause", "resume", "resume"]))
ANY_TOUCH = st.integers(0, 30)
SETTLED = st.sampled_from(["sent", "failed", "skipped", "unknown"])
STRAY = (
    st.tuples(st.just("settle"), ANY_TOUCH, SETTLED)
    | st.tuples(st.just("call"), ANY_TOUCH, st.sampled_from(get_args(CallResult)))
    | st.tuples(st.just("pass"), st.integers(0, 60 * 24 * 3))
    | st.tuples(st.sampled_from(["again", "wake", "start", "again"]))
    | st.tuples(st.just("end"), st.sampled_from(["opted out", "converted", "halt"]))
)  # fmt: skip
GO = st.tuples(st.just("go"))


@dataclass
class World:
    """An enrollment, told what a test thinks of; every promise is checked after each telling."""

    sequence: Sequence
    facts: Facts
    now: datetime
    enrollment: Enrollment
    wake: Wake | None = None
    planned: dict[TouchKey, PlannedTouch] = field(default_factory=dict)
    told: list[Stimulus] = field(default_factory=list)

    def tell(self, stimulus: Stimulus) -> Decision:
        before = self.enrollment
        decision = advance(before, self.sequence, stimulus, self.facts, self.now)
        self.check(before, decision)
        self.enrollment, self.wake = decision.enrollment, self.wake_after(decision)
        self.planned |= {planned.key: planned for planned in decision.plan}
        self.told.append(stimulus)
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
            assert decision == Decision(after, wake=decision.wake)
        assert (after.epoch > before.epoch) == decision.cut
        assert after.epoch - before.epoch in (0, 1)
        self.check_touches(before, after, decision)
        for planned in decision.plan:
            self.check_planned(before, planned)
        if after.state == "active" and (before.step is not None or decision.why):
            assert open_of(after) or self.wake_after(decision) is not None, "stranded"

    def check_touches(self, before: Enrollment, after: Enrollment, decision: Decision) -> None:
        keys = [touch.key for touch in after.touches]
        assert len(keys) == len(set(keys))
        known = {touch.key for touch in before.touches}
        new = [p.key for p in decision.plan] + [s.key for s in decision.skipped]
        assert len(new) == len(set(new))
        assert not known & set(new)
        assert set(keys) == known | set(new)
        assert {touch.key.step for touch in open_of(after)} <= {after.step}
        maybe = {
            (t.key.step, t.key.channel) for t in after.touches if t.state in ("sent", "unknown")
        }
        assert not maybe & {(t.key.step, t.key.channel) for t in open_of(after)}, "a twin is open"
        if after.state != "active":
            assert not open_of(after)
            assert not decision.plan

    def check_planned(self, before: Enrollment, planned: PlannedTouch) -> None:
        assert planned.due_at >= self.now
        assert planned.not_after is not None
        assert planned.due_at <= planned.not_after
        where, channel = self.facts.where, planned.key.channel
        assert quiet_hours(channel, where=where, now=planned.due_at).allowed
        gone = {(t.key.step, t.key.channel) for t in before.touches if t.state == "sent"}
        assert (planned.key.step, channel) not in gone, "the same touch once more"
        assert channel in self.facts.reachable

    def send_next(self) -> None:
        """Let the next thing happen as it should: the next touch goes, a call ends, a wake."""
        due = sorted(
            (self.planned[t.key].due_at, t.key.channel, t.key) for t in open_of(self.enrollment)
        )
        if due and (self.wake is None or due[0][0] <= self.wake.at):
            at, channel, key = due[0]
            self.now = max(self.now, at)
            self.tell(TouchSettled(key, "sent", self.now))
            if channel == "voice":
                self.now += timedelta(minutes=1)
                self.tell(CallEnded(key, "voicemail_left", self.now))
        elif self.wake is not None:
            self.rouse()

    def rouse(self) -> None:
        if self.wake is not None:
            self.now = max(self.now, self.wake.at)
            # Its timer has gone off, and is there no more when it is told.
            reason, self.wake = self.wake.reason, None
            self.tell(Woken(reason, self.now))

    def do(self, action: Action) -> None:
        match action:
            case ("go",):
                self.send_next()
            case ("wake",):
                self.rouse()
            case ("start",):
                self.repeat(Started(self.now))
            case ("again",) if self.told:
                self.repeat(self.told[-1])
            case ("pass", minutes):
                self.now += timedelta(minutes=int(minutes))
            case _:
                self.do_from_outside(action)

    def do_from_outside(self, action: Action) -> None:
        match action:
            case ("order", order):
                self.tell(Ordered(order, "somebody says so", self.now))
            case ("settle", number, state) if self.enrollment.touches:
                self.repeat(TouchSettled(self.any_key(int(number)), state, self.now))
            case ("call", number, result) if self.enrollment.touches:
                self.repeat(CallEnded(self.any_key(int(number)), result, self.now))
            case ("reply", intent, opt_out, days):
                until = None if days is None else self.day(int(days))
                self.tell(ReplyRead(intent, bool(opt_out), until, self.now))
            case ("end", how):
                self.end(how)

    def repeat(self, stimulus: Stimulus) -> None:
        """Tell something, and once more: a duplicate of an outcome changes nothing."""
        self.tell(stimulus)
        if isinstance(stimulus, TouchSettled | CallEnded | Started | OptedOut | Converted):
            assert self.tell(stimulus).why is None

    def end(self, how: str) -> None:
        ways: dict[str, Stimulus] = {
            "opted out": OptedOut("sms", self.now),
            "converted": Converted("deal", self.now),
            "halt": Ordered("halt", "enough", self.now),
        }
        self.tell(ways[how])
        assert self.enrollment.state in ENDED_STATES

    def any_key(self, number: int) -> TouchKey:
        return self.enrollment.touches[number % len(self.enrollment.touches)].key

    def day(self, days: int) -> date:
        return (self.now + timedelta(days=days)).date()


def open_of(enrollment: Enrollment) -> list[TouchRecord]:
    return [touch for touch in enrollment.touches if touch.state in OPEN_TOUCH_STATES]


@settings(max_examples=150, deadline=None)
@given(
    key=KEYS,
    place=SOME_PLACES,
    missing=MISSING,
    start=STARTS,
    actions=st.lists(GO | STRAY | REPLIES | ORDERS, max_size=40),
)
# The second of two equal answers comes in the moment in which the wait is over.
@example(
    key="d2-cold",
    place="New York",
    missing="email",
    start=datetime(2026, 1, 1, tzinfo=UTC),
    actions=[("settle", 14, "sent"), ("pass", 60), ("settle", 0, "sent")],
)
def test_promises_hold_in_any_order(
    key: str,
    place: str,
    missing: str,
    start: datetime,
    actions: list[Action],
    facts_in: Callable[..., Facts],
    enrolled: Callable[..., Enrollment],
) -> None:
    """After every telling: nothing planned after an end, no key twice, no message twice, lawful
    times, epochs that only rise, and nobody stranded without a touch, a wake or a person."""
    world = World(load(key), facts_in(place, without=missing), start, enrolled(key, anchor=start))
    world.tell(Started(start))
    for action in actions:
        world.do(action)


@settings(max_examples=80, deadline=None)
@given(
    key=KEYS,
    place=SOME_PLACES,
    start=STARTS,
    actions=st.lists(GO | GO | GO | QUIET_REPLIES | ORDERS, min_size=8, max_size=30),
)
def test_caps_hold_within_the_enrollment(
    key: str,
    place: str,
    start: datetime,
    actions: list[Action],
    facts_in: Callable[..., Facts],
    enrolled: Callable[..., Enrollment],
) -> None:
    """When touches go as planned: one SMS and one round a local day, e-mails 48 h apart, no two
    calls running at the same part of day. However often it is paused."""
    facts = facts_in(place)
    world = World(load(key), facts, start, enrolled(key, anchor=start))
    world.tell(Started(start))
    for action in actions:
        world.do(action)
    sent = sorted(
        (t for t in world.enrollment.touches if t.state == "sent" and t.at is not None),
        key=lambda t: t.at,
    )
    for zone in facts.where.zones:
        check_days(sent, ZoneInfo(zone))
    if len(facts.where.zones) == 1:
        check_calls(sent, ZoneInfo(min(facts.where.zones)))
    emails = [t.at for t in sent if t.key.channel == "email"]
    assert all(later - earlier >= timedelta(hours=48) for earlier, later in pairwise(emails))


def check_days(sent: list[TouchRecord], zone: ZoneInfo) -> None:
    days: dict[date, set[str]] = {}
    texts: list[date] = []
    for touch in sent:
        day = touch.at.astimezone(zone).date()
        days.setdefault(day, set()).add(touch.key.step)
        if touch.key.channel == "sms":
            texts.append(day)
    assert all(len(rounds) == 1 for rounds in days.values()), days
    assert len(texts) == len(set(texts))


def check_calls(sent: list[TouchRecord], zone: ZoneInfo) -> None:
    hours = [t.at.astimezone(zone).hour for t in sent if t.key.channel == "voice"]
    parts = [sum(hour >= begins for begins in (12, 14, 17)) for hour in hours]
    assert all(earlier != later for earlier, later in pairwise(parts)), hours


@settings(max_examples=60, deadline=None)
@given(key=KEYS, place=SOME_PLACES, missing=MISSING, start=STARTS)
def test_left_alone_every_enrollment_comes_to_its_end(
    key: str,
    place: str,
    missing: str,
    start: datetime,
    facts_in: Callable[..., Facts],
    enrolled: Callable[..., Enrollment],
) -> None:
    """With touches going out and nobody answering, it completes with a reason."""
    facts = facts_in(place, without=missing)
    world = World(load(key), facts, start, enrolled(key, anchor=start))
    world.tell(Started(start))
    for _ in range(30):
        world.do(("go",))
    assert world.enrollment.state == "completed"
    assert world.enrollment.end_reason
    assert all(t.state in ("sent", "skipped") for t in world.enrollment.touches)


def test_guards_let_the_truth_in_and_nothing_else() -> None:
    """What was sent, failed or skipped stays; a cancelled touch may turn out to have gone."""
    finals = ("sent", "failed", "skipped")
    everything = (*finals, "planned", "commanded", "unknown", "cancelled")
    assert not any(touches.may_become(old, new) for old in finals for new in everything)
    assert {new for new in everything if touches.may_become("cancelled", new)} == {
        "sent",
        "unknown",
    }
