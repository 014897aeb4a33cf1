"""Rows that have more or fewer cells than the header."""

import re
from collections.abc import Sequence
from typing import Literal

from followup_intake.core.cells import folded, is_placeholder
from followup_intake.core.columns import Columns
from followup_intake.core.consent import read_consent
from followup_intake.core.countries import read_country
from followup_intake.core.sources import read_source
from followup_intake.core.subdivisions import countries_of_state
from followup_intake.core.values import read_value

Shape = Literal["whole", "blank", "repeated_header", "ragged", "shifted"]

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"(?:p:)?\+?[\d\s().\-/]{7,24}(?:\s*(?:x|ext)\W*\d+)?")
_POSTAL = re.compile(
    r"'?\d{4,5}(?:\.0|-\d{4})?|[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d|[A-Za-z]{1,2}\d\w? ?\d[A-Za-z]{2}"
)
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b.*|\d{5}\.\d+|\d{13}|.*\b(?:19|20)\d\d \d{1,2}:\d\d.*"
)
# A date, an address or a number under its neighbour's heading proves the shift alone, also
# where the cell they should be in is blank.
_TELLING = frozenset({"received_at", "email", "phone"})
_SHIFTS = (1, -1, 2, -2, 3, -3)
_SHIFTED_FROM = 2


def shape_of(cells: Sequence[str], columns: Columns) -> Shape:
    """Say how a row stands to its header.

    `shifted`: cells have moved, so that what is under a heading is not what it names.
    """
    if not any(cell.strip() for cell in cells):
        return "blank"
    if _repeats(cells, columns):
        return "repeated_header"
    if len(cells) == columns.width:
        return "whole"
    return "shifted" if _shifted(cells, columns) else "ragged"


def is_torn(cells: Sequence[str], columns: Columns, *, phone: bool) -> bool:
    """Whether a short row breaks off in the only address it has: who knows what is missing."""
    at = columns.index.get("email")
    filled = [place for place, cell in enumerate(cells) if cell.strip()]
    return len(cells) < columns.width and not phone and filled[-1:] == [at]


def _repeats(cells: Sequence[str], columns: Columns) -> bool:
    first = cells[0].strip("\ufeff \t") if cells else ""
    if folded(first) != (columns.header_keys[0] if columns.header_keys else ""):
        return False
    keys = [folded(cell) for cell in cells]
    equal = sum(a == b and a != "" for a, b in zip(keys, columns.header_keys, strict=False))
    return equal * 2 > columns.width


def _shifted(cells: Sequence[str], columns: Columns) -> bool:
    """Whether some distance brings cells under the heading they fit: two, or a telling one."""
    return any(_gain(cells, columns, by) >= _SHIFTED_FROM for by in _SHIFTS)


def _gain(cells: Sequence[str], columns: Columns, by: int) -> int:
    gain = 0
    for field, at in columns.index.items():
        here = cells[at].strip() if at < len(cells) else ""
        there = cells[at + by].strip() if 0 <= at + by < len(cells) else ""
        unlike = not is_placeholder(here) or field in _TELLING
        if unlike and there and _fits(field, there):
            gain += 0 if _fits(field, here) else (_SHIFTED_FROM if field in _TELLING else 1)
    return gain


def _fits(field: str, cell: str) -> bool:  # noqa: PLR0911 - one line for each field
    match field:
        case "email":
            return _EMAIL.fullmatch(cell) is not None
        case "phone":
            return bool(_PHONE.fullmatch(cell)) and not _DATE.fullmatch(cell)
        case "postal_code":
            return _POSTAL.fullmatch(cell) is not None
        case "received_at":
            return _DATE.fullmatch(cell) is not None
        case "source":
            return read_source(cell) != "unknown"
        case "country":
            return read_country(cell) is not None
        case "state":
            return bool(countries_of_state(cell))
        case "consent":
            return len(cell) < 12 and read_consent(cell) != "unknown"  # noqa: PLR2004 - a word
        case "value":
            return read_value(cell).amount is not None
        case _:
            return False
