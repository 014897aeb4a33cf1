"""Public holidays, by country and state.

National and state calendars come from the `holidays` package; days a statute adds are
named here: "MM-DD", "easter-2" (Good Friday), "easter-47" (Mardi Gras) and "us-election"
(the Tuesday after the first Monday of November).
"""

from datetime import date, timedelta
from functools import lru_cache

import holidays
from pydantic import Field

from followup_policy.packaged import Row

_SATURDAY, _SUNDAY = 5, 6


class Calendars(Row):
    """Whose holidays count: calendars such as "US" or "US-PA", and days added to them."""

    calendars: tuple[str, ...] = Field(max_length=60)
    days: tuple[str, ...] = Field(default=(), max_length=60)
    shift_weekend: bool = False  # a Saturday holiday counts on Friday too, a Sunday one on Monday


def is_holiday(day: date, calendars: Calendars) -> bool:
    """Whether the date is a holiday of any of the calendars; substitute days count as well."""
    return day in _holidays(calendars, day.year)


@lru_cache(maxsize=4096)  # calendars are of tenants' own writing, too
def _holidays(calendars: Calendars, year: int) -> frozenset[date]:
    found = {_named(day, year) for day in calendars.days}
    for name in calendars.calendars:
        country, _, state = name.partition("-")
        for each in (year - 1, year, year + 1):  # a substitute day may fall in another year
            found |= set(holidays.country_holidays(country, subdiv=state or None, years=each))
    if calendars.shift_weekend:
        found |= {_weekday_near(day) for day in found}
    return frozenset(day for day in found if day.year == year)


def _weekday_near(day: date) -> date:
    shift = {_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0)
    return day + timedelta(days=shift)


def _named(day: str, year: int) -> date:
    if day.startswith("easter-"):
        return _easter(year) - timedelta(days=int(day.removeprefix("easter-")))
    if day == "us-election":
        first = date(year, 11, 1)
        return first + timedelta(days=(7 - first.weekday()) % 7 + 1)
    month, _, number = day.partition("-")
    return date(year, int(month), int(number))


def _easter(year: int) -> date:
    """Western Easter, by the anonymous Gregorian computus (Meeus, Astronomical Algorithms)."""
    golden, century, of_century = year % 19, year // 100, year % 100
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - moon + 15) % 30
    week = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (golden + 11 * epact + 22 * week) // 451
    month, day = divmod(epact + week - 7 * late + 114, 31)
    return date(year, month, day + 1)
