from hypothesis import given
from hypothesis import strategies as st

from followup_client import Patience


@given(
    tries=st.integers(1, 10_000),
    pause=st.floats(0.001, 100),
    longest=st.floats(0.001, 1000),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_pauses_grow_up_to_the_longest(tries, pause, longest, chance):
    """However often something failed, its pause lies between half of its step and the longest."""
    patience = Patience(pause=pause, longest=longest, chance=lambda: chance)
    before = patience.before(tries)
    assert min(longest, pause) / 2 <= before <= longest
    if chance == 0:
        assert patience.before(tries + 1) >= before
