"""When a lead came in, as exports write it."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal

from followup_intake.core.cells import ascii_digits, folded, is_placeholder, word_set

Fault = Literal["future_date", "ambiguous_date", "bad_date", "missing_date"]

_EARLIEST_YEAR = 1990
_SPREADSHEET_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
# A row written "now" in a zone ahead of ours is not from the future.
_SLACK = timedelta(days=1)
_MONTH_FIRST = frozenset({"US", "PH", "FM", "MH", "PW", "GU", "PR", "VI", "AS", None})

_TIME = (
    r"(?:[T\s,]+(?:at\s+|um\s+|à\s+)?(?P<h>\d{1,2})(?:[:h.](?P<m>\d{2}))?(?::(?P<s>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?:Uhr\s*)?(?P<tz>Z|[+-]\d{2}:?\d{2}|[+-]\d{2}|(?:GMT|UTC)[+-]\d{4}|[A-Za-z]{2,5})?)?"
)
_ISO = re.compile(r"(?P<y>\d{4})[-/.](?P<mo>\d{1,2})[-/.](?P<d>\d{1,2})" + _TIME)
_COMPACT = re.compile(
    r"(?P<y>\d{4})(?P<mo>\d{2})(?P<d>\d{2})(?:T?(?P<h>\d{2})(?P<m>\d{2})(?P<s>\d{2})?)?Z?"
)
_DOTTED = re.compile(r"(?P<d>\d{1,2})\.\s?(?P<mo>\d{1,2})\.\s?(?P<y>\d{4}|\d{2})" + _TIME)
_SLASHED = re.compile(
    r"(?P<a>\d{1,2})(?P<sep>[/-])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})" + _TIME
)
_DAY_MONTH = re.compile(
    r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|\.)?[\s-]*(?:of\s+|de\s+)?(?P<name>[^\W\d_]+)\.?,?[\s-]*(?:de\s+|del\s+)?"
    r"(?P<y>\d{4}|'?\d{2})" + _TIME
)
_MONTH_DAY = re.compile(
    r"(?P<name>[^\W\d_]+)\.?[\s-]+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(?P<y>\d{4})" + _TIME
)
_WEEKDAY = re.compile(r"^[^\W\d_]{2,10}\.?,?\s+(?=\d|[^\W\d_]{3,})")
_COMMENT = re.compile(r"\s*\([^()]*\)$")
_IDEOGRAPHIC = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
_ASCTIME = re.compile(r"^(\D{3,12}\d{1,2}) (\d{1,2}:\d{2}:\d{2}) (\d{4})$")
_EPOCH = re.compile(r"(\d{10})(?:\.\d+)?|(\d{13})")
_SERIAL = re.compile(r"(\d{5})(?:[.,](\d+))?")

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janvier janv januar janner jän enero ene gennaio janeiro",
            "feb february fevrier fevr februar febrero febbraio fevereiro",
            "mar march mars marz mrz marzo marco",
            "apr april avril avr abril abr aprile",
            "may mai mayo maggio maio",
            "jun june juin juni junio giugno junho",
            "jul july juillet juil juli julio luglio julho",
            "aug august aout agosto ago",
            "sep sept september septembre septiembre settembre setembro set",
            "oct october octobre oktober okt octubre ottobre outubro",
            "nov november novembre noviembre novembro",
            "dec december decembre dezember dez diciembre dic dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}
_WEEKDAYS = word_set(
    "mon monday tue tues tuesday wed weds wednesday thu thur thurs thursday fri friday sat "
    "saturday sun sunday montag dienstag mittwoch donnerstag freitag samstag sonntag mo di mi "
    "do fr sa so lundi mardi mercredi jeudi vendredi samedi dimanche lun mar mer jeu ven sam dim "
    "lunes martes miercoles jueves viernes sabado domingo"
)
# Names as North American exports use them (RFC 5322 4.3 among them), in hours of UTC.
_NAMED_OFFSETS = {
    "utc": 0, "gmt": 0, "z": 0, "ut": 0, "bst": 1, "cet": 1, "cest": 2, "est": -5, "edt": -4,
    "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "akst": -9, "akdt": -8,
    "hst": -10, "aest": 10, "aedt": 11, "awst": 8, "ist": 5.5, "ast": -4, "adt": -3, "nst": -3.5,
    "et": -5, "ct": -6, "mt": -7, "pt": -8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in UTC, or the fault that keeps it from being one; ambiguous ones have both."""

    at: datetime | None = None
    fault: Fault | None = None


MISSING = Moment(fault="missing_date")
BAD = Moment(fault="bad_date")


