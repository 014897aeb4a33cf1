"""Where a lead lives: country, state, postal code and city, read together."""

from dataclasses import dataclass
from functools import lru_cache

from followup_intake.core.cells import is_placeholder, one_line
from followup_intake.core.countries import read_country
from followup_intake.core.postal import (
    PostalReading,
    at_odds,
    country_of_postal,
    read_postal,
    state_of_postal,
)
from followup_intake.core.subdivisions import Subdivision, countries_of_state, read_state

_SHORT = 100
"""Cells up to this length are remembered: the others are few, and would fill memory."""


@dataclass(frozen=True, slots=True)
class PlaceReading:
    """An address as far as the cells give one. `at_odds`: state and postal code disagree."""

    country: str | None = None
    state: str | None = None
    postal_code: str | None = None
    city: str | None = None
    bad_postal_code: bool = False
    at_odds: bool = False


def read_place(
    *, country: str, state: str, postal_code: str, city: str, abroad: str | None = None
) -> PlaceReading:
    """Read the four cells of an address, all tidied.

    The country is the cell's, else the state's, else the postal code's. `abroad` is the
    country of a phone written with its country code: five digits alone do not outvote it.
    """
    if len(country) + len(state) + len(postal_code) + len(city) > _SHORT:
        return _read(country, state, postal_code, city, abroad)
    return _remembered(country, state, postal_code, city, abroad)


def _read(
    country: str, state: str, postal_code: str, city: str, abroad: str | None
) -> PlaceReading:
    stated = "" if is_placeholder(state) else one_line(state)
    code = "" if is_placeholder(postal_code) else postal_code
    found = read_country(country) or _implied(stated, code, abroad)
    reading = read_postal(code, found)
    settled = _state(stated, found)
    known = read_state(stated, found) is not None if found and stated else False
    return PlaceReading(
        country=found,
        state=settled,
        postal_code=reading.code,
        city=None if is_placeholder(city) else one_line(city),
        bad_postal_code=reading.fault,
        at_odds=known and _disagree(settled, reading, found),
    )


_remembered = lru_cache(maxsize=16384)(_read)


def _implied(state: str, postal_code: str, abroad: str | None) -> str | None:
    homes = countries_of_state(state) if state else ()
    if homes:
        fitting = (home for home in homes if _fits(home, postal_code))
        preferred = next((home for home in homes if home.country == abroad), homes[0])
        return next(fitting, preferred).country if postal_code else preferred.country
    by_code = country_of_postal(postal_code) if postal_code else None
    if by_code == "US" and abroad not in {None, "US", "CA"}:
        return None
    return by_code


def _fits(home: Subdivision, postal_code: str) -> bool:
    code = read_postal(postal_code, home.country).code
    if code is None:
        return False
    return home.code is None or state_of_postal(code, home.country) in {home.code, None}


def _state(state: str, country: str | None) -> str | None:
    if not state:
        return None
    return (read_state(state, country) if country else None) or state


def _disagree(state: str | None, postal: PostalReading, country: str | None) -> bool:
    return bool(state and postal.code and at_odds(state, postal.code, country))
