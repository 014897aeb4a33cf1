from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from followup_contracts.events import (
    LeadHandedOff,
    SequenceCompleted,
    SequenceEnrolled,
    SequenceHalted,
)
from followup_scheduler.core.advance import advance
from followup_scheduler.core.document import Sequence, parse
from followup_scheduler.core.library import load
from followup_scheduler.core.model import (
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
    TouchKey,
    TouchSettled,
    Wake,
    Woken,
)
from followup_scheduler.core.touches import find, with_record

SMS, EMAIL = TouchKey("day-0", 0, "sms"), TouchKey("day-0", 0, "email")
CALL = TouchKey("day-1", 0, "voice")
SECOND_SMS = TouchKey("day-2", 0, "sms")


class Run:
    """An enrollment in D1 that tests talk to; keeps the last decision."""

    def __init__(self, enrollment: Enrollment, sequence: Sequence, facts: Facts) -> None:
        self.enrollment, self.sequence, self.facts = enrollment, sequence, facts
        self.now = enrollment.anchor
        self.last = Decision(enrollment)

    def tell(self, stimulus: Stimulus, *, now: datetime | None = None) -> Decision:
        self.now = now or self.now
        self.last = advance(self.enrollment, self.sequence, stimulus, self.facts, self.now)
        self.enrollment = self.last.enrollment
        return self.last

    def sent(self, key: TouchKey, *, after: timedelta = timedelta(0)) -> Decision:
        self.now += after
        return self.tell(TouchSettled(key, "sent", self.now))

    def round_one(self) -> Decision:
        self.sent(SMS)
        return self.sent(EMAIL, after=timedelta(minutes=20))

    def reply(self, intent: str, **fields: object) -> Decision:
        given = {"opt_out": False, "until": None, "at": self.now} | fields
        return self.tell(ReplyRead(intent, **given))


@pytest.fixture
def run(
    monday: datetime, enrolled: Callable[..., Enrollment], facts_in: Callable[..., Facts]
) -> Run:
    started = Run(enrolled(anchor=monday), load("d1"), facts_in("New York"))
    started.tell(Started(monday))
    return started


def test_enrolling_plans_the_first_round_at_once(run: Run, monday: datetime) -> None:
    """The text goes now in the lead's own lane, the e-mail within the hour, in one round."""
    sms, email = run.last.plan
    assert (sms.key, sms.due_at, sms.lane, sms.template) == (SMS, monday, "now", "hello")
    assert (email.key, email.due_at) == (EMAIL, monday + timedelta(minutes=20))
    assert sms.contact_round == email.contact_round
    assert not sms.moved_by
    assert [type(event) for event in run.last.events] == [SequenceEnrolled]


def test_an_imported_lead_keeps_its_lane(
    monday: datetime, enrolled: Callable[..., Enrollment], facts_in: Callable[..., Facts]
) -> None:
    """The first round of an import goes in the later lane, never before fresh leads."""
    imported = Run(enrolled(anchor=monday, lane="later"), load("d1"), facts_in("New York"))
    assert {planned.lane for planned in imported.tell(Started(monday)).plan} == {"later"}


def test_the_next_step_is_planned_when_its_forerunner_is_settled(run: Run) -> None:
    """Only one step's touches are planned at a time: the call comes after both of day 0."""
    assert not run.sent(SMS).plan
    planned = run.sent(EMAIL, after=timedelta(minutes=20)).plan
    assert [p.key for p in planned] == [CALL]
    assert planned[0].lane == "later"
    assert planned[0].due_at == datetime(2026, 11, 3, 15, tzinfo=UTC)  # 10:00 in New York


def test_a_failed_touch_does_not_stop_the_sequence(run: Run) -> None:
    """A number that cannot be texted leaves the other channels."""
    run.tell(TouchSettled(SMS, "failed", run.now, "30006"))
    assert [p.key for p in run.sent(EMAIL).plan] == [CALL]


