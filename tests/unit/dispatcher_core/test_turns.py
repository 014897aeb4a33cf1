from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.core.turns import FURTHEST, SOONEST, Turns

seconds = st.floats(0, 60)


@given(
    waits=st.lists(st.tuples(seconds, seconds), min_size=1, max_size=200), places=st.integers(1, 64)
)
def test_nobody_is_sent_away_for_less_or_more_than_is_sensible(waits, places):
    """Whatever calls have lasted, whenever it is asked."""
    turns, now = Turns(), 1000.0
    for lasted, passed in waits:
        turns, away = turns.answered(lasted).taken(now, places=places, oldest=0.0)
        assert SOONEST - 1e-6 <= away <= FURTHEST + 1e-6
        now += passed


@given(lasts=st.floats(0.01, 8), places=st.integers(1, 64), count=st.integers(2, 200))
def test_as_many_come_back_in_a_while_as_the_account_answers(lasts, places, count):
    """One after the other, as far apart as one place takes turns."""
    turns, moments = Turns(lasts=lasts), []
    for _ in range(count):
        turns, away = turns.taken(0.0, places=places, oldest=0.0)
        moments.append(away)
    for first, second in ((a, b) for a, b in pairwise(moments) if b > a):
        assert abs(second - first - lasts / places) < 1e-6


def test_a_call_that_is_not_answered_counts_for_as_long_as_it_lasts():
    """Before the first answer there is nothing else to go by."""
    turns, first = Turns().taken(0.0, places=4, oldest=8.0)
    _, second = turns.taken(0.0, places=4, oldest=8.0)
    assert second - first == 2.0


def test_a_line_that_grew_too_long_is_begun_anew_in_its_middle():
    """So that those at its end do not all come back in one moment."""
    turns = Turns(lasts=8.0)
    aways = []
    for _ in range(40):
        turns, away = turns.taken(0.0, places=4, oldest=0.0)
        aways.append(away)
    assert max(aways) <= FURTHEST
    assert aways.count(FURTHEST / 2) > 1
