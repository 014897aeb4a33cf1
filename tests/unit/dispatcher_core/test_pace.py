from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.core.lease import LEASE
from followup_dispatcher.core.pace import MOST, ROOM, Pace


@given(st.lists(st.tuples(st.integers(1, MOST), st.floats(0, 60)), max_size=50))
def test_at_least_one_and_at_most_so_many_are_renewed_together(rounds) -> None:
    """Whatever the database does, something is tried and nothing grows without end."""
    pace = Pace()
    for count, seconds in rounds:
        pace = pace.after(min(count, pace.size), seconds)
        assert 1 <= pace.size <= MOST


@given(st.floats(min_value=0.0001, max_value=ROOM), st.integers(20, 1000))
def test_a_steady_speed_is_found_at_which_leases_hold(each, waiting) -> None:
    """So much time for each of a batch: after a few rounds a batch takes less than a lease."""
    pace = Pace()
    for _ in range(12):
        count = min(pace.size, waiting)
        pace = pace.after(count, each * count)
    assert min(pace.size, waiting) * each <= LEASE


def test_a_quick_database_gets_its_large_batches_back() -> None:
    """Slowness passes; full batches that are quick grow by a quarter."""
    pace = Pace(1)
    for _ in range(30):
        pace = pace.after(pace.size, 0.001)
    assert pace.size == MOST


def test_a_batch_that_was_not_full_says_nothing_about_larger_ones() -> None:
    """Quick with three is no reason for sixteen."""
    assert Pace(8).after(3, 0.001) == Pace(8)


@given(st.floats(min_value=0, max_value=60))
def test_half_a_lease_is_left_for_the_calls_to_begin(seconds) -> None:
    """What took longer than the other half shrinks, whether it claimed or renewed."""
    assert (Pace(64).after(64, seconds).size < 64) == (seconds > ROOM)
