from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followup_contracts.events import (
    CallFinished,
    TouchDeferred,
    TouchFailed,
    TouchSent,
    TouchSkipped,
    TouchUnknown,
)
from followup_scheduler.book import Edition
from followup_scheduler.consequences import tell
from followup_scheduler.core.document import parse
from followup_scheduler.core.library import load
from followup_scheduler.core.model import (
    UNREAD,
    Enrollment,
    Facts,
    FactsUnread,
    Ordered,
    ReplyRead,
    Started,
    Woken,
)
from followup_scheduler.handlers import feedback, outcomes
from followup_scheduler.imagined import ImaginedLead
from followup_scheduler.runs import Run

START = datetime(2026, 3, 2, 15, tzinfo=UTC)
ID = UUID(int=7)
KINDS = ("sent", "deferred", "failed", "skipped", "superseded", "unknown", "freed", "ended", "ask")
ORDERS = ("halt", "pause", "resume", "reply", "wake")

steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 6), st.integers(0, 3)),
        st.tuples(st.sampled_from(ORDERS), st.just(0), st.just(0)),
    ),
    max_size=40,
)


class Everything(dict):
    """Hashes for every text of a document."""

    def __missing__(self, name):
        return f"hash of {name}"


def fresh() -> Run:
    sequence = load("d1")
    lead = ImaginedLead(state="NY", postal_code="10001", phone="+12125550100")
    enrollment = Enrollment(
        id=ID,
        tenant_id=ID,
        lead_id=ID,
        person_id=ID,
        sequence="d1",
        version=1,
        state="active",
        anchor=START,
        lane="now",
    )
    run = Run(enrollment, {}, Edition(sequence, Everything()), lead.facts())
    tell(run, Started(START), now=START)
    return run


def play(run: Run, what: str, which: int, round_: int, now: datetime) -> None:
    if what in ORDERS:
        order(run, what, now)
        return
    several = list(run.touches.values())
    touch = several[which % len(several)]
    if what == "ask":
        if touch.state == "planned":
            touch.state, touch.outstanding, touch.round = "commanded", True, touch.round + 1
            run.timers[touch.id] = None
            run.change(touch)
        return
    about = {
        "touch_id": touch.id,
        "enrollment_id": ID,
        "lead_id": ID,
        "person_id": ID,
        "channel": touch.key.channel,
        "at": now,
    }
    if what == "ended":
        if touch.key.channel == "voice":
            ended = CallFinished(**about, attempt_id=ID, result="no_answer")
            feedback.apply(run, touch, ended, now=now)
        return
    about["round"] = round_
    outcome = {
        "sent": lambda: TouchSent(
            **about, attempt_id=ID, account_id=ID, provider="x", provider_ref=None, sender=None
        ),
        "deferred": lambda: TouchDeferred(
            **about, kind="rate", rule="rate", reason="busy", not_before=now + timedelta(seconds=5)
        ),
        "freed": lambda: TouchDeferred(
            **about, kind="provider", rule="provider:absent", reason="absent", not_before=now
        ),
        "failed": lambda: TouchFailed(**about, code="1", reason="refused"),
        "skipped": lambda: TouchSkipped(**about, rule="suppressed", reason="listed"),
        "superseded": lambda: TouchSkipped(**about, rule="superseded", reason="newer"),
        "unknown": lambda: TouchUnknown(**about, attempt_id=ID, reason="silence"),
    }[what]()
    outcomes.apply(run, touch, outcome, now=now)


def order(run: Run, what: str, now: datetime) -> None:
    match what:
        case "reply":
            tell(run, ReplyRead("question", opt_out=False, until=None, at=now), now=now)
        case "wake":
            tell(run, Woken("", now), now=now)
        case _:
            tell(run, Ordered(what, "test", now), now=now)


@settings(max_examples=200, deadline=None)
@given(steps)
def test_answers_in_any_order_keep_touches_and_timers_consistent(played):
    """What is planned has a timer, nothing else has; sent stays sent; ended plans nothing."""
    run = fresh()
    went_out: set[UUID] = set()
    now = START
    for what, which, round_ in played:
        now += timedelta(minutes=7)
        play(run, what, which, round_, now)
        for touch in run.touches.values():
            armed = run.timers.get(touch.id) is not None
            assert armed == (touch.state == "planned"), (what, touch.key, touch.state)
            assert not touch.outstanding or touch.state in ("planned", "commanded")
            if armed:
                assert touch.key.step == run.enrollment.step
                assert touch.epoch == run.enrollment.epoch
            if touch.id in went_out:
                assert touch.state == "sent"
            if touch.state == "sent":
                went_out.add(touch.id)
        if run.enrollment.state != "active":
            open_ = [t for t in run.touches.values() if t.state in ("planned", "commanded")]
            assert open_ == []
        if run.enrollment.end_reason is not None:
            assert run.timers.get(ID) is None
        remembered = {record.key: record.state for record in run.enrollment.touches}
        assert remembered == {key: touch.state for key, touch in run.touches.items()}


