"""Quiet hours by law (R15): when contact is open in every zone and jurisdiction at once.

Hours are an algebra of UTC spans: each row of the law gives spans on each candidate clock,
and what is open is their intersection. Spans are kept by UTC day, so asking again costs a
look-up.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from followup_policy.errors import PolicyError
from followup_policy.house import HOUSE, NO_HOUSE, HouseRules, hours_for
from followup_policy.spans import DAY, Spans, day_span, first_fit, intersect, joined, utc_date
from followup_policy.statutes import Statute, clock_times
from followup_policy.verdicts import ALLOWED, Channel, Verdict, refuse
from followup_policy.wallclock import daily_spans
from followup_policy.zones import Whereabouts

SPAN = timedelta(seconds=60)  # a touch must be allowed this long: it takes time to go out
HORIZON = timedelta(days=14)  # how far ahead an opening is looked for


def quiet_hours(
    channel: Channel,
    *,
    where: Whereabouts,
    now: datetime,
    span: timedelta = SPAN,
    machine: bool = True,
    house: HouseRules = NO_HOUSE,
) -> Verdict:
    """Whether law and house let a contact take place throughout [now, now + span].

    Allowed only if open in every candidate zone under every candidate jurisdiction, ends
    exclusive. Without zones nothing but e-mail is allowed. E-mail has no hours by law, yet
    may have some by the house's rules. `machine=False` asks for a call a person makes.
    Where an emergency is declared (`house.stops`; Louisiana PSC; N.Y. Gen. Bus. Law 399-z)
    nobody is contacted on any channel.
    """
    stopped = where.jurisdictions & house.stops
    if stopped:
        name = min(stopped)
        return refuse(rule=f"R15:{name}", reason=f"A declared emergency stops contact in {name}.")
    if not hours_for(channel, where.jurisdictions, house, machine=machine):
        return ALLOWED
    if not where.zones:
        return refuse(
            rule="R15", reason="The person's time zone is unknown, so no hour is known to be open."
        )
    asked = _Asked(channel, where, house, machine)
    if _well_inside(asked.day(utc_date(now)), now, span):
        return ALLOWED
    opens_at = _next_opening(asked, earliest=now, span=span)
    if opens_at == now:
        return ALLOWED
    rule, reason = _closed_by(asked, now, span)
    return refuse(rule=rule, reason=reason, opens_at=opens_at)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked about, whenever it would be."""

    channel: Channel
    where: Whereabouts
    house: HouseRules
    machine: bool

    def rows(self) -> tuple[Statute, ...]:
        return hours_for(self.channel, self.where.jurisdictions, self.house, machine=self.machine)

    def day(self, day: date) -> Spans:
        return open_day(self.channel, self.where, day, machine=self.machine, house=self.house)


def _well_inside(spans: Spans, now: datetime, span: timedelta) -> bool:
    """Whether one of the day's spans holds all of it, as for most: no other day need be asked."""
    until = now + span
    return any(start <= now and until < end for start, end in spans)


def next_opening(
    channel: Channel,
    *,
    where: Whereabouts,
    earliest: datetime,
    span: timedelta = SPAN,
    machine: bool = True,
    house: HouseRules = NO_HOUSE,
) -> datetime | None:
    """The first moment from `earliest` on that is left open for `span`, within 14 days."""
    return _next_opening(_Asked(channel, where, house, machine), earliest=earliest, span=span)


def _next_opening(asked: _Asked, *, earliest: datetime, span: timedelta) -> datetime | None:
    days = (utc_date(earliest) + n * DAY for n in range(HORIZON.days + 2))
    spans = joined(s for day in days for s in asked.day(day))
    found = first_fit(spans, earliest=earliest, length=span)
    return found if found is not None and found - earliest <= HORIZON else None


def open_intervals(
    channel: Channel,
    where: Whereabouts,
    day_from: date,
    days: int,
    *,
    machine: bool = True,
    house: HouseRules = NO_HOUSE,
) -> Spans:
    """When law and house leave contact open, in UTC, from `day_from` for `days` UTC days."""
    asked = _Asked(channel, where, house, machine)
    each = (day_from + n * DAY for n in range(days))
    return tuple(joined(s for day in each for s in asked.day(day)))


@lru_cache(maxsize=65536)
def open_day(
    channel: Channel,
    where: Whereabouts,
    day: date,
    *,
    machine: bool = True,
    house: HouseRules = NO_HOUSE,
) -> Spans:
    """When, within one UTC day, law and house leave contact open."""
    spans: Spans = (day_span(day),)
    rows = hours_for(channel, where.jurisdictions, house, machine=machine)
    if rows and not where.zones:
        return ()
    for row in rows:
        for zone in _clocks(row, where):
            spans = intersect(spans, _row_day(row, zone, day))
    return spans


def _clocks(row: Statute, where: Whereabouts) -> list[str]:
    return [row.zone] if row.zone else sorted(where.zones)


@lru_cache(maxsize=65536)
def _row_day(row: Statute, zone: str, day: date) -> Spans:
    return daily_spans(zone, day, windows=row.windows)


def _closed_by(asked: _Asked, now: datetime, span: timedelta) -> tuple[str, str]:
    """The first row and clock under which [now, now + span] is not open, told to people."""
    first, last = utc_date(now), utc_date(now + span)
    days = [first + n * DAY for n in range((last - first).days + 2)]
    for row in asked.rows():
        for zone in _clocks(row, asked.where):
            spans = joined(s for day in days for s in _row_day(row, zone, day))
            if first_fit(spans, earliest=now, length=span) != now:
                own = row.jurisdiction == HOUSE
                rule = "house:hours" if own else f"R15:{row.jurisdiction}"
                return rule, _told(asked.channel, row, zone, now)
    raise PolicyError("closed, but under no row")  # open_day is the intersection of these


def _told(channel: Channel, row: Statute, zone: str, now: datetime) -> str:
    local = now.astimezone(ZoneInfo(zone))
    hours = " and ".join(map(clock_times, row.windows(local.date()))) or "not at all"
    return (
        f"It is {local:%A %H:%M} in {zone}; {row.jurisdiction} allows {channel} "
        f"{hours} on that day ({row.source})."
    )
