"""A touch whose channel turns out to be closed goes on another, and nobody hears it twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followup_scheduler.core.advance import advance
from followup_scheduler.core.document import parse
from followup_scheduler.core.model import (
    OPEN_TOUCH_STATES,
    Decision,
    Enrollment,
    Facts,
    FactsChanged,
    Ordered,
    PlannedTouch,
    Started,
    Stimulus,
    TouchSettled,
    Woken,
)

START = datetime(2026, 11, 2, 16, tzinfo=UTC)  # Monday, 11:00 in New York
DOCUMENT = """
key: t
name: T
steps:
  - id: first
    at: {after: 0m, window: at_once}
    touches:
      - {channel: {first_of: [sms, email, whatsapp]},
         template: {sms: one, email: one-letter, whatsapp: one}}
  - id: second
    at: {day: 2}
    touches:
      - {channel: {other_than: previous}, template: {sms: two, email: two-letter}}
      - {channel: voice, template: call}
  - id: third
    at: {day: 4}
    touches:
      - {channel: {best: [email, sms]}, template: {sms: three, email: three-letter}}
templates:
  one: {text: One}
  two: {text: Two}
  three: {text: Three}
  one-letter: {subject: A, text: One}
  two-letter: {subject: B, text: Two}
  three-letter: {subject: C, text: Three}
  call: {text: Call, voicemail: Call me}