def test_a_call_settles_with_its_result(run: Run) -> None:
    """A call that was sent is not over: its result decides which text follows."""
    run.round_one()
    decision = run.sent(CALL, after=timedelta(days=1))
    assert not decision.plan
    assert decision.wake == Wake(run.now + timedelta(hours=1), "call result")
    planned = run.tell(CallEnded(CALL, "voicemail_left", run.now)).plan
    assert [(p.key, p.template) for p in planned] == [(SECOND_SMS, "after-voicemail")]


@pytest.mark.parametrize("result", ["answered", "machine", "no_answer", "busy", "failed"])
def test_no_voicemail_no_word_of_it(run: Run, result: str) -> None:
    """Day 2 speaks of a voicemail only if one was left."""
    run.round_one()
    run.sent(CALL, after=timedelta(days=1))
    planned = run.tell(CallEnded(CALL, result, run.now)).plan
    assert [p.template for p in planned] == ["second-text"]


def test_a_call_without_a_result_is_waited_for_so_long_and_no_longer(run: Run) -> None:
    """After an hour the sequence goes on as if nothing was left."""
    run.round_one()
    wake = run.sent(CALL, after=timedelta(days=1)).wake
    assert wake is not None
    early = run.tell(Woken(wake.reason, wake.at), now=wake.at - timedelta(seconds=1))
    assert (early.plan, early.wake) == ((), wake)
    planned = run.tell(Woken(wake.reason, wake.at), now=wake.at).plan
    assert [p.template for p in planned] == ["second-text"]


def test_a_result_that_comes_before_the_sending_is_kept(run: Run) -> None:
    """Messages come in any order: the end of a call shows that it was made."""
    run.round_one()
    planned = run.tell(CallEnded(CALL, "voicemail_left", run.now)).plan
    assert [p.template for p in planned] == ["after-voicemail"]
    assert run.tell(TouchSettled(CALL, "sent", run.now)).why is None
    assert run.tell(CallEnded(CALL, "no_answer", run.now)).why is None


def test_without_a_call_there_is_no_word_of_a_voicemail(
    monday: datetime, enrolled: Callable[..., Enrollment], facts_in: Callable[..., Facts]
) -> None:
    """A person who may not be called gets the texts and e-mails, each skip with its reason."""
    run = Run(enrolled(anchor=monday), load("d1"), facts_in("New York", without="voice"))
    run.tell(Started(monday))
    decision = run.round_one()
    assert [(s.key, s.rule, s.reason) for s in decision.skipped] == [
        (CALL, "unreachable", "no way to reach by voice")
    ]
    assert [p.template for p in decision.plan] == ["second-text"]


def test_an_unknown_outcome_holds_its_step_for_a_day(run: Run) -> None:
    """What may have gone out is waited for, then the sequence goes on without it."""
    run.sent(SMS)
    decision = run.tell(TouchSettled(EMAIL, "unknown", run.now))
    assert not decision.plan
    assert decision.wake == Wake(run.now + timedelta(days=1), "unknown outcome")
    went_on = run.tell(Woken("unknown outcome", run.now), now=run.now + timedelta(days=1))
    assert [p.key for p in went_on.plan] == [CALL]
    assert run.tell(TouchSettled(EMAIL, "failed", run.now)).enrollment.step == "day-1"


def test_an_unknown_outcome_that_is_resolved_goes_on_at_once(run: Run) -> None:
    """The answer from the provider ends the wait."""
    run.sent(SMS)
    run.tell(TouchSettled(EMAIL, "unknown", run.now))
    assert [p.key for p in run.sent(EMAIL).plan] == [CALL]


