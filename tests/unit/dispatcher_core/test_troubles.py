"""When an account that refuses everything is stopped."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.core.troubles import PROOF, Troubles

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ONE, OTHER = UUID(int=1), UUID(int=2)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=20).map(sorted))
def test_it_stops_once_it_has_said_so_for_long_enough(seconds):
    """From the first word to the one that stops it lies the proof, and no earlier."""
    troubles = Troubles()
    for second in seconds:
        stops = troubles.broken(ONE, START + timedelta(seconds=second))
        assert stops == (timedelta(seconds=second - seconds[0]) >= PROOF)


def test_a_good_answer_begins_anew():
    """What an account said before it took a message does not count."""
    troubles = Troubles()
    assert not troubles.broken(ONE, START)
    troubles.well(ONE)
    assert not troubles.broken(ONE, START + PROOF)
    assert troubles.broken(ONE, START + 2 * PROOF)


def test_each_account_has_its_own():
    """One account's trouble says nothing of another's."""
    troubles = Troubles()
    assert not troubles.broken(ONE, START)
    assert not troubles.broken(OTHER, START + PROOF)
