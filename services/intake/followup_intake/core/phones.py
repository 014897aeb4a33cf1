"""Reading a phone number out of a cell.

Validity and lengths come from the phonenumbers metadata (ITU-T E.164 and national plans).
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, ValidationResult

from followup_intake.core.cells import ascii_digits, unguarded

MIN_DIGITS = 7
MAX_DIGITS = 15
_MAX_TEXT = 250
_ABROAD_FROM = 11
_WORD = 4
# Dots, tildes and the like that people put between digits, and brackets of other shapes.
_SEPARATORS = str.maketrans("\u2043\u00b7\u2022\u2219_~*[]", "-------()")
_LETTERS_AT_END = re.compile(r"([^\W\d_]+)$")
_LETTERS_AT_START = re.compile(r"[.-]?([^\W\d_]+)")

_NANP = re.compile(r"(\+?1[ -]?|)\(?([2-9]\d\d)[) .-]{0,2}([2-9]\d\d)[ .-]?(\d{4})", re.ASCII)
_NANP_REGIONS = frozenset({"US", "CA"})
_SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_FLOAT = re.compile(r"\+?(\d{7,15})[.,]0{1,2}")
_SCHEME = re.compile(r"^(?:p:|tel:|callto:|sms:|whatsapp:)\s*(?://)?", re.IGNORECASE)
_EXTENSION = re.compile(
    r"[\s,;(]*(?:(?:ext(?:ension|n)?|poste|durchwahl|dw|anexo|interno|int|x)[\s.:=]*|#\s*)"
    r"\d{1,7}\s*\)?\s*$",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^(?:call|cell(?:phone)?|mobile|mob|phone|ph|tel(?:efon|ephone)?|home|work|office|main|fax|"
    r"[a-z])\s*[.:#]\s*(?=[+(\d])",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"[;,|\n]|\s&\s|\b(?:or|and|oder|und|ou|et|o|y)\b", re.IGNORECASE)
_CHUNK = re.compile(r"(?:\+\s*)?[(\d][\d\s().\-/\u2010-\u2015\u2212]*\d|\d")
_NANP_PAIR = re.compile(
    r"(\d{3}\)?[ .-]\d{3}[ .-]\d{4}|\b\d{10})\s+"
    r"(?=\+?1?[ .-]?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|\d{10}\b)"
)
# "317-555-01422" is an American number with a digit too many, whatever its digits are abroad.
_NANP_OVERLONG = re.compile(r"\(?\d{3}\)?[ .-]+\d{3}[ .-]\d{5,}")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3}){2,4}")
_TRUNK_IN_BRACKETS = re.compile(r"\(0\)")
_RUNS = "01234567890 12345678901 09876543210 98765432109"


@dataclass(frozen=True, slots=True)
class _Home:
    """The region of numbers without a country code; `stated` by the row, or only assumed."""

    region: str
    stated: bool


@dataclass(frozen=True, slots=True)
class PhoneReading:
    """What a cell says of a phone.

    `e164` is None when nothing in it can be called. `possible_only`: the length is right but
    no range in use holds it. `repaired`: damage that lost no digit was mended. `several`: the
    cell held more than one number. `given`: the cell was not blank.
    """

    e164: str | None = None
    possible_only: bool = False
    repaired: bool = False
    several: bool = False
    given: bool = True


NO_PHONE = PhoneReading(given=False)
UNUSABLE = PhoneReading()


def read_phone(cell: str, *, region: str, stated: bool = True) -> PhoneReading:
    """Read the first usable number of a tidied cell; numbers without a `+` are of `region`.

    Never guesses a digit: lost digits, letters for digits and filler numbers are unusable.
    When nobody stated the region, long digits that are valid abroad are read as such.
    """
    if clean := _fast(cell, region):
        return PhoneReading(e164=clean)
    plain = ascii_digits(cell[:_MAX_TEXT]).translate(_SEPARATORS).strip()
    text = unguarded(_SCHEME.sub("", unguarded(plain))).strip()
    if not text:
        return NO_PHONE
    home = _Home(region, stated=stated)
    mended = _from_number_format(text)
    if mended is not None:
        return _with(_read_digits(mended, home, international=False), repaired=True)
    readings = [_read_part(part, home) for part in _numbers(text)]
    usable = next((r for r in readings if r.e164), UNUSABLE)
    return _with(usable, repaired=usable.repaired, several=len(readings) > 1)


def country_of(e164: str) -> str | None:
    """Return the country an E.164 number belongs to, None when it belongs to several."""
    return _nanp_country(e164[2:5]) if e164.startswith("+1") else _country_abroad(e164)


def _fast(cell: str, region: str) -> str | None:
    """Read what most rows hold, an ordinary North American number, without the metadata."""
    found = _NANP.fullmatch(cell)
    if found is None or not _assigned(found[2] + found[3]):
        return None
    if region not in _NANP_REGIONS and not found[1].startswith("+"):
        return None
    digits = found[2] + found[3] + found[4]
    return None if _filler(digits) else "+1" + digits


def _numbers(text: str) -> list[str]:
    """Split a cell into pieces that hold one number each, words and all."""
    without = _EXTENSION.sub("", text)
    pieces: list[str] = []
    for piece in _SPLIT.split(_NANP_PAIR.sub(r"\1;", without)):
        head, slash, tail = piece.partition("/")
        # "030/2312 5184" is one number, "317-555-0169/70" is a number and more.
        pieces += [head, tail] if slash and _count_digits(head) >= MIN_DIGITS else [piece]
    found = [chunk for piece in pieces for chunk in _around_numbers(piece)]
    return found or ([without] if _count_digits(without) >= MIN_DIGITS else [])


def _around_numbers(piece: str) -> list[str]:
    """Cut a piece behind each number, so that every cut holds one."""
    bare = _EXTENSION.sub("", piece)
    cuts: list[str] = []
    start = 0
    for chunk in _CHUNK.finditer(bare):
        if _count_digits(chunk[0]) >= MIN_DIGITS:
            cuts.append(bare[start : chunk.end()])
            start = chunk.end()
    if cuts:
        cuts[-1] += bare[start:]
    return cuts


def _read_part(part: str, home: "_Home") -> PhoneReading:
    bare = _LABEL.sub("", part.strip())
    chunk = next((c for c in _CHUNK.finditer(bare) if _count_digits(c[0]) >= MIN_DIGITS), None)
    if chunk is None or _letter_touches(bare, chunk.start(), chunk.end()):
        return UNUSABLE
    number = chunk[0]
    rest = bare[: chunk.start()] + bare[chunk.end() :]
    worded = bare != part.strip() or any(c.isalpha() for c in rest)
    international = number.startswith("+")
    if international or number.startswith("00"):
        number = _TRUNK_IN_BRACKETS.sub("", number)
    digits = "".join(c for c in number if c.isdigit())
    if _NANP_OVERLONG.fullmatch(number.strip()) and home.region in _NANP_REGIONS:
        return UNUSABLE
    reading = _read_digits(digits, home, international=international)
    return _with(reading, repaired=reading.repaired or worded)


def _read_digits(digits: str, home: "_Home", *, international: bool) -> PhoneReading:
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS + 3 or _filler(digits):
        return UNUSABLE
    if international:
        return _judged(_parsed("+" + digits, None), repaired=False)
    for prefix in ("00", "011"):
        if digits.startswith(prefix):
            reading = _judged(_parsed("+" + digits[len(prefix) :], None), repaired=False)
            if reading.e164 and not reading.possible_only:
                return reading
    reading = _judged_at_home(digits, region=home.region)
    if home.stated or len(digits) < _ABROAD_FROM or (reading.e164 and not reading.possible_only):
        return reading
    eaten_plus = _judged(_parsed("+" + digits, None), repaired=True)
    return reading if eaten_plus.possible_only or not eaten_plus.e164 else eaten_plus


def _judged_at_home(digits: str, *, region: str) -> PhoneReading:
    number = _parsed(digits, region)
    if number is None:
        return UNUSABLE
    national = phonenumbers.national_significant_number(number)
    eaten_zero = _trunk_prefix(region) == "0" and digits == national
    return _judged(number, repaired=eaten_zero)


def _judged(number: PhoneNumber | None, *, repaired: bool) -> PhoneReading:
    if number is None:
        return UNUSABLE
    national = phonenumbers.national_significant_number(number)
    if len(national) < MIN_DIGITS or _filler(national):
        return UNUSABLE
    e164 = f"+{number.country_code}{national}"
    if phonenumbers.is_valid_number(number):
        return PhoneReading(e164=e164, repaired=repaired)
    # North American area codes never begin with 0 or 1 (NANPA), so those are no numbers at all.
    never = number.country_code == 1 and national[0] in "01"
    length = phonenumbers.is_possible_number_with_reason(number)
    if never or length != ValidationResult.IS_POSSIBLE:
        return UNUSABLE
    return PhoneReading(e164=e164, possible_only=True, repaired=repaired)


def _from_number_format(text: str) -> str | None:
    """Return the digits of a number a spreadsheet displayed, None when it is no such thing."""
    if found := _FLOAT.fullmatch(text):
        return found[1]
    if _THOUSANDS.fullmatch(text):
        return text.replace(",", "")
    if (found := _SCIENTIFIC.fullmatch(text)) is None:
        return None
    mantissa, exponent = found[1] + (found[2] or ""), int(found[3])
    # Fewer digits than the exponent asks for were rounded away, not merely hidden.
    whole, rest = mantissa[: exponent + 1], mantissa[exponent + 1 :]
    return whole if len(whole) == exponent + 1 and not rest.strip("0") else ""


def _with(reading: PhoneReading, *, repaired: bool, several: bool = False) -> PhoneReading:
    return PhoneReading(
        e164=reading.e164,
        possible_only=reading.possible_only,
        repaired=repaired and reading.e164 is not None,
        several=several,
    )


def _filler(digits: str) -> bool:
    """Whether somebody only filled the field: one digit throughout, or counting."""
    tail = digits[-10:]
    return tail == tail[:1] * len(tail) or (len(tail) >= MIN_DIGITS and tail in _RUNS)


def _letter_touches(text: str, start: int, end: int) -> bool:
    """Whether a letter stands where a digit should: "555-O123", not "555-0123cell"."""
    before = _LETTERS_AT_END.search(text[:start])
    # The letter may also stand behind the dash that ended the number.
    after = _LETTERS_AT_START.match(text[end:])
    return any(found and len(found[1]) < _WORD for found in (before, after))


def _count_digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


@cache
def _trunk_prefix(region: str) -> str | None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    return metadata.national_prefix if metadata else None


@lru_cache(maxsize=65536)
def _assigned(prefix: str) -> bool:
    """Whether a North American area code and exchange hold ordinary geographic numbers."""
    number = PhoneNumber(country_code=1, national_number=int(prefix + "0123"))
    kind = phonenumbers.number_type(number)
    return kind == PhoneNumberType.FIXED_LINE_OR_MOBILE


@cache
def _nanp_country(area_code: str) -> str | None:
    number = PhoneNumber(country_code=1, national_number=int(area_code + "5550123"))
    if phonenumbers.number_type(number) == PhoneNumberType.UNKNOWN:
        return "US"
    regions = [
        region
        for region in phonenumbers.region_codes_for_country_code(1)
        if phonenumbers.is_valid_number_for_region(number, region)
    ]
    return regions[0] if len(regions) == 1 else ("US" if "US" in regions else None)


@lru_cache(maxsize=4096)
def _country_abroad(e164: str) -> str | None:
    number = _parsed(e164, None)
    if number is None or number.country_code is None:
        return None
    region = phonenumbers.region_code_for_number(number)
    region = region or phonenumbers.region_code_for_country_code(number.country_code)
    return region if len(region) == 2 and region.isalpha() else None  # noqa: PLR2004 - alpha-2
