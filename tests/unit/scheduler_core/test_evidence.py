"""Choosing by evidence: the better one, more often, explained, and the same for the same."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_contracts.payload import CHANNELS
from followup_scheduler.core.advance import advance
from followup_scheduler.core.document import from_json
from followup_scheduler.core.evidence.channels import best_channel
from followup_scheduler.core.evidence.tallies import Prior, Tally
from followup_scheduler.core.evidence.variants import thompson
from followup_scheduler.core.model import Ordered, Started

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