@settings(max_examples=200, deadline=None)
@given(steps)
def test_an_answer_says_alike_with_facts_and_without(played):
    """What can be decided without facts is decided as with them; else nothing changes."""
    run = fresh()
    now = START
    for what, which, round_ in played:
        now += timedelta(minutes=7)
        if what in ORDERS or what == "ended":
            play(run, what, which, round_, now)
            continue
        blind, before = twin(run, UNREAD), twin(run, UNREAD)
        try:
            play(blind, what, which, round_, now)
        except FactsUnread:
            assert blind == before
            play(run, what, which, round_, now)
        else:
            play(run, what, which, round_, now)
            assert blind == twin(run, UNREAD)


def test_only_what_plans_looks_at_facts():
    """Put off, unknown, or one of two of a step: none of it turns on what is known of people."""
    run = fresh()
    run.facts = UNREAD
    first, second = run.touches.values()
    play(run, "ask", 0, 1, START)
    play(run, "deferred", 0, 1, START)
    play(run, "ask", 0, 1, START)
    play(run, "unknown", 0, 2, START)
    play(run, "sent", 0, 2, START)
    assert first.state == "sent"
    play(run, "ask", 1, 1, START)
    with pytest.raises(FactsUnread):
        play(run, "sent", 1, 1, START)
    assert second.state == "commanded"


def twin(run: Run, facts: Facts) -> Run:
    """The same run with nothing of its own in common, knowing these facts."""
    touches = {key: replace(touch, news=list(touch.news)) for key, touch in run.touches.items()}
    return replace(
        run,
        facts=facts,
        touches=touches,
        touched={key: touches[key] for key in run.touched},
        added={key: touches[key] for key in run.added},
        timers=dict(run.timers),
        tasks=list(run.tasks),
        reviews=list(run.reviews),
        entries=list(run.entries),
        events=list(run.events),
        commands=list(run.commands),
        enters=list(run.enters),
    )


@settings(max_examples=100, deadline=None)
@given(steps)
def test_one_step_and_channel_goes_out_once(played):
    """However often a run is paused, resumed and answered, nothing is sent twice by plan.

    A touch that went out in spite of a pause is not repeated after it.
    """
    run = fresh()
    now = START
    for what, which, round_ in played:
        now += timedelta(minutes=7)
        play(run, what, which, round_, now)
        for touch in run.touches.values():
            if touch.state != "sent":
                continue
            twins = [
                other
                for other in run.touches.values()
                if other is not touch
                and (other.key.step, other.key.channel) == (touch.key.step, touch.key.channel)
                and other.state in ("planned", "commanded")
            ]
            assert twins == []


@pytest.mark.parametrize(
    ("rule", "falls_back"),
    [
        ("no_contact_point", True),
        ("suppressed", True),
        ("consent:US", True),
        ("house:none", True),
        ("expired", False),
        ("R10", False),
        ("forgotten", False),
    ],
)
def test_a_touch_nobody_can_be_reached_by_goes_on_the_next_channel(rule, falls_back):
    """The last word closes a channel for the step; what it says of a date or a text does not."""
    sequence = parse(
        "key: t\nname: T\nsteps:\n  - id: a\n    at: {after: 0m, window: at_once}\n"
        "    touches: [{channel: {first_of: [sms, email]}, template: {sms: one, email: two}}]\n"
        "templates: {one: {text: One}, two: {subject: A, text: One}}\n"
    )
    run = fresh()
    run = Run(
        replace(run.enrollment, step=None, touches=(), sequence="t"),
        {},
        Edition(sequence, Everything()),
        run.facts,
    )
    tell(run, Started(START), now=START)
    (text,) = run.touches.values()
    outcomes.apply(
        run,
        text,
        TouchSkipped(
            touch_id=text.id,
            enrollment_id=ID,
            lead_id=ID,
            person_id=ID,
            channel="sms",
            at=START,
            round=0,
            rule=rule,
            reason="so it is",
        ),
        now=START,
    )

    others = [touch for touch in run.touches.values() if touch is not text]
    assert [touch.key.channel for touch in others] == (["email"] if falls_back else [])
    if falls_back:
        (letter,) = others
        assert run.timers[letter.id].due_at == letter.due_at
        assert letter.news[0]["instead_of"] == ["sms"]
