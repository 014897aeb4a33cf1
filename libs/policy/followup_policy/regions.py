"""Which clocks an address may be on, by country, region, postal code and city.

Sources stand in `data/regions.yaml`. A country not listed there has all the zones that the
IANA zone database (zone.tab) gives it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from pydantic import Field, RootModel

from followup_policy.packaged import Row, load

TERRITORIES = frozenset({"PR", "VI", "GU", "MP", "AS"})  # countries in ISO 3166, states in US mail


class Spot(Row):
    """Postal prefixes and cities of a region that keep these clocks."""

    zones: tuple[str, ...]
    postal: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()


class Region(Row):
    """A state or province, or a country as a whole; fields as told in the data file."""

    name: str = ""
    zones: tuple[str, ...] = ()
    corners: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    postal: tuple[str, ...] = ()
    places: tuple[Spot, ...] = ()

    def everywhere(self, *, cautious: bool) -> frozenset[str]:
        """The clocks of the region; with its corners when `cautious`."""
        return frozenset(self.zones + (self.corners if cautious else ()))

    def by_postal(self, code: str) -> frozenset[str]:
        """The clocks of one of its postal codes."""
        listed = _longest({p: s.zones for s in self.places for p in _runs(s.postal)}, code)
        return frozenset(listed or self.settled or self.zones)

    def by_city(self, city: str | None) -> frozenset[str]:
        """The clocks of a city listed for the region; empty when it is not."""
        wanted = _folded(city or "")
        zones = [s.zones for s in self.places if wanted in map(_folded, s.cities)]
        return frozenset(zone for each in zones for zone in each) if wanted else frozenset()


class Country(Region):
    """A country and its regions."""

    postal_pattern: str = ".{2,12}"
    unknown: tuple[str, ...] = ()
    regions: dict[str, Region] = Field(default_factory=dict)


class Atlas(RootModel[dict[str, Country]]):
    """All countries listed, by ISO 3166-1 alpha-2."""


def country_of(code: str | None) -> Country | None:
    """The country with this ISO code; None for one that does not exist."""
    if not code:
        return None
    listed = atlas().get(code.upper())
    if listed is not None:
        return listed
    zones = _database_zones().get(code.upper())
    return Country(zones=zones) if zones else None


def region_code(*, country: str | None, state: str | None) -> str | None:
    """The code of a region given by code or by name, in any case ("Florida", "fl" → "FL")."""
    found = country_of(country)
    if found is None or not state or not country:
        return None
    return _region_names(country.upper()).get(_folded(state))


@cache
def regions_of_postal(country: str, code: str) -> frozenset[str]:
    """The regions of a country that a postal code (as `postal_of` gives it) belongs to."""
    found = country_of(country)
    regions = found.regions if found else {}
    index: dict[str, tuple[str, ...]] = {}
    for name, region in regions.items():
        for prefix in _runs(region.postal):
            index[prefix] = (*index.get(prefix, ()), name)
    return frozenset(_longest(index, code) or ())


def postal_of(country: Country, postal_code: str | None) -> str | None:
    """The postal code without blanks and hyphens, None if it has not the country's form."""
    code = re.sub(r"[\s-]", "", postal_code or "").upper()
    return code if re.fullmatch(country.postal_pattern, code) else None


@cache
def atlas() -> dict[str, Country]:
    """The countries of the packaged table, by code."""
    return load("regions.yaml", Atlas).root


@cache
def _region_names(country: str) -> dict[str, str]:
    found = country_of(country)
    regions = found.regions if found else {}
    by_name = {_folded(region.name): code for code, region in regions.items()}
    return by_name | {_folded(code): code for code in regions}


@cache
def _database_zones() -> dict[str, tuple[str, ...]]:
    zones: dict[str, tuple[str, ...]] = {}
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            zones[country] = (*zones.get(country, ()), zone)
    return zones


def _runs(prefixes: Iterable[str]) -> Iterator[str]:
    for each in prefixes:
        first, dash, last = each.partition("-")
        if not dash:
            yield first
            continue
        for number in range(int(first), int(last) + 1):
            yield str(number).zfill(len(first))


def _longest(index: dict[str, tuple[str, ...]], code: str) -> tuple[str, ...] | None:
    for length in range(len(code), 0, -1):
        if code[:length] in index:
            return index[code[:length]]
    return None


def _folded(text: str) -> str:
    """Letters and digits alone, without case and accents; "St." reads as "Saint"."""
    plain = unicodedata.normalize("NFKD", text.strip())
    words = re.split(r"[\s-]+", plain)
    words = ["saint" if re.fullmatch(r"st\.?", w, re.IGNORECASE) else w for w in words]
    return "".join(ch for word in words for ch in word.casefold() if ch.isalnum())
