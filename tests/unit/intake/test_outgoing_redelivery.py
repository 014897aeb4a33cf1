"""What an answer means, and when a delivery is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_intake.core.redelivery import (
    FIRST,
    JITTER,
    LONGEST,
    LONGEST_ASKED,
    LONGEST_REST,
    RESTING_AFTER,
    WINDOW,
    Again,
    Answered,
    GivenUp,
    Gone,
    Taken,
    Unanswered,
    asked_pause,
    backoff,
    follows,
    rest,
)

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
CHANCES = st.floats(0, 1)
AGES = st.timedeltas(timedelta(0), WINDOW * 3)
STATUSES = st.integers(100, 599)
PAUSES = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))


@given(st.integers(0, 10**6), CHANCES)
def test_pauses_double_and_are_bounded(tries, chance):
    """From 5 s to 6 h, a fifth more or less, and never shorter after one more try."""
    pause = backoff(tries, chance=chance)
    assert FIRST * (1 - JITTER) <= pause <= LONGEST * (1 + JITTER)
    assert backoff(tries + 1, chance=chance) >= pause


@given(st.lists(CHANCES, min_size=200, max_size=200))
def test_a_delivery_is_tried_some_twenty_times_in_three_days(chances):
    """Whatever chance says, tries end, the last at the end of the window."""
    age, tries = timedelta(0), 0
    for tries, chance in enumerate(chances, start=1):
        match follows(Unanswered("x"), tries=tries, age=age, chance=chance):
            case Again(pause):
                assert pause > timedelta(0)
                age += pause
            case GivenUp():
                break
    assert 18 <= tries <= 32
    assert age == WINDOW


@given(STATUSES, PAUSES, st.integers(1, 1000), AGES, CHANCES)
def test_what_follows_from_an_answer(status, asked, tries, age, chance):
    """2xx is taken, 410 is the end, anything else comes again within the window."""
    then = follows(Answered(status, asked, ""), tries=tries, age=age, chance=chance)
    if 200 <= status < 300:
        assert then == Taken()
    elif status == 410:
        assert then == Gone()
    elif age >= WINDOW:
        assert then == GivenUp()
    else:
        assert isinstance(then, Again)
        assert then.pause >= min(asked or timedelta(0), LONGEST_ASKED)
        assert then.pause <= max(min(asked or timedelta(0), LONGEST_ASKED), WINDOW - age)


@given(st.integers(0, 10**6))
def test_an_endpoint_rests_longer_the_longer_it_fails(failures):
    """Not at all before the fifth failure in a row, and ten minutes at most."""
    assert rest(failures) <= rest(failures + 1) <= LONGEST_REST
    assert (rest(failures) > timedelta(0)) == (failures >= RESTING_AFTER)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("99999999999999999999", 10**8),
        ("Mon, 02 Mar 2026 15:01:00 GMT", 60),
        ("Mon, 02 Mar 2026 14:00:00 GMT", 0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Mon, 99 Mar 2026 15:01:00 GMT", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 999999999999:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    """As RFC 9110 has it; what is neither asks for nothing."""
    asked = asked_pause({"Retry-After": header}, now=NOW)
    assert asked == (None if seconds is None else timedelta(seconds=seconds))


@given(
    st.text(st.characters(codec="latin-1"), max_size=60)
    | st.from_regex(
        r"[A-Z][a-z]{2}, \d{1,6} Jan \d{1,25} \d{1,25}:\d\d:\d\d [+-]\d{1,25}", fullmatch=True
    )
)
def test_no_retry_after_breaks_what_reads_it(header):
    """Whatever an endpoint writes there, its answer is an answer."""
    asked = asked_pause({"Retry-After": header}, now=NOW)
    assert asked is None or asked >= timedelta(0)


def test_no_retry_after_asks_for_nothing():
    """An answer without the header."""
    assert asked_pause({}, now=NOW) is None
