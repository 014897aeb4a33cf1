"""The day somebody names: "back on 5 January", "in two weeks", "nach Ostern", "Q1".

English, Spanish, French, German and Portuguese. Of several days the last one that follows a
word of return ("back", "until", "ab", "hasta") counts, else the last one named.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from followup_replies.core import calendars
from followup_replies.core.calendars import (
    BEFORE_EASTER,
    DAY,
    FEASTS,
    FORTNIGHT,
    MONTH,
    MONTHS,
    NUMBERS,
    QUARTER,
    SEASON_ENDS,
    SEASONS,
    UNITS,
    WEEK,
    WEEKDAYS,
)
from followup_replies.core.day_patterns import COMPILED, CUE
from followup_replies.core.folding import fold

_LONGEST_TEXT: Final = 4_000
_FARTHEST: Final = timedelta(days=3 * 366)
"""Beyond this a number is no day somebody waits for."""
_STALE: Final = timedelta(days=31)
"""A day without a year that passed less than this ago is past, not next year's."""
_CUE_REACH: Final = 28


@dataclass(frozen=True, slots=True)
class _Named:
    """A day that the text names between two places."""

    start: int
    end: int
    day: date


def named_date(
    text: str, *, received: datetime, zone: str = "UTC", language: str = "en"
) -> date | None:
    """Give the day `text` names, reckoned from the day of receipt in `zone`, or None.

    Never a day before that one. 5/1 is 1 May in an American zone (and in English without
    a zone), 5 January elsewhere.
    """
    today = received.astimezone(_zone(zone)).date()
    american = language == "en" and zone.startswith(("America/", "US/", "UTC", "Pacific/Hon"))
    folded = fold(text[:_LONGEST_TEXT])
    found = [
        named
        for named in _outermost(_all_named(folded, today, month_first=american))
        if today <= named.day <= today + _FARTHEST
    ]
    cued = [named for named in found if CUE.search(folded[: named.start][-_CUE_REACH * 3 :])]
    return max((named.day for named in cued or found), default=None)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _outermost(found: list[_Named]) -> Iterator[_Named]:
    """Leave out what lies inside another: the month of a day, the Monday of "Monday 5 May"."""
    covered = 0
    for named in sorted(found, key=lambda named: (named.start, -named.end)):
        if named.end > covered:
            covered = named.end
            yield named


def _all_named(folded: str, today: date, *, month_first: bool) -> list[_Named]:
    found: list[_Named] = []
    taken: list[tuple[int, int]] = []
    for name, pattern in COMPILED.items():
        for match in pattern.finditer(folded):
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            day = _day_of(name, match, today, month_first=month_first)
            if day is not None:
                found.append(_Named(start=match.start(), end=match.end(), day=day))
            if day is not None or name in _WHOLE_DAYS:
                # Even a day gone by is no mention of its month alone.
                taken.append(match.span())
    return found


_WHOLE_DAYS: Final = frozenset({"iso", "numeric", "day_month", "month_day"})


def _day_of(name: str, match: re.Match[str], today: date, *, month_first: bool) -> date | None:
    if name == "numeric":
        return _numeric(match, today, month_first=month_first)
    return _READERS[name](match, today)


def _numeric(match: re.Match[str], today: date, *, month_first: bool) -> date | None:
    first, second = int(match["first"]), int(match["second"])
    if match["mark"] == "." and match["year"] is None and not match.group().endswith("."):
        return None  # a price or a time; a date without a year ends in a point
    american = month_first and match["mark"] != "."
    pairs = [(second, first), (first, second)]
    year = _full_year(match["year"])
    for month, day in reversed(pairs) if american else pairs:
        found = _dated(today, month, day, year=year)
        if found is not None:
            return found
    return None


def _full_year(digits: str | None) -> int | None:
    if digits is None:
        return None
    return int(digits) if len(digits) == 4 else 2000 + int(digits)  # noqa: PLR2004 - of a year


def _dated(today: date, month: int, day: int, *, year: int | None = None) -> date | None:
    """Give the day in its year, or in the one that makes it the next such day."""
    try:
        if year is not None:
            return date(year, month, day)
        this_year = date(today.year, month, day)
        if this_year >= today:
            return this_year
        return None if today - this_year < _STALE else date(today.year + 1, month, day)
    except ValueError:
        return None


def _with_month_name(match: re.Match[str], today: date) -> date | None:
    year = _full_year(match["year"])
    return _dated(today, MONTHS[match["month"]], int(match["day"]), year=year)


