"""Reading a phone number out of a cell.

Validity and lengths come from the phonenumbers metadata (ITU-T E.164 and national plans).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, ValidationResult

from followup_intake.core.cells import unguarded

MIN_DIGITS = 7
MAX_DIGITS = 15
_MAX_TEXT = 250

_CLEAN_NANP = re.compile(r"\+1([2-9]\d\d)[2-9]\d{6}")
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
_SPLIT = re.compile(r"[;,|\n]|\s/\s|\s&\s|\b(?:or|and|oder|und|ou|et|o|y)\b", re.IGNORECASE)
_CHUNK = re.compile(r"(?:\+\s*)?[(\d][\d\s().\-/\u2010-\u2015\u2212]*\d|\d")
_NANP_PAIR = re.compile(r"(\d{3}\)?[ .-]\d{3}[ .-]\d{4})\s+(?=\+?1?[ .-]?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})")
_TRUNK_IN_BRACKETS = re.compile(r"\(0\)")
_RUNS = ("01234567890", "12345678901", "09876543210", "98765432109")


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


def read_phone(cell: str, *, region: str) -> PhoneReading:
    """Read the first usable number of a tidied cell; numbers without a `+` are of `region`.

    Never guesses a digit: lost digits, letters for digits and filler numbers are unusable.
    """
    if (clean := _CLEAN_NANP.fullmatch(cell)) and _assigned(clean[1]) and not _filler(cell[2:]):
        return PhoneReading(e164=cell)
    text = unguarded(_SCHEME.sub("", unguarded(_ascii_digits(cell[:_MAX_TEXT].strip())))).strip()
    if not text:
        return NO_PHONE
    if mended := _from_number_format(text):
        reading = _read_digits(mended, region=region, international=False)
        return _with(reading, repaired=True)
    return _read_text(text, region=region)


def country_of(e164: str) -> str | None:
    """Return the country an E.164 number belongs to, None when it belongs to several."""
    return _nanp_country(e164[2:5]) if e164.startswith("+1") else _country_abroad(e164)


def _read_text(text: str, *, region: str) -> PhoneReading:
    parts = _numbers(text)
    readings = [_read_part(part, region=region) for part in parts]
    usable = next((r for r in readings if r.e164), UNUSABLE)
    return _with(usable, repaired=usable.repaired, several=len(readings) > 1)


def _numbers(text: str) -> list[str]:
    """Split a cell into the pieces that hold enough digits for a number."""
    without = _EXTENSION.sub("", text)
    pieces: list[str] = []
    for piece in _SPLIT.split(_NANP_PAIR.sub(r"\1;", without)):
        halves = piece.split("/")
        pieces += halves if all(_count_digits(h) >= MIN_DIGITS for h in halves) else [piece]
    kept = [_EXTENSION.sub("", p).strip() for p in pieces if _count_digits(p) >= MIN_DIGITS]
    return kept or ([without.strip()] if _count_digits(without) >= MIN_DIGITS else [])


def _read_part(part: str, *, region: str) -> PhoneReading:
    bare = _LABEL.sub("", part)
    chunk = next((c for c in _CHUNK.finditer(bare) if _count_digits(c[0]) >= MIN_DIGITS), None)
    if chunk is None or _letter_touches(bare, chunk.start(), chunk.end()):
        return UNUSABLE
    number = chunk[0]
    rest = bare[: chunk.start()] + bare[chunk.end() :]
    worded = bare != part or any(c.isalpha() for c in rest)
    international = number.startswith("+")
    if international or number.startswith("00"):
        number = _TRUNK_IN_BRACKETS.sub("", number)
    digits = "".join(c for c in number if c.isdigit())
    reading = _read_digits(digits, region=region, international=international)
    return _with(reading, repaired=reading.repaired or worded)


def _read_digits(digits: str, *, region: str, international: bool) -> PhoneReading:
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS + 3 or _filler(digits):
        return UNUSABLE
    if international:
        return _judged(_parsed("+" + digits, None), repaired=False)
    for prefix in ("00", "011"):
        if digits.startswith(prefix) and (abroad := _parsed("+" + digits[len(prefix) :], None)):
            reading = _judged(abroad, repaired=False)
            if reading.e164 and not reading.possible_only:
                return reading
    home = _judged_at_home(digits, region=region)
    if home.e164 and not home.possible_only:
        return home
    if len(digits) > 10:  # noqa: PLR2004 - shorter ones carry no country code worth guessing
        eaten_plus = _judged(_parsed("+" + digits, None), repaired=True)
        if eaten_plus.e164 and not eaten_plus.possible_only:
            return eaten_plus
    return home


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
    if (found := _SCIENTIFIC.fullmatch(text)) is None:
        return None
    mantissa, exponent = found[1] + (found[2] or ""), int(found[3])
    # Fewer digits than the exponent asks for were rounded away, not merely hidden.
    return mantissa if len(mantissa) == exponent + 1 else ""


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
    return len(set(tail)) == 1 or any(tail in run for run in _RUNS if len(tail) >= MIN_DIGITS)


def _letter_touches(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else ""
    after = text[end] if end < len(text) else ""
    # "555-O123": the letter may also stand behind the dash that ended the chunk.
    beyond = text[end + 1] if after in "-." and end + 1 < len(text) else ""
    return before.isalpha() or after.isalpha() or (after != "" and beyond.isalpha())


def _count_digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    wide = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in wide)


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


@cache
def _trunk_prefix(region: str) -> str | None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    return metadata.national_prefix if metadata else None


@cache
def _assigned(area_code: str) -> bool:
    """Whether a three-digit North American area code holds ordinary geographic numbers."""
    number = PhoneNumber(country_code=1, national_number=int(area_code + "5550123"))
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
    if number is None:
        return None
    region = phonenumbers.region_code_for_number(number)
    region = region or phonenumbers.region_code_for_country_code(number.country_code)
    return region if len(region) == 2 and region.isalpha() else None  # noqa: PLR2004 - alpha-2