@pytest.mark.parametrize(
    ("intent", "state", "reason", "task"),
    [
        ("interested", "halted", "interested", "contact_interested"),
        ("question", "held", None, "answer_question"),
        ("complaint", "held", None, "handle_complaint"),
        ("referral", "held", None, "thank_for_referral"),
        ("other", "held", None, "read_reply"),
        ("not_interested", "halted", "not_interested", None),
        ("already_bought", "halted", "already_bought", None),
        ("wrong_person", "halted", "wrong_person", None),
        ("opt_out", "halted", "opted_out", None),
        ("not_now", "halted", "nurture", None),
        ("out_of_office", "paused", None, None),
        ("auto_reply", "active", None, None),
    ],
)
def test_each_intent_has_its_reaction(
    run: Run, intent: str, state: str, reason: str | None, task: str | None
) -> None:
    """What design calls the defaults: who halts, who waits, who goes on, and for whom a task."""
    run.sent(SMS)
    decision = run.reply(intent)
    assert (run.enrollment.state, run.enrollment.end_reason) == (state, reason)
    assert [t.kind for t in decision.tasks] == ([task] if task else [])
    assert decision.cut == (state != "active")
    record = find(run.enrollment.touches, EMAIL)
    assert record is not None
    assert record.state == ("planned" if state == "active" else "cancelled")


def test_a_complaint_is_for_a_person_at_once(run: Run) -> None:
    """Its task is due now, others within the hour (H2)."""
    assert run.reply("complaint").tasks[0].due_at == run.now
    assert run.reply("question").tasks[0].due_at == run.now + timedelta(hours=1)


@pytest.mark.parametrize("intent", ["interested", "complaint", "auto_reply", "wrong_person"])
def test_an_opt_out_halts_whatever_else_the_reply_is(run: Run, intent: str) -> None:
    """Stop means stop (R13)."""
    decision = run.reply(intent, opt_out=True)
    assert (run.enrollment.state, run.enrollment.end_reason) == ("halted", "opted_out")
    assert [e.reason for e in decision.events if isinstance(e, SequenceHalted)] == ["opted_out"]
    assert not decision.tasks


def test_not_now_without_a_date_goes_to_nurture(run: Run) -> None:
    """Nobody is pestered on, and nobody is forgotten."""
    events = run.reply("not_now").events
    assert [e.to for e in events if isinstance(e, LeadHandedOff)] == ["nurture"]


def test_not_now_waits_for_its_date_and_the_calendar_moves_along(run: Run) -> None:
    """On the day they named the step is planned again; the days between steps stay."""
    run.round_one()
    decision = run.reply("not_now", until=date(2026, 12, 1))
    midnight = datetime(2026, 12, 1, 5, tzinfo=UTC)
    assert run.enrollment.state == "paused"
    assert decision.wake == Wake(midnight, "resume")
    planned = run.tell(Woken("resume", midnight), now=midnight).plan
    again = replace(CALL, occurrence=1)
    assert [p.key for p in planned] == [again]
    assert planned[0].due_at == datetime(2026, 12, 2, 15, tzinfo=UTC)  # 29 days and day 1
    run.sent(again, after=planned[0].due_at - run.now)
    later = run.tell(CallEnded(again, "no_answer", run.now)).plan
    assert later[0].due_at == datetime(2026, 12, 3, 15, tzinfo=UTC)


def test_out_of_office_goes_on_after_its_date(run: Run) -> None:
    """The day after they are back, or three days later when they named none."""
    wake = run.reply("out_of_office", until=date(2026, 11, 9)).wake
    assert wake == Wake(datetime(2026, 11, 10, 5, tzinfo=UTC), "resume")
    wake = run.reply("out_of_office", until=date(2026, 10, 1)).wake
    assert wake == Wake(run.now + timedelta(days=3), "resume")


def test_a_date_years_away_is_no_date_to_wait_for(run: Run) -> None:
    """Not now until 2040 is a no for this sequence."""
    run.reply("not_now", until=date(2040, 1, 1))
    assert run.enrollment.end_reason == "nurture"


def test_a_document_may_react_otherwise(run: Run) -> None:
    """`on` in the document overrides the default for its intent alone."""
    text = "on: {question: {do: halt, reason: asked, task: {kind: ring_back, within: 5m}}}"
    own = load("d1").model_copy(update={"on": parse(SHORT + text).on})
    run.sequence = own
    decision = run.reply("question")
    assert (run.enrollment.state, run.enrollment.end_reason) == ("halted", "asked")
    assert decision.tasks[0].kind == "ring_back"
    assert decision.tasks[0].due_at == run.now + timedelta(minutes=5)