def _iso(match: re.Match[str], today: date) -> date | None:
    return _dated(today, int(match["month"]), int(match["day"]), year=int(match["year"]))


def _whole_month(match: re.Match[str], today: date) -> date | None:
    """A month alone is its first day; a month that is running is next year's only if named."""
    word, part = match["month"], (match["part"] or "").strip(" -")
    if not part and match["year"] is None and not _is_month(match):
        return None
    month, year = MONTHS[word], _full_year(match["year"])
    if year is None:
        year = today.year if month >= today.month else today.year + 1
    words = part.removeprefix("the ").removeprefix("la ").split()
    day = _PARTS.get(words[0] if words else "", 1)
    if "final" in part or part.startswith(("fin", "fim", "ende", "end", "late")):
        day = calendar.monthrange(year, month)[1]
    return max(date(year, month, day), today)


_PARTS: Final = {
    **dict.fromkeys(["mid", "middle", "mediados", "mi", "mitte", "meados"], 15),
    **dict.fromkeys(["second", "segunda", "deuxieme", "seconde", "zweite", "zweiten"], 16),
}
_BEFORE_MONTH: Final = re.compile(
    r"\b(?:in|until|till|til|by|after|before|for|around|about|next|early|this|of|en|hasta|para|"
    r"despues de|jusqu'en|jusqu'a|apres|avant|vers|courant|im|bis|ab|ende|anfang|nach|em|ate|"
    r"em|depois de|de|since|maybe|try|come|mid)[\s-]+$"
)


_SECOND_HALF = 16
"""The day of a month with which its second fortnight begins (*quincena*, *quinzaine*)."""


def _is_month(match: re.Match[str]) -> bool:
    """Tell months from words that look so: "may", "march", "sept", "mar", "set", "out"."""
    clear = len(match["month"]) >= 5 and match["month"] not in {"march", "marco"}  # noqa: PLR2004 - letters
    return clear or bool(_BEFORE_MONTH.search(match.string[: match.start()][-20:]))


def _span(match: re.Match[str], today: date) -> date | None:
    return _moved(today, NUMBERS[match["number"]], UNITS[match["unit"]])


