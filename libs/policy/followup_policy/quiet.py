"""Quiet hours by law (R15): when contact is open in every zone and jurisdiction at once.

Hours are an algebra of UTC spans: each row of the law gives spans on each candidate clock,
and what is open is their intersection. Spans are kept by UTC day, so asking again costs a
look-up.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from followup_contracts.channels import TRAITS
from followup_policy.errors import PolicyError
from followup_policy.spans import DAY, Span, Spans, day_span, first_fit, intersect, joined, utc_date
from followup_policy.statutes import Statute, statutes_for
from followup_policy.verdicts import ALLOWED, Channel, Verdict, refuse
from followup_policy.wallclock import Minutes, daily_spans
from followup_policy.zones import Whereabouts

SPAN = timedelta(seconds=60)  # a touch must be allowed this long: it takes time to go out
HORIZON = timedelta(days=14)  # how far ahead an opening is looked for


def quiet_hours(
    channel: Channel,
    *,
    where: Whereabouts,
    now: datetime,
    span: timedelta = SPAN,
    emergency_stops: frozenset[str] = frozenset(),
    machine: bool = True,
) -> Verdict:
    """Whether the law lets a contact take place throughout [now, now + span].

    Allowed only if open in every candidate zone under every candidate jurisdiction, ends
    exclusive. Without zones nothing but e-mail is allowed. E-mail has no hours by law.
    `machine=False` asks for a call a person makes. `emergency_stops` are jurisdictions where
    a declared emergency bars contact (Louisiana PSC; N.Y. Gen. Bus. Law 399-z).
    """
    if TRAITS[channel].hours == "none":
        return ALLOWED
    stopped = where.jurisdictions & emergency_stops
    if stopped:
        name = min(stopped)
        return refuse(rule=f"R15:{name}", reason=f"A declared emergency stops contact in {name}.")
    if not where.zones:
        return refuse(
            rule="R15", reason="The person's time zone is unknown, so no hour is known to be open."
        )
    opens_at = next_opening(channel, where=where, earliest=now, span=span, machine=machine)
    if opens_at == now:
        return ALLOWED
    rule, reason = _closed_by(channel, where, now, span, machine=machine)
    return refuse(rule=rule, reason=reason, opens_at=opens_at)


def next_opening(
    channel: Channel,
    *,
    where: Whereabouts,
    earliest: datetime,
    span: timedelta = SPAN,
    machine: bool = True,
) -> datetime | None:
    """The first moment from `earliest` on that the law leaves open for `span`, within 14 days."""
    spans = _from(channel, where, earliest, machine=machine)
    found = first_fit(spans, earliest=earliest, length=span)
    return found if found is not None and found - earliest <= HORIZON else None


def open_intervals(
    channel: Channel, where: Whereabouts, day_from: date, days: int, *, machine: bool = True
) -> Spans:
    """When the law leaves contact open, in UTC, from `day_from` for `days` UTC days."""
    each = (day_from + n * DAY for n in range(days))
    return tuple(joined(s for day in each for s in open_day(channel, where, day, machine=machine)))


@lru_cache(maxsize=65536)
def open_day(channel: Channel, where: Whereabouts, day: date, *, machine: bool = True) -> Spans:
    """When, within one UTC day, the law leaves contact open."""
    spans: Spans = (day_span(day),)
    if TRAITS[channel].hours == "none":
        return spans
    if not where.zones:
        return ()
    for row in statutes_for(channel, jurisdictions=where.jurisdictions, machine=machine):
        for zone in _clocks(row, where):
            spans = intersect(spans, _row_day(row, zone, day))
    return spans


def _from(channel: Channel, where: Whereabouts, at: datetime, *, machine: bool) -> Iterator[Span]:
    days = (utc_date(at) + n * DAY for n in range(HORIZON.days + 2))
    return joined(s for day in days for s in open_day(channel, where, day, machine=machine))


def _clocks(row: Statute, where: Whereabouts) -> list[str]:
    return [row.zone] if row.zone else sorted(where.zones)


@lru_cache(maxsize=65536)
def _row_day(row: Statute, zone: str, day: date) -> Spans:
    return daily_spans(zone, day, windows=row.windows)


def _closed_by(
    channel: Channel, where: Whereabouts, now: datetime, span: timedelta, *, machine: bool
) -> tuple[str, str]:
    """The first row and clock under which [now, now + span] is not open, told to people."""
    first, last = utc_date(now), utc_date(now + span)
    days = [first + n * DAY for n in range((last - first).days + 2)]
    for row in statutes_for(channel, jurisdictions=where.jurisdictions, machine=machine):
        for zone in _clocks(row, where):
            spans = joined(s for day in days for s in _row_day(row, zone, day))
            if first_fit(spans, earliest=now, length=span) != now:
                return f"R15:{row.jurisdiction}", _told(channel, row, zone, now)
    raise PolicyError("closed, but under no row")  # open_day is the intersection of these


def _told(channel: Channel, row: Statute, zone: str, now: datetime) -> str:
    local = now.astimezone(ZoneInfo(zone))
    hours = " and ".join(map(_clock_times, row.windows(local.date()))) or "not at all"
    return (
        f"It is {local:%A %H:%M} in {zone}; {row.jurisdiction} allows {channel} "
        f"{hours} on that day ({row.source})."
    )


def _clock_times(window: Minutes) -> str:
    opens, closes = window
    return f"{opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"
