from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.core.lease import LEASE
from followup_dispatcher.core.pace import MOST, Pace


@given(st.lists(st.tuples(st.integers(1, MOST), st.floats(0, 60)), max_size=50))
def test_at_least_one_and_at_most_so_many_are_renewed_together(rounds) -> None:
    """Whatever the database does, something is tried and nothing grows without end."""
    pace = Pace()
    for count, seconds in rounds:
        pace = pace.after(min(count, pace.size), seconds)
        assert 1 <= pace.size <= MOST


@given(st.floats(min_value=0, max_value=60))
def test_half_a_lease_is_left_for_the_calls_to_begin(seconds) -> None:
    """What took longer than the other half shrinks, whether it claimed or renewed."""
    assert (Pace(64).after(64, seconds).size < 64) == (seconds > LEASE / 2)
