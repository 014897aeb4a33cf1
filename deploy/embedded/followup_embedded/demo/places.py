"""Where somebody may be, as the judge of the demo reads addresses and phone numbers."""

from functools import lru_cache

import phonenumbers
from phonenumbers import geocoder, timezone

from followup_embedded.demo.almanac import CLOCKS, SPLIT, WHOLE, state_of_zip
from followup_embedded.demo.evidence import Human

_COUNTRIES = frozenset({"", "United States", "Canada"})
_MANY = 4  # a toll-free number has every clock of the continent and says nothing

_NAMES = {
    "Alabama": "AL", "Connecticut": "CT", "Florida": "FL", "Illinois": "IL", "Kentucky": "KY",
    "Louisiana": "LA", "Massachusetts": "MA", "Maryland": "MD", "Maine": "ME", "Michigan": "MI",
    "Minnesota": "MN", "Mississippi": "MS", "Nebraska": "NE", "New Mexico": "NM",
    "Nevada": "NV", "Oklahoma": "OK", "Oregon": "OR", "Rhode Island": "RI", "Texas": "TX",
    "Utah": "UT", "Washington State": "WA", "Wyoming": "WY", "British Columbia": "BC",
}  # fmt: skip
"""Regions with a law of their own, as the numbering plan's descriptions call them."""


def clocks_of(human: Human) -> set[str]:
    """The clocks the person may live by: the address's and the phone's."""
    found: set[str] = set()
    for region in _laws_of_address(human):
        found |= set(CLOCKS.get(region, ()))
        if not human.postal_code:
            found |= set(SPLIT.get(region, ()))
    for phone in human.phones:
        found |= _clocks_of_phone(phone)
    return found or set(WHOLE.get(human.country or "", ()))


def countries_of(human: Human) -> set[str]:
    """The countries of address and phones."""
    found = {human.country} if human.country else set()
    return found | {law[:2] for phone in human.phones for law in _laws_of_phone(phone)}


def laws_of(human: Human) -> set[str]:
    """The jurisdictions whose hours protect the person."""
    phones = {law for phone in human.phones for law in _laws_of_phone(phone)}
    found = _laws_of_address(human) | phones
    nameless = not any(_told_of_phone(phone) for phone in human.phones)
    return found | {"US-?"} if found == {"US"} and nameless else found


def _laws_of_address(human: Human) -> set[str]:
    country = human.country
    if country is None:
        return set()
    found = {country}
    if human.state:
        found.add(f"{country}-{human.state}")
    if country == "US" and (state := state_of_zip(human.postal_code or "")):
        found.add(f"US-{state}")
    return found


@lru_cache(maxsize=4096)
def _laws_of_phone(phone: str) -> frozenset[str]:
    number = phonenumbers.parse(phone)
    country = phonenumbers.region_code_for_number(number) or _by_code(number.country_code)
    if not country:
        return frozenset()
    told = _told_of_phone(phone)
    region = _NAMES.get(told) or told.rpartition(", ")[2]
    known = region in _NAMES.values()
    return frozenset({country, f"{country}-{region}"} if known else {country})


@lru_cache(maxsize=4096)
def _told_of_phone(phone: str) -> str:
    """What the numbering plan says of a number beyond its country; empty for toll-free."""
    told = geocoder.description_for_number(phonenumbers.parse(phone), "en")
    return "" if told in _COUNTRIES else told


def _by_code(code: int | None) -> str | None:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code or 0, ())
    return regions[0] if regions else None


@lru_cache(maxsize=4096)
def _clocks_of_phone(phone: str) -> frozenset[str]:
    zones = timezone.time_zones_for_number(phonenumbers.parse(phone))
    known = [zone for zone in zones if zone != "Etc/Unknown"]
    return frozenset(known) if len(known) < _MANY else frozenset()
