"""When a touch should go, within when it may.

Preferred times (R12), weekdays alone for business (R11), parts of the day (R3). Preferences
give way to the law, to a latest moment, and to a week without an occasion; they never block
a touch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from followup_contracts.channels import TRAITS
from followup_policy.house import NO_HOUSE, HouseRules
from followup_policy.quiet import HORIZON, SPAN, open_day, open_intervals, quiet_hours
from followup_policy.spans import DAY, Span, Spans, day_span, first_fit, intersect, joined, utc_date
from followup_policy.verdicts import Channel
from followup_policy.wallclock import Minutes, daily_spans, offset
from followup_policy.zones import Whereabouts

Audience = Literal["b2b", "b2c"]
PartOfDay = Literal["morning", "midday", "afternoon", "evening", "night"]

PATIENCE = timedelta(days=7)  # how long a preference may delay a touch
MARGIN = timedelta(minutes=5)  # a touch pulled forward leaves this much before the hours close

_WEEKDAYS = frozenset(range(5))
_PARTS: tuple[tuple[int, PartOfDay], ...] = (
    (5, "morning"), (12, "midday"), (14, "afternoon"), (17, "evening"), (22, "night"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SendWindow:
    """Preferred local times: weekdays (Monday is 0) and spans in whole minutes.

    A span that ends at or before its start runs into the next morning.
    """

    days: frozenset[int]
    spans: tuple[tuple[time, time], ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """A moment in UTC, None when there is none, and what moved it, in order, in sentences."""

    at: datetime | None
    moved_by: tuple[str, ...] = ()


def preferred(channel: Channel) -> SendWindow:
    """R12 and R3: texts 10-12 and 16-18; e-mail Tuesday to Thursday 8-11; calls 10-12 and 14-17."""
    match TRAITS[channel].hours:
        case "text":
            return SendWindow(frozenset(range(7)), _clock((10, 12), (16, 18)))
        case "none":
            return SendWindow(frozenset({1, 2, 3}), _clock((8, 11)))
        case "call":
            return SendWindow(frozenset(range(7)), _clock((10, 12), (14, 17)))


def next_open(
    channel: Channel,
    *,
    where: Whereabouts,
    earliest: datetime,
    window: SendWindow | None,
    audience: Audience,
    latest: datetime | None = None,
    machine: bool = True,
    house: HouseRules = NO_HOUSE,
) -> Planned:
    """The first moment from `earliest` on that law, house, weekdays (b2b) and `window` suit.

    It suits in every candidate zone at once. A preference that has no occasion within seven
    days, or none by `latest`, is dropped and the sentence says so; `window=None` prefers
    nothing. No moment at all: the law opens nothing within 14 days, or not by `latest`.
    """
    law = quiet_hours(channel, where=where, now=earliest, machine=machine, house=house)
    at = earliest if law.allowed else law.opens_at
    moved = () if law.allowed else (f"{law.rule}: {law.reason}",)
    if at is None:
        return Planned(None, moved)
    if latest is not None and at > latest:
        return Planned(
            None, (*moved, f"The next lawful moment is after {latest:%Y-%m-%d %H:%M} UTC.")
        )
    layers: list[Callable[[date], Spans]] = [
        lambda day: open_day(channel, where, day, machine=machine, house=house)
    ]
    for rule, told, wish in _wishes(window, audience):
        if not where.zones:
            moved = (*moved, f"{rule}: not applied, the time zone is unknown.")
            continue
        kept = [*layers, _suits(where.zones, wish)]
        found = _search(kept, at, limit=_limit(at, latest))
        if found is None:
            moved = (*moved, f"{rule}: {told} has no occasion in time in every zone; not applied.")
            continue
        moved = (*moved, f"{rule}: moved to {told}.") if found > at else moved
        at, layers = found, kept
    return Planned(at, moved)


def last_open_before(
    channel: Channel,
    *,
    where: Whereabouts,
    anchor: datetime,
    wanted: datetime,
    earliest: datetime | None = None,
    machine: bool = True,
    house: HouseRules = NO_HOUSE,
) -> Planned:
    """A transactional touch: at `wanted`, else at the last open moment before, never past `anchor`.

    Moved forward it leaves five minutes before the hours close, where they are that long.
    When that moment is before `earliest` (the touch is planned too late for it), the first
    open moment from `earliest` up to the anchor. None within 14 days: no moment.
    """
    goal = min(wanted, anchor)
    law = quiet_hours(channel, where=where, now=goal, machine=machine, house=house)
    moved = ("It would come after its anchor; moved to it.",) if wanted > anchor else ()
    found: datetime | None = goal
    if not law.allowed:
        moved = (*moved, f"{law.rule}: {law.reason}")
        found = _last(channel, where, goal, machine=machine, house=house)
    if earliest is None or (found is not None and found >= earliest):
        return Planned(found, moved)
    moved = (*moved, "The last open moment has passed; the next one before the anchor is taken.")
    late = quiet_hours(channel, where=where, now=earliest, machine=machine, house=house)
    after = earliest if late.allowed else late.opens_at
    return Planned(after if after is not None and after <= anchor else None, moved)


def part_of_day(at: datetime, where: Whereabouts) -> PartOfDay:
    """Morning 5-12, midday 12-14, afternoon 14-17, evening 17-22, night, on the person's clock.

    With several candidate zones, on the middle one's (the earlier of two); UTC without any.
    """
    hour = at.astimezone(ZoneInfo(middle_zone(at, where))).hour
    return next((name for start, name in reversed(_PARTS) if hour >= start), "night")


def next_part(at: datetime, where: Whereabouts) -> datetime:
    """The first moment after `at` at which another part of day begins."""
    zone = middle_zone(at, where)
    starts: tuple[Minutes, ...] = tuple((hour * 60, hour * 60 + 1) for hour, _ in _PARTS)
    days = (utc_date(at) + n * DAY for n in range(3))
    spans = (s for day in days for s in daily_spans(zone, day, windows=lambda _: starts))
    return next(start for start, _ in spans if start > at)


def middle_zone(at: datetime, where: Whereabouts) -> str:
    """The candidate zone whose clock is in the middle at `at`; "UTC" without candidates."""
    ordered = sorted(where.zones, key=lambda zone: (offset(zone, at), zone))
    return ordered[(len(ordered) - 1) // 2] if ordered else "UTC"


def _wishes(window: SendWindow | None, audience: Audience) -> Iterator[tuple[str, str, SendWindow]]:
    if audience == "b2b":
        yield "R11", "a weekday", SendWindow(_WEEKDAYS, ((time(0), time(0)),))
    if window is not None:
        yield "R12", "a preferred time", window


def _limit(at: datetime, latest: datetime | None) -> datetime:
    return at + PATIENCE if latest is None else min(at + PATIENCE, latest)


def _search(
    layers: list[Callable[[date], Spans]], at: datetime, *, limit: datetime
) -> datetime | None:
    found = first_fit(_from(layers, at), earliest=at, length=SPAN)
    return found if found is not None and found <= limit else None


def _from(layers: list[Callable[[date], Spans]], at: datetime) -> Iterator[Span]:
    def day_spans() -> Iterator[Span]:
        for n in range(PATIENCE.days + 2):
            day = utc_date(at) + n * DAY
            spans: Spans = (day_span(day),)
            for layer in layers:
                spans = intersect(spans, layer(day))
            yield from spans

    return joined(day_spans())


def _suits(zones: frozenset[str], window: SendWindow) -> Callable[[date], Spans]:
    return lambda day: _window_day(zones, window, day)


@lru_cache(maxsize=16384)
def _window_day(zones: frozenset[str], window: SendWindow, day: date) -> Spans:
    minutes = tuple((_after_midnight(a), _after_midnight(b)) for a, b in window.spans)
    spans: Spans = (day_span(day),)
    for zone in sorted(zones):
        open_here = daily_spans(
            zone, day, windows=lambda local: minutes if local.weekday() in window.days else ()
        )
        spans = intersect(spans, open_here)
    return spans


def _last(
    channel: Channel, where: Whereabouts, before: datetime, *, machine: bool, house: HouseRules
) -> datetime | None:
    first = utc_date(before) - HORIZON
    spans = open_intervals(channel, where, first, HORIZON.days + 1, machine=machine, house=house)
    for start, end in reversed(spans):
        at = max(start, end - MARGIN)
        if end <= before + SPAN and at + SPAN < end and at <= before:
            return at
    return None


def _clock(*hours: tuple[int, int]) -> tuple[tuple[time, time], ...]:
    return tuple((time(opens), time(closes)) for opens, closes in hours)


def _after_midnight(at: time) -> int:
    return at.hour * 60 + at.minute