def read_moment(cell: str, *, today: date, country: str | None = None) -> Moment:
    """Read a date or time; what names no zone counts as UTC.

    Day and month that could be exchanged make it ambiguous unless they are equal or written
    with dots, which only day-first countries use. Later than tomorrow is the future.
    """
    text = _plain(cell)
    if is_placeholder(text):
        return MISSING
    if len(text) > 60:  # noqa: PLR2004 - no date is longer
        return BAD
    try:
        return _judged(_readings(text, country), today)
    except (ValueError, OverflowError):
        return BAD


def _plain(cell: str) -> str:
    text = _COMMENT.sub("", ascii_digits(cell).strip())
    if found := _IDEOGRAPHIC.fullmatch(text):
        return "-".join(found.groups())
    # The C library's order, "Mon Jan 05 10:00:00 2026", becomes the usual one.
    return _ASCTIME.sub(r"\1 \3 \2", text)


def _judged(readings: list[datetime], today: date) -> Moment:
    if not readings or readings[0].year < _EARLIEST_YEAR:
        return BAD
    latest = today + _SLACK
    if all(at.date() > latest for at in readings):
        return Moment(at=readings[0], fault="future_date")
    # Of two readings the one that can't have happened yet is the less likely.
    at = next(at for at in readings if at.date() <= latest)
    return Moment(at=at, fault="ambiguous_date" if len(readings) > 1 else None)


def _readings(text: str, country: str | None) -> list[datetime]:
    """Return every moment the text may mean, the likelier first."""
    if text[0].isdigit():
        if number := _from_number(text):
            return [number]
        if found := _SLASHED.fullmatch(text):
            return _either_way(found, month_first=country in _MONTH_FIRST)
        for pattern in (_ISO, _DOTTED):
            if found := pattern.fullmatch(text):
                return [_built(found, int(found["mo"]), int(found["d"]))]
    return _with_month_name(text)


def _from_number(text: str) -> datetime | None:
    if found := _EPOCH.fullmatch(text):
        seconds = int(found[1]) if found[1] else int(found[2]) / 1000
        return datetime.fromtimestamp(seconds, UTC)
    if found := _SERIAL.fullmatch(text):
        days = int(found[1]) + float(f"0.{found[2] or 0}")
        return _SPREADSHEET_EPOCH + timedelta(days=days)
    if (found := _COMPACT.fullmatch(text)) and found["y"][:2] in {"19", "20", "21"}:
        hour, minute, second = (int(found[part] or 0) for part in ("h", "m", "s"))
        day = int(found["y"]), int(found["mo"]), int(found["d"])
        return datetime(*day, hour, minute, second, tzinfo=UTC)
    return None


def _either_way(found: re.Match[str], *, month_first: bool) -> list[datetime]:
    a, b = int(found["a"]), int(found["b"])
    orders = [(a, b), (b, a)] if month_first else [(b, a), (a, b)]
    possible = [(month, day) for month, day in dict.fromkeys(orders) if month <= 12]  # noqa: PLR2004 - months
    return [_built(found, month, day) for month, day in possible]


def _with_month_name(text: str) -> list[datetime]:
    bare = text
    if (lead := _WEEKDAY.match(text)) and folded(lead[0]) in _WEEKDAYS:
        bare = text[lead.end() :]
    for candidate in dict.fromkeys((bare, text)):
        for pattern in (_DAY_MONTH, _MONTH_DAY):
            found = pattern.fullmatch(candidate)
            month = _MONTHS.get(folded(found["name"])) if found else None
            if found and month:
                return [_built(found, month, int(found["d"]))]
    return []


def _built(found: re.Match[str], month: int, day: int) -> datetime:
    year = found["y"].lstrip("'")
    full_year = int(year) + (2000 if len(year) == 2 else 0)  # noqa: PLR2004 - "26"
    hour, minute, second = (int(found[part] or 0) for part in ("h", "m", "s"))
    half = (found["half"] or "").replace(".", "").casefold()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    local = datetime(full_year, month, day, hour, minute, second, tzinfo=_offset(found["tz"]))
    return local.astimezone(UTC)


def _offset(name: str | None) -> timezone:
    if not name:
        return UTC
    if name[0] in "+-" or name[3:4] in {"+", "-"}:
        name = name.removeprefix("GMT").removeprefix("UTC")
        sign = -1 if name[0] == "-" else 1
        digits = name[1:].replace(":", "").ljust(4, "0")
        return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
    if name.casefold() not in _NAMED_OFFSETS:
        raise ValueError(name)
    return timezone(timedelta(hours=_NAMED_OFFSETS[name.casefold()]))
