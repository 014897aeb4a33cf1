"""Daily windows on a wall clock, against asking the clock minute by minute."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from followup_policy.spans import first_fit, intersect, merge
from followup_policy.wallclock import daily_spans, starts_of_day

# Zones that change at 2:00, at midnight, by half an hour, by 45 minutes' offset, or never.
ZONES = (
    "America/New_York", "America/St_Johns", "Europe/London", "Australia/Adelaide", "Asia/Kolkata",
    "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "Pacific/Chatham", "America/Phoenix",
    "Pacific/Kiritimati", "Africa/Casablanca",
)  # fmt: skip
CHANGES = [
    date(2026, 3, 8), date(2026, 11, 1), date(2026, 3, 29), date(2026, 10, 25), date(2026, 4, 5),
    date(2026, 10, 4), date(2026, 9, 6), date(2026, 4, 24), date(2026, 10, 30), date(2026, 9, 27),
    date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1), date(2026, 2, 15), date(2026, 3, 22),
]  # fmt: skip
DAYS = st.one_of(
    st.dates(date(2020, 1, 1), date(2035, 1, 1)),
    st.builds(lambda d, n: d + timedelta(days=n), st.sampled_from(CHANGES), st.integers(-1, 1)),
)
CLOCK = st.integers(0, 1439)


def naive(zone, at, window, weekdays):
    """Whether the wall clock shows a minute inside the window; overnight when it ends first."""
    local = at.astimezone(ZoneInfo(zone))
    minute, (opens, closes) = local.hour * 60 + local.minute, window
    if opens < closes:
        return local.weekday() in weekdays and opens <= minute < closes
    evening = local.weekday() in weekdays and minute >= opens
    morning = (local.weekday() - 1) % 7 in weekdays and minute < closes
    return evening or morning


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    day=DAYS,
    opens=CLOCK,
    closes=CLOCK,
    weekdays=st.sets(st.integers(0, 6)),
)
def test_windows_open_exactly_when_the_clock_shows_them(zone, day, opens, closes, weekdays):
    """Every minute of a UTC day, on days of change as well, overnight windows as well."""
    window = (opens, closes)
    spans = daily_spans(
        zone, day, windows=lambda local: [window] if local.weekday() in weekdays else []
    )
    assert all(end < start for (_, end), (start, _) in pairwise(spans))
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for minute in range(1440):
        at = start + timedelta(minutes=minute)
        inside = any(begin <= at < end for begin, end in spans)
        assert inside == (naive(zone, at, window, weekdays) if opens != closes else inside), at


@settings(deadline=None)
@given(zone=st.sampled_from(ZONES), day=DAYS)
def test_a_local_day_starts_when_the_clock_leaves_the_day_before(zone, day):
    """Just before the start the clock shows an earlier date, at it the date or a later one."""
    start = starts_of_day(zone, day)
    clock = ZoneInfo(zone)
    assert (start - timedelta(seconds=1)).astimezone(clock).date() < day
    assert start.astimezone(clock).date() == day


SPANS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)), max_size=8).map(
    lambda pairs: merge((_at(a), _at(a + n)) for a, n in pairs)
)


def _at(minute):
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


@given(first=SPANS, second=SPANS)
def test_intersection_holds_what_both_hold(first, second):
    """Minute by minute; and nothing is gained by intersecting again."""
    both = intersect(first, second)
    for minute in range(250):
        expected = all(any(a <= _at(minute) < b for a, b in s) for s in (first, second))
        assert any(a <= _at(minute) < b for a, b in both) == expected
    assert intersect(both, first) == both == intersect(second, both)


@given(spans=SPANS, earliest=st.integers(0, 260), length=st.integers(0, 30))
def test_first_fit_is_the_first_minute_that_fits(spans, earliest, length):
    """No earlier minute has the whole length inside one span."""
    found = first_fit(spans, earliest=_at(earliest), length=timedelta(minutes=length))
    fits = [
        m
        for m in range(earliest, 260)
        if any(a <= _at(m) and _at(m + length) < b for a, b in spans)
    ]
    assert found == (_at(fits[0]) if fits else None)
