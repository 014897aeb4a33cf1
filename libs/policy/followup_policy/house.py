"""A tenant's own rules beside the law: they tighten it, and only what is exempted is looser.

Hours and caps of a tenant are rows like those of a statute and are asked beside them, so
that none of them can open what a law closes. The law gives way in one manner: by an
exemption that somebody has recorded, from a row that names one (`exempt_if`).
"""

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, model_validator

from followup_policy.calendars import Calendars, is_holiday
from followup_policy.packaged import Row
from followup_policy.statutes import Cap, Hours, Statute, caps_for, exemptable, statutes_for
from followup_policy.verdicts import Channel
from followup_policy.wallclock import WHOLE_DAY

HOUSE = "house"
"""Stands where a statute names its jurisdiction."""

_MOST = 20
_EVER = date(1970, 1, 1)
_SAMPLE = date(2026, 1, 1)
_OWN = "the tenant's own rule"

Windows = Annotated[Hours, Field(max_length=8)]
Subject = Literal["hours", "caps"]
Channels = Annotated[tuple[Channel, ...], Field(min_length=1, max_length=8)]


class HouseHours(Row):
    """When a tenant lets contact happen on some channels, by the clock of the recipient.

    A day that is left out has no hours of its own; `[]` closes it.
    """

    channels: Channels
    mon_fri: Windows = WHOLE_DAY
    sat: Windows = WHOLE_DAY
    sun: Windows = WHOLE_DAY
    holiday: Windows | None = None
    holidays: Calendars | None = None

    @model_validator(mode="after")
    def _sound(self) -> "HouseHours":
        # What is wrong with a calendar is told now, not when a touch is due.
        row = self.statute()
        if row.holidays:
            try:
                is_holiday(_SAMPLE, row.holidays)
            except (NotImplementedError, ValueError, OverflowError):
                raise ValueError("holidays: a calendar or a day that is not known") from None
        return self

    def statute(self) -> Statute:
        """The same as a row to be asked beside those of the law."""
        return _row(**self.model_dump())


class HouseCap(Row):
    """At most `count` contacts of one person on these channels within any `hours` hours.

    They count over all sequences. `count` 0: none are sent at all. A channel without a
    cap has none.
    """

    channels: Channels
    count: int = Field(ge=0, le=1000, strict=True)
    hours: int = Field(ge=1, le=744)

    def statute(self) -> Statute:
        """The same as a row to be asked beside those of the law."""
        cap = Cap(count=self.count, hours=self.hours, counts=self.channels)
        whole = {"mon_fri": WHOLE_DAY, "sat": WHOLE_DAY, "sun": WHOLE_DAY}
        return _row(channels=self.channels, caps=(cap,), **whole)


class HouseDocument(Row):
    """The rules a tenant has given itself, as they are written and kept."""

    hours: tuple[HouseHours, ...] = Field(default=(), max_length=_MOST)
    caps: tuple[HouseCap, ...] = Field(default=(), max_length=_MOST)

    def statutes(self) -> tuple[Statute, ...]:
        """All of them as rows."""
        hours = tuple(rule.statute() for rule in self.hours)
        return hours + tuple(rule.statute() for rule in self.caps)


@dataclass(frozen=True, slots=True)
class Exemption:
    """From the hours or the caps of one jurisdiction's row, for some channels."""

    jurisdiction: str
    what: Subject
    channels: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class HouseRules:
    """What binds a tenant's contacts beside the law, and what of the law does not.

    `stops`: jurisdictions ("US-LA", "FR") where nobody is contacted for now.
    """

    rows: tuple[Statute, ...] = ()
    exempt: frozenset[Exemption] = frozenset()
    stops: frozenset[str] = frozenset()
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        # Asked for at every look-up of what is remembered by these rules.
        object.__setattr__(self, "_hash", hash((self.rows, self.exempt, self.stops)))

    def __hash__(self) -> int:
        return self._hash

    def frees(self, row: Statute, what: Subject, channel: Channel) -> bool:
        """Whether an exemption takes this row's hours or caps off a channel."""
        return row.exempt_if is not None and any(
            each.jurisdiction == row.jurisdiction and each.what == what and channel in each.channels
            for each in self.exempt
        )


NO_HOUSE = HouseRules()


@lru_cache(maxsize=4096)
def house_rules(
    document: HouseDocument,
    exempt: frozenset[Exemption] = frozenset(),
    stops: frozenset[str] = frozenset(),
) -> HouseRules:
    """The rules in force; an exemption from a law that knows none counts for nothing."""
    known = frozenset(each for each in exempt if exemptable(each.jurisdiction))
    rules = HouseRules(document.statutes(), known, stops)
    return NO_HOUSE if rules == NO_HOUSE else rules


@lru_cache(maxsize=8192)
def hours_for(
    channel: Channel, jurisdictions: frozenset[str], house: HouseRules, *, machine: bool
) -> tuple[Statute, ...]:
    """The rows whose hours bind a contact: of the law, less what is exempted, and the house's."""
    law = statutes_for(channel, jurisdictions=jurisdictions, machine=machine)
    own = tuple(row for row in house.rows if channel in row.channels)
    return tuple(row for row in law if not house.frees(row, "hours", channel)) + own


@lru_cache(maxsize=8192)
def caps_on(
    channel: Channel, jurisdictions: frozenset[str], house: HouseRules
) -> tuple[tuple[Statute, Cap], ...]:
    """The caps that bind a contact: the house's, then those of the law less what is exempted."""
    own = tuple((row, cap) for row in house.rows for cap in row.caps)
    law = tuple(
        (row, cap) for row, cap in caps_for(jurisdictions) if not house.frees(row, "caps", channel)
    )
    return tuple((row, cap) for row, cap in own + law if cap.binds(channel))


def _row(**fields: object) -> Statute:
    return Statute.model_validate(
        {
            "jurisdiction": HOUSE,
            "exempt_if": None,
            "note": None,
            "source": _OWN,
            "as_of": _EVER,
            "effective_from": None,
            "effective_until": None,
            "confidence": "primary",
            **fields,
        }
    )
