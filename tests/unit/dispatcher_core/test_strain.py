from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.core.strain import AGAIN, LEAST, PROOFS, Strain


@given(
    most=st.integers(1, 300),
    steps=st.lists(st.none() | st.floats(0, 10), max_size=200),
)
def test_it_stays_between_the_least_and_the_most(most, steps):
    """Whatever happens, something of lane `later` is taken on, and never too much."""
    strain, now = Strain(most=most, places=most), 0.0
    for step in steps:
        now += step or 0.0
        strain = strain.kept() if step is None else strain.missed(now)
        assert min(LEAST, most) <= strain.places <= most


def test_leases_that_run_out_together_count_once():
    """A batch that comes too late is one trouble, not sixty-four."""
    strain = Strain(most=224, places=224)
    for _ in range(64):
        strain = strain.missed(10.0)
    assert strain.places == 112
    assert strain.missed(10.0 + AGAIN).places == 56


def test_what_was_given_up_comes_back_by_and_by():
    """One place for a few calls that began in time, up to all of them."""
    strain = Strain(most=8, places=8).missed(0.0)
    assert strain.places == 4
    for _ in range(PROOFS):
        strain = strain.kept()
    assert strain.places == 5
    for _ in range(PROOFS * 8):
        strain = strain.kept()
    assert strain.places == 8
