"""Calls about what binds a tenant's contacts: its own rules, exemptions, emergency stops."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from followup_client.call import JSON, Call, Given, Id, Seen, at, json_body, model

Subject = Literal["hours", "caps"]
Windows = tuple[str, ...]


class Hours(Given):
    """When contact may happen on some channels, by the recipient's clock: `09:00-18:00`.

    A day that is left out has no hours of its own; an empty one is closed.
    """

    channels: tuple[str, ...]
    mon_fri: Windows | None = None
    sat: Windows | None = None
    sun: Windows | None = None
    holiday: Windows | None = None
    holidays: Mapping[str, object] | None = None


class Cap(Given):
    """At most `count` contacts of one person on these channels within any `hours` hours."""

    channels: tuple[str, ...]
    count: int
    hours: int


class House(Given):
    """A tenant's own hours and caps."""

    hours: tuple[Hours, ...] = ()
    caps: tuple[Cap, ...] = ()


class Exempting(Given):
    """A law that does not bind some channels: why, on whose word, until when."""

    jurisdiction: str
    what: Subject
    channels: tuple[str, ...]
    reason: str
    who: str
    ends_at: AwareDatetime


class Stopping(Given):
    """A jurisdiction in which nobody is to be contacted for now."""

    jurisdiction: str
    reason: str
    who: str


class Exemption(Seen):
    """An exemption that was granted, and perhaps ended."""

    id: UUID
    jurisdiction: str
    what: Subject
    channels: tuple[str, ...]
    reason: str
    granted_by: str
    granted_at: datetime
    ends_at: datetime
    revoked_by: str | None = None
    revoked_at: datetime | None = None


class EmergencyStop(Seen):
    """A stop in a jurisdiction; `everybody`: it is the operator's."""

    id: UUID
    jurisdiction: str
    reason: str
    declared_by: str
    declared_at: datetime
    lifted_by: str | None = None
    lifted_at: datetime | None = None
    everybody: bool


class SeenHours(Seen):
    """Hours as they stand."""

    channels: tuple[str, ...]
    mon_fri: Windows | None = None
    sat: Windows | None = None
    sun: Windows | None = None
    holiday: Windows | None = None
    holidays: dict[str, object] | None = None


class SeenCap(Seen):
    """A cap as it stands."""

    channels: tuple[str, ...]
    count: int
    hours: int


class SeenHouse(Seen):
    """A tenant's own hours and caps as they stand."""

    hours: tuple[SeenHours, ...] = ()
    caps: tuple[SeenCap, ...] = ()


class Rules(Seen):
    """The whole as it now is, ended exemptions and lifted stops included."""

    rules: SeenHouse = Field(default_factory=SeenHouse)
    exemptions: tuple[Exemption, ...]
    emergency_stops: tuple[EmergencyStop, ...]


def get() -> Call[Rules]:
    """What binds the tenant's contacts beside the law."""
    return Call("dispatcher", "GET", at("rules"), model(Rules))


def put(house: House) -> Call[Rules]:
    """Replace the tenant's own hours and caps. They narrow the law and never widen it."""
    body = json_body(house)
    return Call("dispatcher", "PUT", at("rules"), model(Rules), headers=JSON, body=body)


def exempt(wanted: Exempting) -> Call[Rules]:
    """Record that a law does not bind some channels. Not tried again once it may stand."""
    path, body = at("rules", "exemptions"), json_body(wanted)
    return Call("dispatcher", "POST", path, model(Rules), headers=JSON, body=body)


def revoke(exemption_id: Id) -> Call[Rules]:
    """End an exemption; once that is answered no send stands on it."""
    return Call("dispatcher", "DELETE", at("rules", "exemptions", exemption_id), model(Rules))


def stop(wanted: Stopping) -> Call[Rules]:
    """Stop all contact in a jurisdiction; once that is answered none begins there."""
    path, body = at("rules", "emergency-stops"), json_body(wanted)
    return Call("dispatcher", "POST", path, model(Rules), headers=JSON, body=body, again=True)


def lift(jurisdiction: str) -> Call[Rules]:
    """End the tenant's own stop in a jurisdiction."""
    return Call("dispatcher", "DELETE", at("rules", "emergency-stops", jurisdiction), model(Rules))