"""
GONE = ("sent", "unknown")


class World:
    """A run on its way. Whatever it is told, no touch of a rule is sent on two channels."""

    def __init__(self, run: Enrollment, facts: Facts) -> None:
        self.sequence, self.run, self.facts, self.now = parse(DOCUMENT), run, facts, START
        self.turned_away: set[tuple[str, str]] = set()

    def tell(self, stimulus: Stimulus) -> Decision:
        decision = advance(self.run, self.sequence, stimulus, self.facts, self.now)
        self.run = decision.enrollment
        for planned in decision.plan:
            assert (planned.key.step, planned.key.channel) not in self.turned_away
        for step in ("first", "second", "third"):
            of = [t for t in self.run.touches if t.key.step == step and t.key.channel != "voice"]
            assert sum(t.state in GONE for t in of) + sum(t.state == "planned" for t in of) <= 1
        return decision

    def planned(self, number: int = 0) -> PlannedTouch | None:
        waiting = [t for t in self.run.touches if t.state in OPEN_TOUCH_STATES]
        return waiting[number % len(waiting)] if waiting else None

    def settle(self, state: str, *, closed: bool = False, number: int = 0) -> Decision | None:
        touch = self.planned(number)
        if touch is None:
            return None
        self.now = max(self.now, touch.due_at or self.now)
        if closed:
            self.turned_away.add((touch.key.step, touch.key.channel))
        return self.tell(TouchSettled(touch.key, state, self.now, "so it is", closed))

    def stands(self) -> list[str]:
        return [f"{t.key.step} {t.key.channel} {t.state}" for t in self.run.touches]


@pytest.fixture
def world(facts_in: Callable[..., Facts], enrolled: Callable[..., Enrollment]) -> World:
    made = World(enrolled("t", anchor=START), facts_in(without="instagram"))
    made.tell(Started(START))
    return made


def test_a_closed_channel_gives_way_to_the_next(world: World) -> None:
    """Suppressed since it was planned, a text becomes the letter, at once, of the same round."""
    (before,) = advance(
        replace(world.run, step=None, touches=()),
        world.sequence,
        Started(START),
        world.facts,
        START,
    ).plan
    decision = world.settle("skipped", closed=True)
    (planned,) = decision.plan
    assert (planned.key.channel, planned.template) == ("email", "one-letter")
    assert planned.contact_round == before.contact_round
    assert planned.instead_of == ("sms",)
    assert planned.due_at >= START
    assert world.stands() == ["first sms skipped", "first email planned"]


def test_each_channel_is_tried_once(world: World) -> None:
    """With all of them closed the sequence goes on to its next step."""
    for _ in range(3):
        world.settle("skipped", closed=True)
    assert world.stands()[:3] == [f"first {c} skipped" for c in ("sms", "email", "whatsapp")]
    assert world.run.step == "second"


def test_what_went_out_in_its_place_ends_the_search(world: World) -> None:
    """Once the letter has gone nothing else goes for that step."""
    world.settle("skipped", closed=True)
    world.settle("sent")
    assert world.run.step == "second"
    assert [t.key.channel for t in world.run.touches if t.key.step == "first"] == ["sms", "email"]


def test_a_refusal_that_says_nothing_of_the_channel_is_the_end_of_a_touch(world: World) -> None:
    """A date that has passed, a person who said no, a text that cannot be rendered: none goes."""
    world.settle("skipped")
    assert world.run.step == "second"
    world.settle("failed")
    assert {t.key.channel for t in world.run.touches if t.key.step == "second"} <= {"sms", "voice"}


def test_a_number_that_is_no_number_gives_way(world: World) -> None:
    """Failed at the provider, and suppressed for it, a text becomes the letter."""
    world.facts = replace(
        world.facts,
        reachable=world.facts.reachable - {"sms"},
        refused={**world.facts.refused, "sms": "suppressed"},
    )
    (planned,) = world.settle("failed").plan
    assert planned.key.channel == "email"


def test_a_named_channel_has_no_other(world: World) -> None:
    """A call is a call: closed, it is left out."""
    world.settle("sent")
    voice = next(t for t in world.run.touches if t.key.channel == "voice")
    decision = world.tell(TouchSettled(voice.key, "skipped", world.now, "listed", closed=True))
    assert decision.plan == ()


def test_a_run_that_waits_falls_back_when_it_goes_on(world: World) -> None:
    """What was planned in its place is cut by a pause, and planned again, still in its place."""
    world.settle("skipped", closed=True)
    world.tell(Ordered("pause", "wait", world.now))
    assert [t.state for t in world.run.touches] == ["skipped", "cancelled"]
    (planned,) = world.tell(Ordered("resume", "go", world.now)).plan
    assert (planned.key.channel, planned.instead_of) == ("email", ("sms",))


ACTIONS = st.one_of(
    st.tuples(st.just("sent"), st.integers(0, 2)),
    st.tuples(st.sampled_from(["skipped", "failed", "unknown"]), st.integers(0, 2)),
    st.tuples(st.just("closed"), st.integers(0, 2)),
    st.tuples(st.just("closed"), st.integers(0, 2)),
    st.tuples(st.just("resolve"), st.sampled_from(["sent", "failed", "skipped"])),
    st.tuples(st.just("order"), st.sampled_from(["pause", "resume"])),
    st.tuples(st.just("lose"), st.sampled_from(["sms", "email", "whatsapp"])),
    st.tuples(st.just("wake"), st.integers(0, 72)),
)


@settings(max_examples=200, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=25))
def test_nobody_is_sent_the_same_twice_on_whatever_channels(
    actions: list[tuple[str, object]],
    facts_in: Callable[..., Facts],
    enrolled: Callable[..., Enrollment],
) -> None:
    """No closed channel is tried again, and no touch goes, or may have gone, on two channels."""
    world = World(enrolled("t", anchor=START), facts_in(without="instagram"))
    world.tell(Started(START))
    for what, which in actions:
        match what:
            case "closed":
                world.settle("skipped", closed=True, number=which)
            case "resolve":
                for touch in [t for t in world.run.touches if t.state == "unknown"]:
                    world.tell(TouchSettled(touch.key, which, world.now, "found out"))
            case "order":
                world.tell(Ordered(which, "somebody says so", world.now))
            case "lose":
                left = world.facts.reachable - {which}
                refused = {**world.facts.refused, which: "suppressed"}
                world.facts = replace(world.facts, reachable=left, refused=refused)
                world.tell(FactsChanged(world.now))
            case "wake":
                world.now += timedelta(hours=which)
                world.tell(Woken("its moment", world.now))
            case _:
                world.settle(what, number=which)
