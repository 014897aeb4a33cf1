"""Names of time zones, where somebody types one in."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field


@cache
def zone_names() -> frozenset[str]:
    """Every name that the IANA database here knows."""
    # Reading the database of zones takes tens of milliseconds.
    return frozenset(available_timezones())


def _known(name: str) -> str:
    if name not in zone_names():
        raise ValueError("this is no IANA zone")
    return name


def _known_or_empty(name: str) -> str:
    return _known(name) if name else name


ZoneName = Annotated[str, Field(max_length=100), AfterValidator(_known)]
"""An IANA zone (`Europe/Berlin`)."""
MaybeZoneName = Annotated[str, Field(max_length=100), AfterValidator(_known_or_empty)]
"""An IANA zone, or nothing where none was set."""