def _next_unit(match: re.Match[str], today: date) -> date | None:
    """Next week is its Monday, next month and next year their first day, a fortnight its half."""
    match UNITS[match["unit"]]:
        case calendars.DAY:
            return today + timedelta(days=1)
        case calendars.WEEK:
            return today + timedelta(days=7 - today.weekday())
        case calendars.FORTNIGHT if today.day < _SECOND_HALF:
            return today.replace(day=_SECOND_HALF)
        case calendars.MONTH | calendars.FORTNIGHT:
            return _moved(today.replace(day=1), 1, MONTH)
        case calendars.QUARTER:
            return _moved(date(today.year, (today.month - 1) // 3 * 3 + 1, 1), 1, QUARTER)
        case _:
            return date(today.year + 1, 1, 1)


def _end_unit(match: re.Match[str], today: date) -> date | None:
    unit = UNITS[match["unit"]]
    if unit == WEEK:
        return today + timedelta(days=max(4 - today.weekday(), 0))
    if unit == DAY:
        return today
    following = _next_unit(match, today)
    return None if following is None else following - timedelta(days=1)


def _moved(today: date, count: int, unit: str) -> date | None:
    if unit == DAY:
        return today + timedelta(days=count)
    if unit in {WEEK, FORTNIGHT}:
        return today + timedelta(weeks=count * (2 if unit == FORTNIGHT else 1))
    months = today.month - 1 + count * {MONTH: 1, QUARTER: 3}.get(unit, 12)
    year, month = today.year + months // 12, months % 12 + 1
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


def _quarter(match: re.Match[str], today: date) -> date | None:
    return _quarter_begins(int(match["quarter"]), _full_year(match["year"]), today)


def _quarter_word(match: re.Match[str], today: date) -> date | None:
    number = next(n for start, n in _ORDINALS.items() if match["ordinal"].startswith(start))
    return _quarter_begins(number, None, today)


_ORDINALS: Final = {
    "first": 1, "prim": 1, "premier": 1, "erst": 1, "second": 2, "segund": 2, "deux": 2,
    "zweit": 2, "third": 3, "tercer": 3, "terceir": 3, "trois": 3, "dritt": 3, "fourth": 4,
    "cuart": 4, "quart": 4, "quatr": 4, "viert": 4, "1": 1, "2": 2, "3": 3, "4": 4,
}  # fmt: skip


def _quarter_begins(number: int, year: int | None, today: date) -> date:
    month = number * 3 - 2
    if year is not None:
        return max(date(year, month, 1), today)
    begins = date(today.year, month, 1)
    return begins if begins >= today else date(today.year + 1, month, 1)


def _easter(match: re.Match[str], today: date) -> date | None:
    """The Tuesday behind Easter Monday: people mean when they are back."""
    del match
    candidates = (easter_sunday(year) + timedelta(days=2) for year in (today.year, today.year + 1))
    return next((day for day in candidates if day >= today), None)


def easter_sunday(year: int) -> date:
    """Give Easter Sunday of the Gregorian calendar (Gauss, as corrected by Lichtenberg)."""
    k = year // 100
    m = 15 + (3 * k + 3) // 4 - (8 * k + 13) // 25
    s = 2 - (3 * k + 3) // 4
    a = year % 19
    d = (19 * a + m) % 30
    r = (d + a // 11) // 29
    og = 21 + d - r
    sz = 7 - (year + year // 4 + s) % 7
    oe = 7 - (og - sz) % 7
    return date(year, 3, 1) + timedelta(days=og + oe - 1)


def _feast(match: re.Match[str], today: date) -> date | None:
    month, day = FEASTS[match["feast"]]
    return _next_time(today, month, day)


def _season(match: re.Match[str], today: date) -> date | None:
    begins = SEASONS[match["season"]]
    return _next_time(today, *(SEASON_ENDS[begins] if match["after"] else begins))


def _next_time(today: date, month: int, day: int) -> date:
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


def _weekday(match: re.Match[str], today: date) -> date | None:
    """Never today: who names today's weekday means the coming one."""
    ahead = (WEEKDAYS[match["weekday"]] - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead)


def _week_from(match: re.Match[str], today: date) -> date | None:
    """A week from Tuesday is the Tuesday behind the coming one."""
    first = _weekday(match, today)
    weeks = NUMBERS[match["number"]] if match["number"] else 1
    return None if first is None else first + timedelta(weeks=weeks)


def _weekday_day(match: re.Match[str], today: date) -> date | None:
    """Monday 30th: the day, if that is a Monday; "Monday 10" may be an hour."""
    day = _day_of_month(match, today)
    return day if day is not None and day.weekday() == WEEKDAYS[match["weekday"]] else None


def _half_year(match: re.Match[str], today: date) -> date | None:
    del match
    return _moved(today, 6, MONTH)


def _tomorrow(match: re.Match[str], today: date) -> date | None:
    del match
    return today + timedelta(days=1)


def _overmorrow(match: re.Match[str], today: date) -> date | None:
    del match
    return today + timedelta(days=2)


def _before_easter(match: re.Match[str], today: date) -> date | None:
    ahead = timedelta(days=BEFORE_EASTER[match["feast"]])
    candidates = (easter_sunday(year) - ahead for year in (today.year, today.year + 1))
    return next((day for day in candidates if day >= today), None)


def _day_of_month(match: re.Match[str], today: date) -> date | None:
    day = int(match["day"])
    for months in (0, 1):
        begin = _moved(today.replace(day=1), months, MONTH)
        if begin is None or not 1 <= day <= calendar.monthrange(begin.year, begin.month)[1]:
            continue
        if begin.replace(day=day) >= today:
            return begin.replace(day=day)
    return None


_READERS: Final[dict[str, Callable[[re.Match[str], date], date | None]]] = {
    "iso": _iso,
    "day_month": _with_month_name,
    "month_day": _with_month_name,
    "month": _whole_month,
    "in_span": _span,
    "span_on": _span,
    "span_alone": _span,
    "half": _half_year,
    "week_from": _week_from,
    "next_unit": _next_unit,
    "unit_next": _next_unit,
    "end_unit": _end_unit,
    "end_joined": _end_unit,
    "begin_unit": _next_unit,
    "quarter": _quarter,
    "quarter_word": _quarter_word,
    "easter": _easter,
    "feast": _feast,
    "season": _season,
    "weekday_day": _weekday_day,
    "weekday": _weekday,
    "overmorrow": _overmorrow,
    "before_easter": _before_easter,
    "tomorrow": _tomorrow,
    "day_of_month": _day_of_month,
    "spanish_day": _day_of_month,
}
