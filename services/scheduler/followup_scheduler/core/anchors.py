"""The moments that steps are counted from, and how they come round again.

A date without a time begins at midnight where the person is; a moment without an offset is
on their clock. In a month that is too short a day of the month is its last, so that the
31st is never left out and 29 February comes on the 28th in a year without one.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from followup_policy.wallclock import local_date, starts_of_day
from followup_scheduler.core import memory
from followup_scheduler.core.format.repeat import Repeat
from followup_scheduler.core.model import Enrollment, Facts
from followup_scheduler.core.moments import months_later, zones

if TYPE_CHECKING:
    from followup_scheduler.core.document import Sequence

ENROLLED = "enrolled"
PREVIOUS = "previous"
_ANCHOR = "anchor"
_LEAP_YEAR = 2000  # a birthday without a year may be 29 February
_YEARLESS = re.compile(r"^(?:--)?([0-9]{2})-([0-9]{2})$")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_GONE = frozenset({"cancelled"})

Anchor = datetime | date


def anchor_of(
    name: str, *, enrollment: Enrollment, sequence: "Sequence", facts: Facts
) -> datetime | None:
    """The moment a step is counted from, for its `from`; None while it is not known."""
    if name == PREVIOUS:
        return memory.previous(enrollment)
    if name in (_ANCHOR, sequence.anchor):
        return main_anchor(
            memory.cycle(enrollment), enrollment=enrollment, sequence=sequence, facts=facts
        )
    return _moment(_known(name, enrollment=enrollment, facts=facts), facts)


def main_anchor(
    number: int, *, enrollment: Enrollment, sequence: "Sequence", facts: Facts
) -> datetime | None:
    """The sequence's own anchor in one of its times round."""
    base = _known(sequence.anchor, enrollment=enrollment, facts=facts)
    if base is None or sequence.repeat is None:
        return _moment(base, facts)
    start = enrollment.anchor
    return _round(base, sequence.repeat, number=number, start=start, facts=facts)


def next_round(
    *, enrollment: Enrollment, sequence: "Sequence", facts: Facts, now: datetime
) -> tuple[int, datetime] | None:
    """The next time round that is not long past: its number and its anchor. None: no more."""
    repeat = sequence.repeat
    if repeat is None:
        return None
    number = memory.cycle(enrollment)
    while True:
        number += 1
        anchor = main_anchor(number, enrollment=enrollment, sequence=sequence, facts=facts)
        if anchor is None or (repeat.times is not None and number >= repeat.times):
            return None
        if repeat.until is not None and _date_of(anchor, facts) > repeat.until:
            return None
        if anchor.year >= _LAST_YEAR:
            return None
        if anchor + sequence.limits.slide >= now:
            return number, anchor


def _known(name: str, *, enrollment: Enrollment, facts: Facts) -> Anchor | None:
    if name == ENROLLED:
        return enrollment.anchor
    group, _, rest = name.partition(".")
    inner = facts.attributes.get(group)
    if group == "appointment" and isinstance(inner, Mapping) and inner.get("state") in _GONE:
        return None
    return read(fact(facts, name) if rest else inner)


def fact(facts: Facts, name: str) -> Any:
    """What is known under a dotted name; None if nothing is."""
    found: Any = facts.attributes
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if found is None and name in ("source", "audience", "asked"):
        found = getattr(facts, name)
    return found


def read(value: Any) -> Anchor | None:
    """A date or a moment as attributes write them; None for anything else."""
    if not isinstance(value, str):
        return None
    yearless = _YEARLESS.match(value.strip())
    text = f"{_LEAP_YEAR}-{yearless[1]}-{yearless[2]}" if yearless else value.strip()
    try:
        is_date = len(text) == len("2026-12-31")
        found: Anchor = date.fromisoformat(text) if is_date else datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def _moment(anchor: Anchor | None, facts: Facts) -> datetime | None:
    if anchor is None:
        return None
    if not isinstance(anchor, datetime):
        return _begins(anchor, facts)
    if anchor.tzinfo is not None:
        return anchor.astimezone(UTC)
    return max(anchor.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for zone in zones(facts.where))


def _begins(day: date, facts: Facts) -> datetime:
    return max(starts_of_day(zone, day) for zone in zones(facts.where)).astimezone(UTC)


def _date_of(moment: datetime, facts: Facts) -> date:
    return min(local_date(zone, moment) for zone in zones(facts.where))


def _round(
    base: Anchor, repeat: Repeat, *, number: int, start: datetime, facts: Facts
) -> datetime | None:
    """The anchor of a time round: the first that is not before the day of enrolling, and on."""
    if isinstance(base, datetime):
        moment = _moment(base, facts)
        if moment is None:  # pragma: no cover - a moment is one
            return None
        return max(
            _of_zone(zone, moment, repeat, number=number, start=start)
            for zone in zones(facts.where)
        )
    first = _first(base, repeat, not_before=_date_of(start, facts))
    return _begins(_nth(base, repeat, first + number), facts)


def _of_zone(
    zone: str, moment: datetime, repeat: Repeat, *, number: int, start: datetime
) -> datetime:
    local = moment.astimezone(ZoneInfo(zone))
    first = _first(local.date(), repeat, not_before=local_date(zone, start))
    day = _nth(local.date(), repeat, first + number)
    if day == local.date():
        return moment
    at = time() if repeat.on is not None else local.time()
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def _first(base: date, repeat: Repeat, *, not_before: date) -> int:
    """The number of the first time round whose date is not before `base` or that day."""
    goal = max(base, not_before)
    longest = repeat.days() or 31 * repeat.months()
    number = (goal - base).days // longest
    while _nth(base, repeat, number) < goal:
        number += 1
    return number


def _nth(base: date, repeat: Repeat, number: int) -> date:
    if repeat.days():
        return base + timedelta(days=repeat.days() * number)
    return months_later(base, repeat.months() * number, day=repeat.on)
