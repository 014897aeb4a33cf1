"""The judge of the STOP race, by planted races: it must see what must not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from race.run import failures
from race.verdict import Stopped, Violation, judge, percentile

MOMENTS = st.floats(min_value=0, max_value=100, allow_nan=False)


def test_a_send_after_the_answer_is_a_violation():
    """By a microsecond too; who, how and by how much is told."""
    verdict = judge([Stopped("a", "STOP", 10.0)], {"a": [9.0, 10.000001]})
    assert verdict.violations == [Violation("a", "STOP", pytest.approx(0.000001))]
    assert verdict.worst_margin_ms == pytest.approx(-0.001)


def test_sends_before_the_answer_are_measured():
    """The last one counts, in ms, and into the histogram."""
    verdict = judge([Stopped("a", "halt", 10.0)], {"a": [9.0, 9.88]})
    assert verdict.violations == []
    assert verdict.worst_margin_ms == pytest.approx(120)
    assert (verdict.closely, verdict.histogram["100-150"]) == (1, 1)


def test_somebody_elses_send_is_no_violation():
    """Only the stopped person is held against a stop."""
    verdict = judge([Stopped("a", "reply", 10.0)], {"b": [11.0]})
    assert (verdict.never_sent, verdict.violations) == (1, [])


@given(st.lists(st.tuples(st.integers(0, 3), MOMENTS), max_size=20), st.lists(MOMENTS, max_size=4))
def test_every_send_after_its_answer_is_found(sends, answers):
    """Whatever the order of the stamps."""
    stamps: dict[str, list[float]] = {}
    for person, moment in sends:
        stamps.setdefault(str(person), []).append(moment)
    stops = [Stopped(str(number), "STOP", moment) for number, moment in enumerate(answers)]
    late = {s.person for s in stops if any(at > s.answered for at in stamps.get(s.person, ()))}
    verdict = judge(stops, stamps)
    assert {violation.person for violation in verdict.violations} == late
    assert verdict.races == len(answers)


@pytest.mark.parametrize("name", ["violations", "not_answered", "holds_left"])
def test_what_must_fail_a_run_does(name):
    """Also when only the frozen races had it."""
    clean = {"violations": 0, "not_answered": [], "holds_left": 0}
    assert failures(clean | {"frozen": clean}) == []
    assert failures(clean | {name: 1})
    assert failures(clean | {"frozen": clean | {name: 1}})


def test_percentiles():
    """Of few values the nearest that is one of them."""
    assert percentile([], 0.99) == 0.0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(100)], 0.99) == 99.0
