"""Daily windows on a wall clock, as spans of UTC.

A UTC day is cut where the zone's offset changes; inside a piece the clock is plain
arithmetic. So an hour that a spring change skips is never open, and one that an autumn
change repeats is open both times.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from followup_policy.spans import DAY, Span, Spans, day_span, merge

Minutes = tuple[int, int]  # start and end after local midnight; end <= start runs overnight
Daily = Callable[[date], Sequence[Minutes]]

WHOLE_DAY: tuple[Minutes, ...] = ((0, 24 * 60),)

_STEP = timedelta(hours=3)  # no zone changes its offset twice within this
_SECOND = timedelta(seconds=1)


def offset(zone: str, at: datetime) -> timedelta:
    """How far the clock of `zone` is ahead of UTC at `at`."""
    found = at.astimezone(ZoneInfo(zone)).utcoffset()
    if found is None:  # pragma: no cover - ZoneInfo always knows for an aware instant
        raise ValueError(zone)
    return found


def local_date(zone: str, at: datetime) -> date:
    """The date on the clock of `zone` at `at`."""
    return at.astimezone(ZoneInfo(zone)).date()


def starts_of_day(zone: str, day: date) -> datetime:
    """The first UTC instant from which the clock of `zone` no longer shows a date before `day`."""
    begin = datetime.combine(day, time(), UTC) - 2 * DAY
    for back in range(5):
        for start, end, ahead in _pieces(zone, begin.date() + back * DAY):
            midnight = datetime.combine(day, time(), UTC) - ahead
            if midnight < end:
                return max(start, midnight)
    raise ValueError(f"{zone} has no {day}")  # pragma: no cover - four days hold any midnight


def daily_spans(zone: str, day: date, *, windows: Daily) -> Spans:
    """When, within the UTC day `day`, the clock of `zone` is inside that date's windows."""
    found: list[Span] = []
    for start, end, ahead in _pieces(zone, day):
        local = (start + ahead).date() - DAY  # a window of the day before may run overnight
        while local <= (end + ahead).date():
            midnight = datetime.combine(local, time(), UTC) - ahead
            for opens, closes in windows(local):
                begin = midnight + timedelta(minutes=opens)
                close = midnight + timedelta(minutes=closes + (1440 if closes <= opens else 0))
                if max(begin, start) < min(close, end):
                    found.append((max(begin, start), min(close, end)))
            local += DAY
    return merge(found)


@lru_cache(maxsize=16384)
def _pieces(zone: str, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """The UTC day cut into pieces of one offset each."""
    cursor, last = day_span(day)
    pieces: list[tuple[datetime, datetime, timedelta]] = []
    begin = cursor
    while cursor < last:
        ahead, later = offset(zone, cursor), offset(zone, cursor + _STEP)
        if ahead != later:
            change = _change(zone, cursor, cursor + _STEP)
            if change < last:
                pieces.append((begin, change, ahead))
                begin = change
        cursor += _STEP
    return (*pieces, (begin, last, offset(zone, begin)))


def _change(zone: str, before: datetime, after: datetime) -> datetime:
    """The instant between two at which the offset becomes the later one's."""
    later = offset(zone, after)
    while after - before > _SECOND:
        middle = before + ((after - before) // 2 // _SECOND) * _SECOND
        if offset(zone, middle) == later:
            after = middle
        else:
            before = middle
    return after
