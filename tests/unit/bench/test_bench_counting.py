import pytest
from counting import median, percentile, steady_rate
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.lists(st.floats(0, 1e6), min_size=1)


@given(VALUES, st.floats(0, 1))
def test_a_percentile_is_one_of_the_values(values, share):
    """Nearest rank invents nothing, whatever the order of what was measured."""
    assert percentile(values, share, digits=12) in {round(value, 12) for value in values}


@given(VALUES)
def test_the_last_percentile_is_the_worst(values):
    """The hundredth hundredth hides no outlier."""
    assert percentile(values, 1.0, digits=12) == round(max(values), 12)


@given(VALUES)
def test_half_lies_on_either_side_of_the_median(values):
    """As many are above as below."""
    middle = median(values)
    assert sum(v < middle for v in values) <= len(values) / 2
    assert sum(v > middle for v in values) <= len(values) / 2


def test_a_slow_start_and_a_long_tail_do_not_count():
    """A thousand at a hundred a second, the first a minute early, the last a minute late."""
    times = {str(n): 1000 + n / 100 for n in range(1000)}
    times["0"] -= 60
    times["999"] += 60
    assert steady_rate(times) == pytest.approx(100)
