"""What a phone number says about where its owner is.

An area code names a state and, for the codes cut by a zone's limit, its clocks
(`data/area_codes.yaml`); elsewhere libphonenumber's prefix table is asked. Neither proves
anything: one US adult in ten keeps a number from another state (Pew Research 2016).
"""

from functools import cache, lru_cache

import phonenumbers
from phonenumbers import timezone as prefix_zones
from phonenumbers.tzdata import TIMEZONE_DATA

from followup_policy.errors import PolicyDataError
from followup_policy.packaged import Row, load
from followup_policy.regions import Region, country_of

_NANP = 1
_NANP_LENGTH = len("+12125550100")
_VAGUE = 8  # more zones than this is libphonenumber's "anywhere under the country code"
_UNKNOWN = "Etc/Unknown"


class Clocks(Row):
    """The clocks of a number prefix, and those of a corner of its area."""

    zones: tuple[str, ...]
    corners: tuple[str, ...] = ()


class CodeClocks(Clocks):
    """The clocks of some area codes."""

    codes: tuple[int, ...]


class AreaCodes(Row):
    """`data/area_codes.yaml`."""

    states: dict[str, dict[str, tuple[int, ...]]]
    clocks: tuple[CodeClocks, ...]
    prefixes: dict[str, Clocks]
    same_as: dict[str, str]


def kin(e164: str) -> str:
    """A number that tells the same of where its owner is, one for many.

    In North America area code and exchange say all there is to say; in a country that
    shares its calling code with no other and has one clock, the calling code does.
    """
    if e164.startswith("+1"):
        return f"{e164[:8]}0100" if len(e164) == _NANP_LENGTH else e164
    of_code = _one_for_all()
    return next((of_code[e164[1:n]] for n in (3, 4, 2) if e164[1:n] in of_code), e164)


@cache
def _one_for_all() -> dict[str, str]:
    """Calling code → a number of its country, where one is as good as any other."""
    clocks: dict[str, set[object]] = {}
    for prefix, zones in TIMEZONE_DATA.items():
        for length in (1, 2, 3):
            clocks.setdefault(prefix[:length], set()).add(zones)
    found: dict[str, str] = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        finer = any(
            own.startswith(f"+{code}") for own in area_codes().prefixes if own != f"+{code}"
        )
        example = phonenumbers.example_number(regions[0])
        if len(regions) == len(clocks.get(str(code), ())) == 1 and example and not finer:
            found[str(code)] = phonenumbers.format_number(
                example, phonenumbers.PhoneNumberFormat.E164
            )
    return found


@lru_cache(maxsize=65536)
def area(e164: str | None) -> tuple[str, str] | None:
    """The (country, state) of a US or Canadian number's area code; None for any other."""
    number = _parsed(e164)
    return _area_states().get(_area_code(number)) if number else None


def state_of_area_code(e164: str | None) -> str | None:
    """The state or province of a US or Canadian number's area code, such as "FL" or "BC"."""
    found = area(e164)
    return found[1] if found else None


@lru_cache(maxsize=65536)
def country_of_phone(e164: str | None) -> str | None:
    """The country of a number, ISO 3166-1; None for toll-free and other placeless numbers."""
    found = area(e164)
    if found:
        return found[0]
    number = _parsed(e164)
    if number is None:
        return None
    region = phonenumbers.region_code_for_number(number)
    if region is None and number.country_code != _NANP:
        region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    placeless = region in (None, "ZZ", "001") or (number.country_code == _NANP and region == "US")
    return None if placeless else str(region)


@lru_cache(maxsize=65536)
def phone_zones(e164: str | None) -> frozenset[str]:
    """Every zone the number gives reason to think of, IANA; empty when it gives none.

    The union of the area code's clocks, all clocks of the area code's state, and
    libphonenumber's. For rules that must hold wherever the person may be. A number that
    could be anywhere in its country (toll-free, most mobiles of wide countries) gives none.
    """
    number = _parsed(e164)
    if number is None:
        return frozenset()
    own, region = _own_clocks(number), _state_of(number)
    zones = set(own.zones + own.corners) if own else set()
    zones |= region.everywhere(cautious=True) if region else set()
    return frozenset(zones) if own and not own.zones else frozenset(zones | _prefix_zones(number))


@lru_cache(maxsize=65536)
def likely_phone_zones(e164: str | None) -> frozenset[str]:
    """The zones a careful reader would take from the number alone; empty when none."""
    number = _parsed(e164)
    if number is None:
        return frozenset()
    own, region = _own_clocks(number), _state_of(number)
    if own is not None:
        return frozenset(own.zones)
    if region is not None:
        return region.everywhere(cautious=False)
    country = country_of(country_of_phone(e164))
    whole = country.zones if country and len(country.zones) == 1 else ()
    return _prefix_zones(number) or frozenset(whole)


def _prefix_zones(number: phonenumbers.PhoneNumber) -> frozenset[str]:
    found = prefix_zones.time_zones_for_number(number)
    if len(found) > _VAGUE or _UNKNOWN in found:
        return frozenset()
    same = area_codes().same_as
    return frozenset(same.get(zone, zone) for zone in found)


def _own_clocks(number: phonenumbers.PhoneNumber) -> Clocks | None:
    if number.country_code == _NANP:
        return _code_clocks().get(_area_code(number))
    digits, prefixes = f"+{number.country_code}{number.national_number}", area_codes().prefixes
    lengths = range(len(digits), 1, -1)
    return next((prefixes[digits[:n]] for n in lengths if digits[:n] in prefixes), None)


def _state_of(number: phonenumbers.PhoneNumber) -> Region | None:
    found = _area_states().get(_area_code(number))
    country = country_of(found[0]) if found else None
    return country.regions[found[1]] if country and found else None


def _area_code(number: phonenumbers.PhoneNumber) -> int:
    """The area code of a North American number, 0 for any other."""
    return (number.national_number or 0) // 10_000_000 if number.country_code == _NANP else 0


@lru_cache(maxsize=4096)  # asked for several times in a row, about the same number
def _parsed(e164: str | None) -> phonenumbers.PhoneNumber | None:
    if not e164 or not e164.startswith("+"):
        return None
    try:
        return phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None  # what is no number says nothing about where its owner is


@cache
def area_codes() -> AreaCodes:
    """The packaged table of what numbers tell about places."""
    return load("area_codes.yaml", AreaCodes)


@cache
def _area_states() -> dict[int, tuple[str, str]]:
    found: dict[int, tuple[str, str]] = {}
    for country, states in area_codes().states.items():
        for state, codes in states.items():
            for code in codes:
                if found.setdefault(code, (country, state)) != (country, state):
                    raise PolicyDataError(f"area_codes.yaml: {code} stands in two states")
    return found


@cache
def _code_clocks() -> dict[int, Clocks]:
    return {code: row for row in area_codes().clocks for code in row.codes}
