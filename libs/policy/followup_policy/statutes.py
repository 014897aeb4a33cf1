"""Contact hours and caps as the law of each jurisdiction has them (`data/quiet_hours.yaml`)."""

import re
from datetime import date
from functools import cache, lru_cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from followup_contracts.channels import TRAITS
from followup_policy.calendars import Calendars, is_holiday
from followup_policy.packaged import Row, load
from followup_policy.verdicts import Channel
from followup_policy.wallclock import WHOLE_DAY, Minutes

_SATURDAY, _SUNDAY = 5, 6
_HOURS, _LAST_MINUTE = 24, 59


def _minutes(window: Any) -> Any:
    """A window such as "09:30-21:00" as minutes after midnight; a pair of minutes as it is."""
    if isinstance(window, tuple):
        return window
    found = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", str(window))
    if not found:
        raise ValueError(f"{window} is no window")
    opens, opens_min, closes, closes_min = map(int, found.groups())
    if max(opens_min, closes_min) > _LAST_MINUTE or max(opens, closes) > _HOURS:
        raise ValueError(f"{window} is no time of a day")
    if (opens, opens_min) == (closes, closes_min):
        raise ValueError(f"{window} is empty or a whole day; say which with [] or 00:00-24:00")
    return opens * 60 + opens_min, closes * 60 + closes_min


def clock_times(window: Minutes) -> str:
    """The window as it is written."""
    opens, closes = window
    return f"{opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"


Hours = tuple[
    Annotated[
        Minutes,
        BeforeValidator(_minutes),
        PlainSerializer(clock_times, return_type=str, when_used="json"),
    ],
    ...,
]


class Cap(Row):
    """At most `count` contacts on the channels in `counts` within any `hours` hours.

    Checked for the channels in `gates` (default: those it counts). With scope "enrollment"
    only contacts of the same enrollment count; without `hours`, all of them.
    """

    count: int = Field(ge=0)
    hours: int | None = None
    scope: Literal["person", "enrollment"] = "person"
    counts: tuple[Channel, ...]
    gates: tuple[Channel, ...] = ()

    def binds(self, channel: Channel) -> bool:
        """Whether a contact on this channel is held to the cap."""
        return channel in (self.gates or self.counts)


class Silence(Row):
    """For `days` whole calendar days after a refusal: no contact on the `gates` channels."""

    days: int = Field(ge=1)
    gates: tuple[Channel, ...]

    def binds(self, channel: Channel) -> bool:
        """Whether a contact on this channel has to wait; messengers are held like texts."""
        return (channel if TRAITS[channel].hours == "none" else _law_of(channel)) in self.gates


class Statute(Row):
    """One jurisdiction's hours and caps for some channels; fields as told in the data file."""

    jurisdiction: str
    channels: tuple[Channel, ...]
    machine_only: bool = False
    zone: str | None = None
    mon_fri: Hours
    sat: Hours
    sun: Hours
    holiday: Hours | None = None
    before_holiday: Hours | None = None
    holidays: Calendars | None = None
    caps: tuple[Cap, ...] = ()
    silence: Silence | None = None
    exempt_if: str | None
    note: str | None
    source: str
    as_of: date
    effective_from: date | None
    effective_until: date | None
    confidence: Literal["primary", "secondary", "known"]

    @model_validator(mode="after")
    def _dated(self) -> "Statute":
        if (self.holiday is not None or self.before_holiday is not None) and not self.holidays:
            raise ValueError(f"{self.jurisdiction}: holiday hours need a calendar")
        return self

    def in_force(self, day: date) -> bool:
        """Whether the row binds on this local date."""
        begun = self.effective_from is None or self.effective_from <= day
        return begun and (self.effective_until is None or day < self.effective_until)

    def windows(self, day: date) -> tuple[Minutes, ...]:
        """The open windows of this local date; the whole day where the row binds not."""
        if not self.in_force(day):
            return WHOLE_DAY
        if self.holidays and self.holiday is not None and is_holiday(day, self.holidays):
            return self.holiday
        if day.weekday() == _SUNDAY:
            return self.sun
        if self.holidays and self.before_holiday is not None and self._eve(day):
            return self.before_holiday
        return self.sat if day.weekday() == _SATURDAY else self.mon_fri

    def _eve(self, day: date) -> bool:
        following = date.fromordinal(day.toordinal() + 1)
        return self.holidays is not None and is_holiday(following, self.holidays)