SHORT = """\
key: short
name: Short
steps: [{id: a, at: {day: 0}, touches: [{channel: sms, template: a}]}]
templates: {a: {text: Hi}}
"""


def test_a_dated_wait_does_not_end_a_wait_for_a_person(run: Run) -> None:
    """An automatic answer cannot release what a person has to decide."""
    run.reply("question")
    decision = run.reply("out_of_office")
    assert (run.enrollment.state, decision.wake) == ("held", None)


def test_resuming_plans_only_what_has_not_gone(run: Run) -> None:
    """The text was sent, the e-mail was cut: only the e-mail comes again, as a new occurrence."""
    run.sent(SMS)
    paused = run.tell(Ordered("pause", "on holiday", run.now))
    assert (run.enrollment.state, paused.cut, run.enrollment.epoch) == ("paused", True, 1)
    planned = run.tell(Ordered("resume", "back", run.now)).plan
    assert [p.key for p in planned] == [replace(EMAIL, occurrence=1)]


def test_resuming_a_step_that_is_done_goes_to_the_next(run: Run) -> None:
    """What was held while nothing was left to send goes on where it would have."""
    run.sent(SMS)
    run.reply("question")
    run.tell(TouchSettled(EMAIL, "sent", run.now))  # it had begun before the cut
    assert run.enrollment.state == "held"
    planned = run.tell(Ordered("resume", "answered", run.now)).plan
    assert [p.key for p in planned] == [CALL]


def test_a_touch_that_went_before_its_cut_is_not_planned_twice(run: Run) -> None:
    """Its late report cancels the successor, and keeps the rest of the step."""
    run.tell(Ordered("pause", "wait", run.now))
    run.tell(Ordered("resume", "go", run.now))
    assert {t.key for t in run.enrollment.touches if t.state == "planned"} == {
        replace(SMS, occurrence=1),
        replace(EMAIL, occurrence=1),
    }
    decision = run.tell(TouchSettled(SMS, "sent", run.now))
    assert decision.cut
    assert [p.key for p in decision.plan] == [replace(EMAIL, occurrence=2)]


def test_a_late_unknown_of_a_cut_touch_counts_as_sent(run: Run) -> None:
    """Nobody knows whether it went out, so it does not go again."""
    run.tell(Ordered("pause", "wait", run.now))
    run.tell(TouchSettled(SMS, "unknown", run.now))
    planned = run.tell(Ordered("resume", "go", run.now)).plan
    assert [p.key.channel for p in planned] == ["email"]


def test_a_pause_keeps_what_may_have_gone_out(run: Run) -> None:
    """A cut cancels what is planned or commanded; an unknown touch stays unknown."""
    run.tell(TouchSettled(SMS, "unknown", run.now))
    commanded = find(run.enrollment.touches, EMAIL)
    assert commanded is not None
    run.enrollment = with_record(run.enrollment, replace(commanded, state="commanded"))
    run.tell(Ordered("pause", "wait", run.now))
    assert {t.key: t.state for t in run.enrollment.touches} == {SMS: "unknown", EMAIL: "cancelled"}


@pytest.mark.parametrize(
    ("stimulus", "reason"),
    [
        (OptedOut("email", datetime(2026, 11, 2, 17, tzinfo=UTC)), "opted_out"),
        (Converted("appointment", datetime(2026, 11, 2, 17, tzinfo=UTC)), "booked"),
        (Converted("deal", datetime(2026, 11, 2, 17, tzinfo=UTC)), "converted"),
        (Ordered("halt", "by a person", datetime(2026, 11, 2, 17, tzinfo=UTC)), "by a person"),
    ],
)
def test_an_end_is_final(run: Run, stimulus: Stimulus, reason: str) -> None:
    """Halted with its reason, everything open cut, and nothing moves it again."""
    decision = run.tell(stimulus)
    assert (run.enrollment.state, run.enrollment.end_reason) == ("halted", reason)
    assert decision.cut
    assert decision.wake is None
    ended = run.enrollment
    for late in (TouchSettled(SMS, "sent", run.now), Started(run.now), Woken("x", run.now)):
        assert run.tell(late) == Decision(ended)


