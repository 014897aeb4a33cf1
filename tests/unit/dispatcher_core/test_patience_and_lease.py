from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.core.lease import LEASE, Lease
from followup_dispatcher.core.patience import FIRST, LONGEST, retry_at
from followup_suppression import ACKNOWLEDGE_AFTER
from followup_suppression.fence import LEASE as FENCE_LEASE

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
ATTEMPTS = st.integers(1, 100)
JITTER = st.floats(0, 1, exclude_max=True)
AFTER = st.none() | st.timedeltas(timedelta(0), timedelta(days=1))


@given(attempt=ATTEMPTS, jitter=JITTER)
def test_without_the_vendors_word_pauses_double_to_an_hour(attempt, jitter):
    """From half a minute on, spread by up to a quarter."""
    pause = retry_at(NOW, attempt=attempt, after=None, jitter=jitter) - NOW
    least = min(LONGEST, FIRST * 2 ** min(attempt - 1, 12))
    assert least <= pause <= least * 1.25


@given(attempt=ATTEMPTS, after=AFTER, jitter=JITTER)
def test_the_vendors_word_is_a_floor(attempt, after, jitter):
    """Never earlier than it said, and never at once."""
    moment = retry_at(NOW, attempt=attempt, after=after, jitter=jitter)
    assert moment >= NOW + (after or timedelta(0))
    assert moment > NOW


@given(attempt=ATTEMPTS, after=AFTER, low=JITTER, high=JITTER)
def test_later_attempts_and_more_jitter_never_come_earlier(attempt, after, low, high):
    """Patience only grows."""
    low, high = sorted((low, high))
    first = retry_at(NOW, attempt=attempt, after=after, jitter=low)
    assert first <= retry_at(NOW, attempt=attempt, after=after, jitter=high)
    assert first <= retry_at(NOW, attempt=attempt + 1, after=after, jitter=low)


@given(taken=st.floats(0, 1e6), passed=st.floats(0, 10))
def test_a_lease_runs_from_the_moment_it_was_taken(taken, passed):
    """150 ms, whatever happened meanwhile; what has run out stays so."""
    now = taken
    lease = Lease(taken, lambda: now)
    whole = lease.time_left()
    now = taken + passed
    assert abs(whole - LEASE) < 1e-9
    assert (lease.time_left() <= 0) == (taken + LEASE - now <= 0)
    assert lease.time_left() <= whole


def test_the_lease_is_the_one_the_stopping_side_waits_out():
    """Both sides count with the same figure, and the answer leaves room behind it."""
    assert LEASE == FENCE_LEASE
    assert ACKNOWLEDGE_AFTER - LEASE >= 0.1 - 1e-9