class Code(Row):
    """`data/quiet_hours.yaml`."""

    defaults: dict[str, Any]
    unknown_state: str
    rows: tuple[Statute, ...]
    elsewhere: Statute
    emergency_stops: frozenset[str]

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, data: Any) -> Any:
        defaults = data["defaults"]
        rows = [defaults | row for row in data["rows"]]
        return data | {"rows": rows, "elsewhere": defaults | data["elsewhere"]}


def statutes() -> tuple[Statute, ...]:
    """All rows, in the order of the file."""
    return code_of_law().rows


def emergency_jurisdictions() -> frozenset[str]:
    """Where a declared emergency stops contact; an operator declares it."""
    return code_of_law().emergency_stops


@lru_cache(maxsize=4096)
def statutes_for(
    channel: Channel, *, jurisdictions: frozenset[str], machine: bool
) -> tuple[Statute, ...]:
    """The rows that bind a contact under all these jurisdictions, by name.

    E-mail has none. A country without a row gets `elsewhere`, the United States without a
    state the safe row, no jurisdiction at all both.
    """
    if TRAITS[channel].hours == "none":
        return ()
    code, found = code_of_law(), list[Statute]()
    for name in sorted(_with_unknown(jurisdictions)):
        rows = _of_jurisdiction(name)
        found += [row for row in rows if _binds(row, rows, channel, machine=machine)]
        if not rows and "-" not in name:
            found.append(code.elsewhere)
    return tuple(found)


@cache
def exemptable(jurisdiction: str) -> bool:
    """Whether a row of this jurisdiction names a case in which it does not bind."""
    return any(row.exempt_if is not None for row in _of_jurisdiction(jurisdiction))


@lru_cache(maxsize=4096)
def caps_for(jurisdictions: frozenset[str]) -> tuple[tuple[Statute, Cap], ...]:
    """Every statutory cap under these jurisdictions, whatever channel it binds."""
    names = sorted(_with_unknown(jurisdictions))
    return tuple((row, cap) for name in names for row in _of_jurisdiction(name) for cap in row.caps)


@lru_cache(maxsize=4096)
def silences_for(jurisdictions: frozenset[str]) -> tuple[tuple[Statute, Silence], ...]:
    """Every silence after a refusal under these jurisdictions, whatever channel it binds."""
    names = sorted(_with_unknown(jurisdictions))
    rows = (row for name in names for row in _of_jurisdiction(name))
    return tuple((row, row.silence) for row in rows if row.silence is not None)


def _with_unknown(jurisdictions: frozenset[str]) -> frozenset[str]:
    """With the country of every state, and the safe row where no state is known."""
    if not jurisdictions:
        return frozenset({code_of_law().unknown_state, "elsewhere"})
    names = jurisdictions | {name.partition("-")[0] for name in jurisdictions}
    stateless = "US" in names and not any(each.startswith("US-") for each in names)
    return names | {code_of_law().unknown_state} if stateless else names


def _binds(row: Statute, rows: tuple[Statute, ...], channel: Channel, *, machine: bool) -> bool:
    bound = _law_of(channel)
    if bound in row.channels:
        return machine or not row.machine_only or bound == "sms"
    # A law that says "calls" is read to mean texts too, unless it has a rule for texts.
    return bound == "sms" and not any("sms" in each.channels for each in rows)


def _law_of(channel: Channel) -> Channel:
    # Whatever is no call is bound like a text, messengers too: a law older than them that
    # says "text message" is read to mean them.
    return "voice" if TRAITS[channel].hours == "call" else "sms"


@cache
def _of_jurisdiction(name: str) -> tuple[Statute, ...]:
    return tuple(row for row in code_of_law().rows if row.jurisdiction == name)


@cache
def code_of_law() -> Code:
    """The packaged table of statutes."""
    return load("quiet_hours.yaml", Code)
