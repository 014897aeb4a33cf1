"""Days and moments where the person is.

Somebody may be in one of several zones; a day has begun once it has in all of them.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from followup_policy.wallclock import local_date, starts_of_day
from followup_policy.zones import Whereabouts
from followup_scheduler.core.format.at import At

_NOWHERE = frozenset({"UTC"})


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

    `day: n` is the n-th local date after the anchor's, at `opens` on the clock (else as it
    begins), and not before the anchor. `shift_days` are the days the enrollment has been
    waiting.
    """
    if at.after is not None:
        return anchor + at.after + timedelta(days=shift_days)
    days = timedelta(days=(at.day or 0) + shift_days)
    moments = (_on_clock(zone, local_date(zone, anchor) + days, opens) for zone in zones(where))
    return max(anchor, *moments).astimezone(UTC)


def _on_clock(zone: str, day: date, at: time | None) -> datetime:
    if at is None:
        return starts_of_day(zone, day)
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
