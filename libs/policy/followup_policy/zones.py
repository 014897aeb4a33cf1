"""Where a person may be: candidate time zones and jurisdictions, as sets.

One zone is a guess. What must not happen at night must not happen at night in any zone the
person may be in, so rules are asked of all candidates (47 CFR 64.1200(c)(1) reads the time
"at the called party's location"; Florida, Oklahoma and Connecticut presume a resident from
the area code).
"""

from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

from followup_policy.phones import (
    area,
    country_of_phone,
    kin,
    likely_phone_zones,
    phone_zones,
    state_of_area_code,
)
from followup_policy.regions import (
    TERRITORIES,
    Country,
    country_of,
    postal_of,
    region_code,
    regions_of_postal,
)

__all__ = [
    "Place",
    "Whereabouts",
    "address_zones",
    "lead_zones",
    "phone_zones",
    "state_of_area_code",
    "whereabouts",
]


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of where a person is; `country` ISO 3166-1 alpha-2, `phone` E.164."""

    stated_zone: str | None = None
    country: str | None = None
    state: str | None = None
    postal_code: str | None = None
    city: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Candidate IANA zones, candidate jurisdictions ("US", "US-FL", "GB"), and why these.

    A country whose state is unknown stands alone ("US" without any "US-…").
    """

    zones: frozenset[str]
    jurisdictions: frozenset[str]
    explained: str = field(default="", compare=False)


def whereabouts(place: Place) -> Whereabouts:
    """All zones and jurisdictions the place gives reason to think of.

    A stated zone replaces the address's zones, never the phone's. Nothing known of the
    state in a country with several clocks: all its usual ones. Nothing known of the
    country: no zones, and rules about hours refuse.
    """
    phone = None if place.phone is None else kin(place.phone)
    if phone != place.phone:  # neighbours share what is remembered
        place = Place(
            place.stated_zone, place.country, place.state, place.postal_code, place.city, phone
        )
    return _whereabouts(place)


@lru_cache(maxsize=65536)
def _whereabouts(place: Place) -> Whereabouts:
    country, state = _country_and_state(place)
    stated, calls_from = _existing(place.stated_zone), country_of_phone(place.phone)
    address = address_zones(country=country, state=state, postal_code=place.postal_code)
    first = frozenset({stated}) if stated else address
    phone = phone_zones(place.phone)
    if not first and not (phone and calls_from == country):
        first = _usual(country)
    if not phone and calls_from != country:
        phone = _usual(calls_from)
    jurisdictions = _jurisdictions(country, state, place.postal_code) | _of_phone(place.phone)
    told = {"stated" if stated else "address": first, "phone": phone, "law": jurisdictions}
    explained = "; ".join(f"{what}: {' '.join(sorted(of)) or '?'}" for what, of in told.items())
    return Whereabouts(first | phone, jurisdictions, explained)


def address_zones(
    *, country: str | None, state: str | None, postal_code: str | None, city: str | None = None
) -> frozenset[str]:
    """Every zone an address may be in, corners of its state included.

    Empty when the address does not say: no country, or no region in a country that has
    several. A postal code settles its region; one that contradicts the state adds to it.
    """
    return _address(country=country, state=state, postal_code=postal_code, city=city, cautious=True)


def lead_zones(
    *,
    country: str | None,
    state: str | None,
    postal_code: str | None,
    city: str | None,
    phone: str | None,
) -> frozenset[str]:
    """The zones a careful reader gives a lead: by the address if it says so, else by phone.

    A state with two clocks has both unless city or postal code settles it. Without corners,
    unlike `whereabouts`: this states where a lead is, not when it may be contacted.
    """
    found = _address(
        country=country, state=state, postal_code=postal_code, city=city, cautious=False
    )
    return found or likely_phone_zones(phone)


def _address(
    *,
    country: str | None,
    state: str | None,
    postal_code: str | None,
    city: str | None,
    cautious: bool,
) -> frozenset[str]:
    if country and country.upper() in TERRITORIES:
        country, state = "US", country
    found = country_of(country)
    if found is None or country is None:
        return frozenset()
    code = postal_of(found, postal_code)
    if not found.regions:
        return _of_country(found, code, city, cautious=cautious)
    known = region_code(country=country, state=state)
    by_code = regions_of_postal(country.upper(), code) if code else frozenset()
    zones = frozenset[str]()
    if code:
        for name in by_code if known not in by_code else {known}:
            zones |= found.regions[name].by_postal(code)
    if known and known not in by_code:
        region = found.regions[known]
        settled = region.by_city(city) if not by_code else frozenset[str]()
        zones |= settled or region.everywhere(cautious=cautious)
    return zones


def _of_country(
    country: Country, code: str | None, city: str | None, *, cautious: bool
) -> frozenset[str]:
    if code and country.places:
        return country.by_postal(code)
    return country.by_city(city) or country.everywhere(cautious=cautious)


def _country_and_state(place: Place) -> tuple[str | None, str | None]:
    country = place.country.upper() if place.country else None
    if country in TERRITORIES:
        return "US", country
    return country, place.state


def _usual(country: str | None) -> frozenset[str]:
    found = country_of(country)
    return frozenset(found.unknown or found.zones) if found else frozenset()


def _jurisdictions(
    country: str | None, state: str | None, postal_code: str | None
) -> frozenset[str]:
    found = country_of(country)
    if found is None or country is None:
        return frozenset()
    known = region_code(country=country, state=state)
    code = postal_of(found, postal_code)
    states = regions_of_postal(country, code) if code else frozenset()
    states |= {known} if known else set()
    return frozenset({country, *(f"{country}-{each}" for each in states)})


def _of_phone(phone: str | None) -> frozenset[str]:
    country, found = country_of_phone(phone), area(phone)
    if country is None:
        return frozenset()
    return frozenset({country, f"{country}-{found[1]}"} if found else {country})


def _existing(zone: str | None) -> str | None:
    """The stated zone if the zone database has it; a misspelt one states nothing."""
    try:
        return ZoneInfo(zone).key if zone else None
    except (ValueError, OSError, KeyError):  # unknown name, unsafe path, a folder
        return None