def test_the_end_waits_for_answers_and_hands_over(
    monday: datetime, enrolled: Callable[..., Enrollment], facts_in: Callable[..., Facts]
) -> None:
    """Two days after the last text the lead leaves for nurture; an answer until then counts."""
    run = Run(enrolled(anchor=monday), load("d1"), facts_in("New York", without="email voice"))
    run.tell(Started(monday))
    for step in ("day-0", "day-2", "day-14"):
        last = run.sent(TouchKey(step, 0, "sms"), after=timedelta(days=1))
    over = run.now + timedelta(days=2)
    assert (run.enrollment.state, last.wake) == ("active", Wake(over, "answers to the last touch"))
    answered = advance(
        run.enrollment,
        run.sequence,
        ReplyRead("interested", opt_out=False, until=None, at=run.now),
        run.facts,
        run.now,
    )
    assert answered.enrollment.end_reason == "interested"
    events = run.tell(Woken("answers to the last touch", over), now=over).events
    assert [type(event) for event in events] == [SequenceCompleted, LeadHandedOff]
    assert (run.enrollment.state, run.enrollment.end_reason) == ("completed", "ran_through")


def test_nobody_to_reach_completes_at_once_and_is_handed_to_nobody(
    monday: datetime, enrolled: Callable[..., Enrollment], facts_in: Callable[..., Facts]
) -> None:
    """A refusal that all channels share is the reason; no list gets such a lead."""
    facts = replace(
        facts_in("New York", without="sms email voice"),
        refused=dict.fromkeys(("sms", "email", "voice"), "consent: no"),
    )
    run = Run(enrolled(anchor=monday), load("d1"), facts)
    decision = run.tell(Started(monday))
    assert (run.enrollment.state, run.enrollment.end_reason) == ("completed", "consent: no")
    assert [type(event) for event in decision.events] == [SequenceEnrolled, SequenceCompleted]
    assert len(decision.skipped) == 7
    run = Run(enrolled(anchor=monday), load("d1"), facts_in(without="sms email voice"))
    run.tell(Started(monday))
    assert run.enrollment.end_reason == "nobody_to_reach"


def test_a_touch_past_its_slide_is_skipped_with_the_reason(run: Run) -> None:
    """Eight days late, a call of day 1 is not made any more; the sequence goes on."""
    run.sent(SMS)
    decision = run.sent(EMAIL, after=timedelta(days=10))
    assert [(s.key, s.rule) for s in decision.skipped[:1]] == [(CALL, "slide")]
    assert decision.plan
    assert all(p.not_after is not None and p.due_at <= p.not_after for p in decision.plan)


def test_planning_looks_at_other_contacts_of_the_person(
    monday: datetime, enrolled: Callable[..., Enrollment], facts_in: Callable[..., Facts]
) -> None:
    """A person who was texted today by another sequence gets this one's round tomorrow."""
    from followup_policy.caps import PastContact  # noqa: PLC0415 - used here alone

    other = PastContact("t", "sms", monday - timedelta(hours=2), "another:step.0")
    facts = replace(facts_in("New York"), contacts=(other,))
    run = Run(enrolled(anchor=monday), load("d1"), facts)
    planned = {p.key.channel: p for p in run.tell(Started(monday)).plan}
    assert planned["sms"].due_at == datetime(2026, 11, 3, 13, tzinfo=UTC)  # 8:00 the next day
    assert planned["sms"].moved_by[0].startswith("R1")
    assert planned["email"].due_at == datetime(2026, 11, 3, 13, tzinfo=UTC)  # not at midnight
