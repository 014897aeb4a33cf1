"""Days and moments where the person is.

Somebody may be in one of several zones; a day has begun once it has in all of them.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from followup_policy.wallclock import local_date, starts_of_day
from followup_policy.zones import Whereabouts
from followup_scheduler.core.format.at import At
from followup_scheduler.core.format.clock import numbers

_NOWHERE = frozenset({"UTC"})
_DAY = timedelta(days=1)
_WEEKEND = frozenset({5, 6})


def zones(where: Whereabouts) -> frozenset[str]:
    """The candidate zones; UTC stands in when nothing is known."""
    return where.zones or _NOWHERE


def first_moment(where: Whereabouts, day: date) -> datetime:
    """The instant from which it is `day`, or later, in every candidate zone."""
    return max(starts_of_day(zone, day) for zone in zones(where)).astimezone(UTC)


def days_between(where: Whereabouts, start: datetime, end: datetime) -> int:
    """How often midnight passes between two instants, in the zone where that is least often."""
    return min((local_date(zone, end) - local_date(zone, start)).days for zone in zones(where))


def clock_on_day_of(where: Whereabouts, moment: datetime, at: time) -> datetime:
    """When every candidate zone's clock has shown `at` on the local date of `moment`."""
    return max(_on_clock(zone, local_date(zone, moment), at) for zone in zones(where))


def wanted(
    at: At,
    *,
    anchor: datetime,
    where: Whereabouts,
    opens: time | None = None,
    shift_days: int = 0,
) -> datetime:
    """The moment a step asks for.

    Dates are local ones, at the step's own `time`, else at `opens`, else as they begin; a
    date after the anchor's is never before the anchor itself. `shift_days` are the days
    the enrollment has been waiting.
    """
    if at.after is not None:
        return _on_weekday(at, anchor + at.after + timedelta(days=shift_days), where, opens)
    if at.before is not None:
        return anchor - at.before
    clock = at.time or opens
    moments = [
        _on_clock(zone, _date(at, local_date(zone, anchor), shift_days), clock)
        for zone in zones(where)
    ]
    if at.days_before is not None:
        return min(max(moments), anchor).astimezone(UTC)
    return max(anchor, *moments).astimezone(UTC)


def months_later(base: date, months: int, *, day: int | None = None) -> date:
    """The same day of the month, or `day`, so many months later; or that month's last."""
    year, month = divmod(base.year * 12 + base.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day or base.day, last))


def _date(at: At, anchor: date, shift_days: int) -> date:
    if at.days_before is not None:
        day = anchor - timedelta(days=at.days_before)
    elif at.business_days is not None:
        day = _business_day(anchor, at.business_days) + timedelta(days=shift_days)
        day = day if day.weekday() not in _WEEKEND else _business_day(day, 1)
    elif at.months is not None:
        day = months_later(anchor, at.months) + timedelta(days=shift_days)
    else:
        day = anchor + timedelta(days=(at.day or 0) + shift_days)
    suits = numbers(at.weekdays)
    while day.weekday() not in suits:
        day += _DAY
    return day


def _business_day(day: date, number: int) -> date:
    """So many days that are no weekend later; 0 is the day itself, or the next that is none."""
    while day.weekday() in _WEEKEND:
        day += _DAY
    for _ in range(number):
        day += _DAY
        while day.weekday() in _WEEKEND:
            day += _DAY
    return day


def _on_weekday(at: At, moment: datetime, where: Whereabouts, opens: time | None) -> datetime:
    """The moment, or the beginning of the next day that suits in every zone."""
    suits = numbers(at.weekdays)
    for _ in range(8):
        if all(local_date(zone, moment).weekday() in suits for zone in zones(where)):
            break
        following = max(local_date(zone, moment) for zone in zones(where)) + _DAY
        moment = max(_on_clock(zone, following, opens) for zone in zones(where))
    return moment.astimezone(UTC)


def _on_clock(zone: str, day: date, at: time | None) -> datetime:
    if at is None:
        return starts_of_day(zone, day)
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
