"""Choosing by evidence: the better one, more often, explained, and the same for the same."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_contracts.payload import CHANNELS
from followup_policy.windows import SendWindow, preferred
from followup_scheduler.core.advance import advance
from followup_scheduler.core.document import from_json
from followup_scheduler.core.evidence.channels import best_channel
from followup_scheduler.core.evidence.hours import best_hours
from followup_scheduler.core.evidence.tallies import Prior, Tally
from followup_scheduler.core.evidence.variants import thompson
from followup_scheduler.core.model import Ordered, Started

TEXT = {"channel": "sms", "template": "a"}
TALLIES = st.integers(0, 50).flatmap(
    lambda sent: st.integers(0, sent).map(lambda answered: Tally(sent, answered))
)


@given(st.dictionaries(st.sampled_from(CHANNELS), TALLIES))
def test_the_best_channel_is_one_that_was_answered(tallies: dict) -> None:
    """None while nobody answered; never one of silence; whichever way the figures are told."""
    best = best_channel(tallies)
    backwards = best_channel(dict(reversed(list(tallies.items()))))
    assert best == backwards
    if best is None:
        assert not any(tally.answered for tally in tallies.values())
    else:
        assert tallies[best.channel].answered
        assert f"{best.channel} {tallies[best.channel].answered} of" in best.why


@pytest.mark.parametrize(
    ("tallies", "best"),
    [
        ({"sms": Tally(3, 0), "email": Tally(3, 1)}, "email"),
        ({"sms": Tally(10, 5), "email": Tally(10, 2), "voice": Tally(2, 0)}, "sms"),
        # One lucky answer does not outweigh a habit.
        ({"sms": Tally(10, 8), "voice": Tally(1, 1)}, "sms"),
        # More answers than contacts: two replies to one text are one success.
        ({"sms": Tally(1, 5), "email": Tally(4, 4)}, "email"),
    ],
)
def test_one_lead_answers_one_channel_better(tallies: dict, best: str) -> None:
    """By expected rate, not by the raw one."""
    found = best_channel(tallies)
    assert found is not None
    assert found.channel == best


@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), TALLIES, min_size=1), st.text())
def test_the_same_lead_gets_the_same_text(tallies: dict, seed: str) -> None:
    """Drawn by the seed alone, in whatever order the figures come."""
    chosen = thompson(tallies, seed=seed)
    assert chosen == thompson(dict(reversed(list(tallies.items()))), seed=seed)
    assert chosen.name in tallies


def test_the_better_text_gets_more_and_the_unknown_one_its_chance() -> None:
    """Over many leads; with nothing known all get about the same."""
    known = {"good": Tally(200, 80), "poor": Tally(200, 20), "new": Tally(0, 0)}
    drawn = Counter(thompson(known, seed=str(n)).name for n in range(2_000))
    assert drawn["good"] > 10 * drawn["poor"]
    assert drawn["new"] > drawn["good"]  # it may be better still; that is to be found out
    fresh = {"a": Tally(), "b": Tally()}
    drawn = Counter(thompson(fresh, seed=str(n)).name for n in range(2_000))
    assert 850 < drawn["a"] < 1_150


def test_a_sequence_that_learns_gives_the_better_text_and_says_why(facts_in, enrolled) -> None:
    """Off unless the document asks; explained in the trace; planned again, a lead keeps its own."""
    sequence = from_json(
        {
            "key": "s",
            "name": "S",
            "steps": [
                {
                    "id": "only",
                    "at": {"day": 1},
                    "touches": [
                        {
                            "channel": "sms",
                            "template": {
                                "variants": [{"use": "a"}, {"use": "b"}],
                                "choose": "thompson",
                            },
                        }
                    ],
                }
            ],
            "templates": {"a": {"text": "Is it urgent?"}, "b": {"text": "When shall we come?"}},
        }
    )
    at = datetime(2026, 11, 2, 16, 0, tzinfo=UTC)
    facts = replace(facts_in(), variants={"a": Tally(500, 400), "b": Tally(500, 20)})
    against = replace(facts, variants={"a": Tally(500, 20), "b": Tally(500, 400)})
    run = enrolled("s", anchor=at)
    decision = advance(run, sequence, Started(at), facts, at)
    (planned,) = decision.plan
    assert planned.template == "a"
    assert "a 400 of 500, b 20 of 500" in str(planned.variant)
    (other,) = advance(run, sequence, Started(at), against, at).plan
    assert other.template == "b"
    touches = tuple(replace(t, text="a") for t in decision.enrollment.touches)
    given_a = replace(decision.enrollment, touches=touches)
    paused = advance(given_a, sequence, Ordered("pause", "kim", at), against, at).enrollment
    (again,) = advance(paused, sequence, Ordered("resume", "kim", at), against, at).plan
    assert again.template == "a"


@given(TALLIES, st.floats(0.01, 0.99), st.floats(1, 100))
def test_an_expected_rate_lies_between_belief_and_figures(
    tally: Tally, rate: float, weight: float
) -> None:
    """Nothing counted leaves the belief; what is counted pulls it towards the figures."""
    prior = Prior(rate, weight)
    assert prior.rate_of(Tally()) == pytest.approx(rate)
    if tally.sent:
        low, high = sorted((rate, tally.answered / tally.sent))
        assert low - 1e-9 <= prior.rate_of(tally) <= high + 1e-9


SLOTS = st.dictionaries(st.tuples(st.integers(0, 6), st.integers(0, 23)), TALLIES, max_size=30)


@given(st.sampled_from(CHANNELS), SLOTS, st.text(max_size=5))
def test_hours_are_as_many_as_are_preferred(channel: str, tallies: dict, seed: str) -> None:
    """The same for the same seed, whichever way the figures are told; spans that open and close
    within a day, and every figure of a chosen hour is told."""
    usual = preferred(channel)
    found = best_hours(channel, tallies, seed=seed)
    assert found == best_hours(channel, dict(reversed(list(tallies.items()))), seed=seed)
    window = found.window()
    assert len(window.days) == len(usual.days)
    assert hours_in(window) == hours_in(usual)
    assert all(opens < closes for opens, closes in window.spans)
    assert all(f"{hour:02}:00" in found.why for hour in found.hours)


def hours_in(window: SendWindow) -> int:
    return sum(closes.hour - opens.hour for opens, closes in window.spans)


def test_without_evidence_hours_are_mostly_those_of_the_guides() -> None:
    """R12 for a prior: of a thousand leads each preferred hour is drawn for nine in ten, and the
    others now and then, so that there is something to learn from."""
    drawn = Counter(hour for n in range(1_000) for hour in best_hours("sms", {}, seed=str(n)).hours)
    assert all(drawn[hour] > 900 for hour in (10, 11, 16, 17))
    assert 0 < sum(count for hour, count in drawn.items() if hour not in (10, 11, 16, 17)) < 400
    assert len(drawn) > 8


def test_an_audience_replaces_the_preferred_hours() -> None:
    """Letters answered on Sunday evenings go on Sunday evenings, whoever is written to."""
    tallies = {(6, 19): Tally(500, 400), (1, 9): Tally(500, 5), (2, 8): Tally(500, 5)}
    found = [best_hours("email", tallies, seed=str(n)) for n in range(50)]
    assert all(6 in hours.days and 19 in hours.hours for hours in found)
    assert sum(9 in hours.hours for hours in found) == 0
    assert "19:00 400 of 500" in found[0].why
    assert "Sun 400 of 500" in found[0].why


def test_hours_drawn_for_a_step_stay(facts_in, enrolled) -> None:
    """Planned again after a pause, with other figures by then, it keeps its hours; a document that
    does not ask has those of R12, whatever is known."""
    steps = [{"id": "only", "at": {"day": 1, "window": "best"}, "touches": [TEXT]}]
    sequence = from_json(
        {"key": "s", "name": "S", "steps": steps, "templates": {"a": {"text": "Is it urgent?"}}}
    )
    at = datetime(2026, 11, 2, 16, 0, tzinfo=UTC)
    late = replace(facts_in(), hours={"sms": {(day, 20): Tally(900, 800) for day in range(7)}})
    early = replace(facts_in(), hours={"sms": {(day, 8): Tally(900, 800) for day in range(7)}})
    run = enrolled("s", anchor=at)
    decision = advance(run, sequence, Started(at), late, at)
    drawn = decision.enrollment.memory["steps"]["only"]["hours"]["sms"][1]
    assert 20 in drawn
    assert "20:00 5600 of 6300" in str(decision.plan[0].hours)
    paused = advance(decision.enrollment, sequence, Ordered("pause", "kim", at), early, at)
    (again,) = advance(paused.enrollment, sequence, Ordered("resume", "kim", at), early, at).plan
    assert (again.due_at, again.hours) == (decision.plan[0].due_at, "hours as before")
    plain = from_json(
        {
            "key": "s",
            "name": "S",
            "steps": [{"id": "only", "at": {"day": 1}, "touches": [TEXT]}],
            "templates": {"a": {"text": "Is it urgent?"}},
        }
    )
    (usual,) = advance(run, plain, Started(at), late, at).plan
    assert (usual.due_at.hour, usual.hours) == (15, None)  # 10:00 in New York


def test_a_subject_that_does_better_is_given_more_often(facts_in, enrolled) -> None:
    """Beside a text that is drawn as well; planned again, both stay."""
    letter = {"channel": "email", "template": {"variants": [{"use": "a"}, {"use": "b"}]}}
    letter["template"]["choose"] = "thompson"
    subjects = {"subjects": ["One", "Two"], "choose": "thompson", "text": "Is it urgent?"}
    sequence = from_json(
        {
            "key": "s",
            "name": "S",
            "steps": [{"id": "only", "at": {"day": 1}, "touches": [letter]}],
            "templates": {"a": subjects, "b": subjects},
        }
    )
    at = datetime(2026, 11, 2, 16, 0, tzinfo=UTC)
    known = {"a": Tally(900, 90), "b": Tally(900, 800), "b~1": Tally(450, 400)}
    against = {"a": Tally(900, 800), "b": Tally(900, 90), "a~2": Tally(450, 400)}
    facts = replace(facts_in(), variants={**known, "b~2": Tally(450, 40)})
    run = enrolled("s", anchor=at)
    decision = advance(run, sequence, Started(at), facts, at)
    assert decision.plan[0].template == "b~1"
    assert "b~1 400 of 450, b~2 40 of 450" in str(decision.plan[0].variant)
    turned = replace(facts, variants=against)
    paused = advance(decision.enrollment, sequence, Ordered("pause", "kim", at), turned, at)
    (again,) = advance(paused.enrollment, sequence, Ordered("resume", "kim", at), turned, at).plan
    assert again.template == "b~1"
