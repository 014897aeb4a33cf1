"""What is due when, on the clock of those who have to do it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from followup_policy.wallclock import local_date, starts_of_day

Due = Literal["overdue", "today", "week", "later"]
Span = Literal["overdue", "today", "week", "all"]

_WEEK = timedelta(days=7)
_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Horizons:
    """Now, the end of today, and the end of the seven local days that begin today."""

    now: datetime
    today: datetime
    week: datetime

    def due(self, moment: datetime) -> Due:
        """Where a moment falls; what is due this very moment is not overdue yet."""
        if moment < self.now:
            return "overdue"
        if moment < self.today:
            return "today"
        return "week" if moment < self.week else "later"

    def until(self, span: Span) -> datetime:
        """Where a span ends, exclusively. Each holds those before it: overdue is due today."""
        ends = {"overdue": self.now, "today": self.today, "week": self.week, "all": _FOREVER}
        return ends[span]


def horizons(zone: str, now: datetime) -> Horizons:
    """The horizons at `now` (aware) on the clock of an IANA zone."""
    today = local_date(zone, now)
    ends = (
        starts_of_day(zone, today + days).astimezone(UTC) for days in (timedelta(days=1), _WEEK)
    )
    return Horizons(now, *ends)


def known_zone(name: str) -> str | None:
    """The zone of that name, or None where there is none."""
    try:
        return ZoneInfo(name).key
    except (LookupError, ValueError, OSError):
        return None
