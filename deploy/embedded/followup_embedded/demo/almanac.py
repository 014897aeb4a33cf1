"""The law as the judge of the demo knows it: hours by jurisdiction, clocks by address.

Written a second time, plainly and by hand, from the same statutes as the product's own
data and sharing no code with it: a mistake in one must show against the other.
Hours are on the recipient's clock, ends exclusive, for calls and texts alike except where
a text has a row of its own. Sources: 47 CFR 64.1200(c)(1) for "US", the states' codes,
CRTC rules, Ofcom and trade codes, décret 2022-1313, and so on.
"""

from dataclasses import dataclass
from datetime import date

Span = tuple[float, float]
_NONE: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Hours:
    """When contact is allowed: weekdays, Saturday, Sunday; None on holidays: no own rule."""

    week: tuple[Span, ...]
    saturday: tuple[Span, ...]
    sunday: tuple[Span, ...]
    holiday: tuple[Span, ...] | None = None
    clock: str | None = None


def _daily(opens: float, closes: float) -> Hours:
    span = ((opens, closes),)
    return Hours(span, span, span)


HOURS: dict[str, Hours] = {
    "US": _daily(8, 21),
    # Nobody knows which state: inside nearly all of them.
    "US-?": Hours(((10, 19),), ((10, 17),), _NONE, _NONE),
    "US-AL": Hours(((8, 20),), ((8, 20),), _NONE, _NONE),
    "US-CT": _daily(9, 20),
    "US-FL": _daily(8, 20),
    "US-IL": _daily(9, 21),
    "US-KY": _daily(10, 21),
    "US-LA": Hours(((8, 20),), ((8, 20),), _NONE, _NONE),
    "US-MA": _daily(8, 20),
    "US-MD": _daily(8, 20),
    "US-ME": Hours(((9, 17),), _NONE, _NONE),
    "US-MI": _daily(9, 21),
    "US-MN": _daily(9, 21),
    "US-MS": Hours(((8, 20),), ((8, 20),), _NONE, clock="America/Chicago"),
    "US-NE": Hours(((8, 21),), ((8, 21),), ((13, 21),), ((13, 21),)),
    "US-NM": _daily(9, 21),
    "US-NV": _daily(9, 20),
    "US-OK": _daily(8, 20),
    "US-OR": _daily(8, 20),
    "US-RI": Hours(((9, 18),), ((10, 17),), _NONE, _NONE),
    "US-TX": Hours(((9, 21),), ((9, 21),), ((12, 21),)),
    "US-UT": Hours(((8, 21),), ((8, 21),), _NONE, _NONE),
    "US-WA": _daily(8, 20),
    "US-WY": _daily(8, 20),
    "CA": Hours(((9, 21.5),), ((10, 18),), ((10, 18),)),
    "CA-BC": Hours(((9, 21.5),), ((10, 18),), ((10, 18),), _NONE),
    "GB": Hours(((8, 21),), ((9, 21),), _NONE, _NONE),
    "FR": Hours(((10, 13), (14, 20)), _NONE, _NONE, _NONE),
    "DE": Hours(((8, 20),), ((9, 18),), _NONE, _NONE),
    "ES": Hours(((9, 21),), _NONE, _NONE, _NONE),
    "IT": Hours(((9, 20),), ((10, 19),), _NONE, _NONE),
    "AU": Hours(((9, 20),), ((9, 17),), _NONE, _NONE),
    "IN": _daily(10, 21),
}

TEXTS: dict[str, Hours] = {"FR": Hours(((8, 22),), ((8, 22),), _NONE, _NONE)}
"""Where a text has hours of its own."""

CAPS: dict[str, tuple[int, int]] = {
    "US-FL": (3, 24),  # Fla. Stat. 501.616(6)
    "US-MD": (3, 24),  # Md. Com. Law 14-4502
    "US-OK": (3, 24),  # 15 O.S. 775C
    "US-OR": (3, 24),  # HB 3865 (2025)
}
"""Calls and texts to one person: so many in so many hours."""

_FEDERAL = {
    date(2026, 10, 12), date(2026, 11, 11), date(2026, 11, 26), date(2026, 12, 25),
    date(2027, 1, 1), date(2027, 1, 18),
}  # fmt: skip
_CHRISTMAS = {date(2026, 12, 25), date(2027, 1, 1)}
HOLIDAYS: dict[str, set[date]] = {
    "US-?": _FEDERAL,
    "US-AL": _FEDERAL,
    "US-LA": {date(2026, 11, 11), date(2026, 11, 26), *_CHRISTMAS},
    "US-NE": _FEDERAL,
    "US-RI": _FEDERAL | {date(2026, 11, 3)},
    "US-UT": _FEDERAL,
    "CA-BC": {date(2026, 11, 11), *_CHRISTMAS},
    "GB": {*_CHRISTMAS, date(2026, 12, 28)},
    "FR": {date(2026, 11, 1), date(2026, 11, 11), *_CHRISTMAS},
    "DE": {*_CHRISTMAS, date(2026, 12, 26)},
    "ES": {date(2026, 12, 8), *_CHRISTMAS, date(2027, 1, 6)},
    "IT": {date(2026, 12, 8), *_CHRISTMAS, date(2026, 12, 26)},
    "AU": {*_CHRISTMAS, date(2026, 12, 28)},
}
"""Holidays of the months that the demo plays in."""

