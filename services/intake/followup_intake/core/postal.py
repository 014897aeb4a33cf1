"""Postal codes: repaired, written the official way, and the state they belong to.

Prefix tables: USPS L002 (three-digit ZIP prefixes), Canada Post forward sortation areas,
Australia Post number ranges.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from followup_intake.core.cells import ascii_digits, is_placeholder, unguarded

_FLOAT = re.compile(r"(\d+)\.0+")
_US = re.compile(r"(\d{3,5})(?:[- ]?(\d{4}))?")
_CA = re.compile(r"([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])[ -]?(\d[ABCEGHJ-NPRSTV-Z]\d)")
_GB = re.compile(r"(GIR|[A-Z]{1,2}\d[A-Z\d]?)\s*(\d[A-Z]{2}|0AA)")
_NL = re.compile(r"(\d{4})\s?([A-Z]{2})")
_IE = re.compile(r"([A-Z]\d[\dW])\s?([A-Z\d]{4})")
_IN_TWO_PARTS = {"CA": _CA, "GB": _GB, "NL": _NL, "IE": _IE}
_ANY = re.compile(r"(?=.*\d)[A-Z\d][A-Z\d -]{1,9}")
_DIGITS = {
    "DE": 5, "FR": 5, "ES": 5, "IT": 5, "MX": 5, "FI": 5, "TR": 5, "HR": 5, "MY": 5, "TH": 5,
    "AU": 4, "NZ": 4, "AT": 4, "CH": 4, "BE": 4, "DK": 4, "NO": 4, "LU": 4, "HU": 4, "ZA": 4,
    "IN": 6, "SG": 6,
}  # fmt: skip
_US_RANGES = (
    "005 NY 006-007 PR 008 VI 009 PR 010-027 MA 028-029 RI 030-038 NH 039-049 ME 050-054 VT "
    "055 MA 056-059 VT 060-069 CT 070-089 NJ 090-098 AE 100-149 NY 150-196 PA 197-199 DE 200 DC "
    "201 VA 202-205 DC 206-219 MD 220-246 VA 247-268 WV 270-289 NC 290-299 SC 300-319 GA "
    "320-339 FL 340 AA 341-349 FL 350-369 AL 370-385 TN 386-397 MS 398-399 GA 400-427 KY "
    "430-459 OH 460-479 IN 480-499 MI 500-528 IA 530-549 WI 550-567 MN 569 DC 570-577 SD "
    "580-588 ND 590-599 MT 600-629 IL 630-658 MO 660-679 KS 680-693 NE 700-714 LA 716-729 AR "
    "730-732 OK 733 TX 734-749 OK 750-799 TX 800-816 CO 820-831 WY 832-838 ID 840-847 UT "
    "850-865 AZ 870-884 NM 885 TX 889-898 NV 900-961 CA 962-966 AP 967-968 HI 969 GU "
    "970-979 OR 980-994 WA 995-999 AK"
)
_CA_LETTERS = {
    "A": "NL", "B": "NS", "C": "PE", "E": "NB", "G": "QC", "H": "QC", "J": "QC", "K": "ON",
    "L": "ON", "M": "ON", "N": "ON", "P": "ON", "R": "MB", "S": "SK", "T": "AB", "V": "BC",
    "Y": "YT",
}  # fmt: skip
_AU_RANGES = (
    (200, 299, "ACT"), (800, 999, "NT"), (1000, 2599, "NSW"), (2600, 2618, "ACT"),
    (2619, 2899, "NSW"), (2900, 2920, "ACT"), (2921, 2999, "NSW"), (3000, 3999, "VIC"),
    (4000, 4999, "QLD"), (5000, 5999, "SA"), (6000, 6999, "WA"), (7000, 7999, "TAS"),
    (8000, 8999, "VIC"), (9000, 9999, "QLD"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PostalReading:
    """A postal code as its country writes it; `fault` when one was given and is none."""

    code: str | None = None
    fault: bool = False


@lru_cache(maxsize=16384)
def read_postal(cell: str, country: str | None) -> PostalReading:
    """Read a postal code of a country; zeros a spreadsheet dropped are put back.

    Without a country, or for one whose codes are not known here, it stays as written.
    """
    text = _plain(cell)
    if is_placeholder(text):
        return PostalReading()
    if found := _FLOAT.fullmatch(text):
        text = found[1]
    code = _canonical(text, country)
    return PostalReading(code=code, fault=code is None)


def country_of_postal(cell: str) -> str | None:
    """Return the country whose codes look like this; five digits are the United States'."""
    text = _plain(cell)
    if _CA.fullmatch(text):
        return "CA"
    if _GB.fullmatch(text):
        return "GB"
    return "US" if re.fullmatch(r"\d{5}(?:-\d{4}|\.0)?", text) else None


def state_of_postal(code: str, country: str | None) -> str | None:
    """Return the state or province a canonical code lies in, None when nothing says so."""
    match country:
        case "US":
            return _us_states().get(code[:3])
        case "CA":
            return _CA_LETTERS.get(code[:1])
        case "AU":
            number = int(code)
            return next((s for low, high, s in _AU_RANGES if low <= number <= high), None)
        case _:
            return None


def at_odds(state: str, code: str, country: str | None) -> bool:
    """Whether a state's code and a canonical postal code can't both be right."""
    other = state_of_postal(code, country)
    if other is None or other == state:
        return False
    # Jervis Bay and the villages around Canberra share their codes with New South Wales.
    return {state, other} != {"NSW", "ACT"}


def _plain(cell: str) -> str:
    return unguarded(ascii_digits(cell)).upper().rstrip(" -.,").lstrip()


def _canonical(text: str, country: str | None) -> str | None:
    if country in {"US", "PR"}:
        return _us(text)
    if pattern := _IN_TWO_PARTS.get(country or ""):
        found = pattern.fullmatch(text)
        return f"{found[1]} {found[2]}" if found else None
    if length := _DIGITS.get(country or ""):
        return _numeric(text, length)
    return text if _ANY.fullmatch(text) else None


def _us(text: str) -> str | None:
    compact = text.replace(" ", "")
    if compact.isdigit() and len(compact) == 8:  # noqa: PLR2004 - ZIP+4 that lost its zero
        compact = "0" + compact
    found = _US.fullmatch(compact)
    if found is None:
        return None
    code = found[1].zfill(5)
    if code[:3] not in _us_states():
        return None
    return f"{code}-{found[2]}" if found[2] else code


def _numeric(text: str, length: int) -> str | None:
    bare = re.sub(r"^[A-Z]{1,2}[- ]", "", text).replace(" ", "")
    if not bare.isdigit() or not bare.strip("0") or not length - 1 <= len(bare) <= length:
        return None
    return bare.zfill(length)


@cache
def _us_states() -> dict[str, str]:
    words = _US_RANGES.split()
    states: dict[str, str] = {}
    for span, state in zip(words[::2], words[1::2], strict=True):
        low, _, high = span.partition("-")
        states |= {f"{n:03}": state for n in range(int(low), int(high or low) + 1)}
    return states
