"""Spans of UTC time, half open: (start, end) holds start and not end."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

Span = tuple[datetime, datetime]
Spans = tuple[Span, ...]

DAY = timedelta(days=1)


def day_span(day: date) -> Span:
    """The UTC day `day`."""
    start = datetime.combine(day, time(), UTC)
    return start, start + DAY


def utc_date(at: datetime) -> date:
    """The UTC date of an aware moment, whatever its own offset."""
    return at.astimezone(UTC).date()


def merge(spans: Iterable[Span]) -> Spans:
    """The same time in order, without overlaps or touching neighbours."""
    return tuple(joined(sorted(spans)))


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Ordered spans with overlapping and touching neighbours made one, lazily."""
    current: Span | None = None
    for span in spans:
        if current is not None and span[0] <= current[1]:
            current = (current[0], max(current[1], span[1]))
            continue
        if current is not None:
            yield current
        current = span
    if current is not None:
        yield current


def intersect(first: Spans, second: Spans) -> Spans:
    """The time in both; both ordered and without overlaps."""
    found: list[Span] = []
    left = right = 0
    while left < len(first) and right < len(second):
        start = max(first[left][0], second[right][0])
        end = min(first[left][1], second[right][1])
        if start < end:
            found.append((start, end))
        if first[left][1] <= second[right][1]:
            left += 1
        else:
            right += 1
    return tuple(found)


def first_fit(spans: Iterable[Span], *, earliest: datetime, length: timedelta) -> datetime | None:
    """The first moment t from `earliest` on with [t, t + length] inside one of the spans."""
    for start, end in spans:
        at = max(start, earliest)
        if at + length < end:
            return at
    return None