_EUROPE = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO GB"
)
EUROPE = frozenset(_EUROPE.split())
"""Without a recorded yes: an enquiry is answered by e-mail alone."""

_EAST, _CENTRAL = "America/New_York", "America/Chicago"
_MOUNTAIN, _PACIFIC = "America/Denver", "America/Los_Angeles"


def _states(names: str) -> list[str]:
    return [f"US-{name}" for name in names.split()]


CLOCKS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_states("CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV"), (_EAST,)),
    **dict.fromkeys(_states("AL AR IA IL LA MN MO MS OK WI"), (_CENTRAL,)),
    **dict.fromkeys(_states("CO MT NM UT WY"), (_MOUNTAIN,)),
    **dict.fromkeys(_states("CA NV WA"), (_PACIFIC,)),
    "US-AK": ("America/Anchorage",),
    "US-AZ": ("America/Phoenix",),
    "US-HI": ("Pacific/Honolulu",),
    "CA-BC": ("America/Vancouver",),
    "CA-AB": ("America/Edmonton",),
    "CA-SK": ("America/Regina",),
    "CA-MB": ("America/Winnipeg",),
    "CA-QC": ("America/Toronto",),
    "CA-NS": ("America/Halifax",),
    "CA-NB": ("America/Moncton",),
    "CA-NL": ("America/St_Johns",),
    "AU-NSW": ("Australia/Sydney",),
    "AU-ACT": ("Australia/Sydney",),
    "AU-VIC": ("Australia/Melbourne",),
    "AU-QLD": ("Australia/Brisbane",),
    "AU-SA": ("Australia/Adelaide",),
    "AU-WA": ("Australia/Perth",),
    "AU-TAS": ("Australia/Hobart",),
    "AU-NT": ("Australia/Darwin",),
    "GB": ("Europe/London",),
    "IE": ("Europe/Dublin",),
    "FR": ("Europe/Paris",),
    "DE": ("Europe/Berlin",),
    "IT": ("Europe/Rome",),
    "AT": ("Europe/Vienna",),
    "NL": ("Europe/Amsterdam",),
    "BE": ("Europe/Brussels",),
    "CH": ("Europe/Zurich",),
    "IN": ("Asia/Kolkata",),
}
"""Clocks of whole regions."""

SPLIT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_states("FL IN KY MI TN"), (_EAST, _CENTRAL)),
    **dict.fromkeys(_states("KS ND NE SD TX"), (_CENTRAL, _MOUNTAIN)),
    **dict.fromkeys(_states("ID OR"), (_MOUNTAIN, _PACIFIC)),
}
"""Regions with two clocks: both, unless a postal code settles it; which of them it then is
is left to the phone, for it is better to say nothing than to accuse falsely."""

WHOLE: dict[str, tuple[str, ...]] = {
    "US": (_EAST, _CENTRAL, _MOUNTAIN, _PACIFIC),
    "CA": ("America/Halifax", "America/Toronto", "America/Winnipeg", "America/Vancouver"),
    "AU": ("Australia/Sydney", "Australia/Adelaide", "Australia/Perth"),
}
"""Countries with several clocks, for those of whom nothing more is known."""

_PREFIXES = (
    "010-027 MA,028-029 RI,030-038 NH,039-049 ME,050-054 VT,055-055 MA,056-059 VT,060-069 CT,"
    "070-089 NJ,100-149 NY,150-196 PA,197-199 DE,200-205 DC,206-219 MD,220-246 VA,247-268 WV,"
    "270-289 NC,290-299 SC,300-319 GA,320-349 FL,350-369 AL,370-385 TN,386-397 MS,398-399 GA,"
    "400-427 KY,430-459 OH,460-479 IN,480-499 MI,500-528 IA,530-549 WI,550-567 MN,570-577 SD,"
    "580-588 ND,590-599 MT,600-629 IL,630-658 MO,660-679 KS,680-693 NE,700-714 LA,716-729 AR,"
    "730-749 OK,750-799 TX,800-816 CO,820-831 WY,832-838 ID,840-847 UT,850-865 AZ,870-884 NM,"
    "889-898 NV,900-961 CA,967-968 HI,970-979 OR,980-994 WA,995-999 AK"
)


def state_of_zip(code: str) -> str | None:
    """The state of a US ZIP code by its first three digits (USPS Publication 65)."""
    if len(code) < 5 or not code[:5].isdigit():  # noqa: PLR2004 - a ZIP code's digits
        return None
    for row in _PREFIXES.split(","):
        span, state = row.split()
        low, high = span.split("-")
        if int(low) <= int(code[:3]) <= int(high):
            return state
    return None
