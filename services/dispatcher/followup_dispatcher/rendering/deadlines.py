"""R10 at the last look: what hurries goes only while its date is still ahead.

A message may come late: put off by a cap, a pause or an outage, or because its date was
moved. Urgency that is over is pressure, and misleads (Directive 2005/29/EC, annex I no. 7;
15 U.S.C. 45). Lint asks that a date from data stands beside what hurries; here that date is
held against the clock.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from liquid import BoundTemplate

from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.errors import Overdue
from followup_dispatcher.rendering.renderer import FAULTS
from followup_policy.hurrying import beside, hurrying, sentences
from followup_policy.markup import seen
from followup_policy.quiet import SPAN
from followup_policy.wallclock import starts_of_day
from followup_policy.wording import (
    MailEnvironment,
    bounded,
    bounded_work,
    format_date,
    moment_of,
)
from followup_policy.zones import Whereabouts

_READ = ("text", "subject", "html", "voicemail")
_NOWHERE = frozenset({"UTC"})
_DAY = timedelta(days=1)
_YEARS = range(1900, 2200)
"""What lies outside is no date that anything ends on."""

# What the filter `date` writes, with the moment it stands for; none of these is ever typed.
_OPENS, _SAYS, _CLOSES = "\ue020", "\ue021", "\ue022"
_MARK = re.compile(f"{_OPENS}([^{_OPENS}{_SAYS}]*){_SAYS}")
_DATED = re.compile(f"{_OPENS}[^{_CLOSES}]*{_CLOSES}")
_MARKS = re.compile(f"{_OPENS}[^{_OPENS}{_SAYS}]*{_SAYS}|[{_OPENS}-{_CLOSES}]")
_WRITTEN = re.compile(r"\b\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?")
"""A moment or a day that is put into a message as data has it."""


@dataclass(frozen=True, slots=True)
class Instant:
    """When, and to where, a message goes out."""

    now: datetime
    where: Whereabouts

    def precedes(self, moment: date | datetime) -> bool:
        """Whether a moment is still ahead, and a day not over, in whatever zone they may be in."""
        return self.now + SPAN < min(_end(moment, zone) for zone in self.where.zones or _NOWHERE)


def overdue(
    body: Mapping[str, Any], content: Content, variables: Mapping[str, Any], at: Instant
) -> Overdue | None:
    """What of a message hurries to dates that have all passed; None: nothing does.

    `body` is the template that `content` was made of with these `variables`. What hurries
    without any date is no matter of the clock.
    """
    for part in _READ:
        source, words = body.get(part), getattr(content, part)
        if isinstance(source, str) and words:
            phrase = _too_late(source, words, variables, at, markup=part == "html")
            if phrase is not None:
                return Overdue(phrase)
    return None


def _too_late(
    source: str, words: str, variables: Mapping[str, Any], at: Instant, *, markup: bool
) -> str | None:
    if "date" not in source and not _WRITTEN.search(words):
        return None
    hurry = next(hurrying(sentences(seen(words) if markup else words)), None)
    if hurry is None:
        return None
    try:
        with bounded_work():
            marked = _marking(source, markup=markup).render(variables)
    except FAULTS:
        return hurry[1]  # the marks were too much for it: not knowing means not sending
    said = sentences(seen(marked) if markup else marked)
    for number, phrase in hurrying([_MARKS.sub("", sentence) for sentence in said]):
        moments = list(_moments(said[number])) or list(_moments(beside(said, number)))
        if moments and not any(each is not None and at.precedes(each) for each in moments):
            return phrase
    return None


def _moments(marked: str) -> Iterator[date | datetime | None]:
    """The moments that stand in marked words, None for one that cannot be read."""
    yield from (_read(found) for found in _MARK.findall(marked))
    yield from (_read(found) for found in _WRITTEN.findall(_DATED.sub(" ", marked)))


def _read(written: str) -> date | datetime | None:
    try:
        moment = moment_of(written)
    except ValueError:
        return None
    return moment if moment.year in _YEARS else None


def _end(moment: date | datetime, zone: str) -> datetime:
    """When a moment has come, or a day is over, in a zone."""
    if not isinstance(moment, datetime):
        return starts_of_day(zone, moment + _DAY)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


class _MarkingEnvironment(MailEnvironment):
    """The Liquid of messages, whose dates say which moments they stand for."""

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.add_filter("date", bounded(_marked_date, None))


def _marked_date(value: object, form: object = "%Y-%m-%d", zone: object = None) -> str:
    said = format_date(value, form, zone)
    return f"{_OPENS}{moment_of(value).isoformat()}{_SAYS}{said}{_CLOSES}"


@lru_cache(maxsize=2)
def _environment(*, markup: bool) -> MailEnvironment:
    return _MarkingEnvironment(autoescape=markup)


@lru_cache(maxsize=500)
def _marking(source: str, *, markup: bool) -> BoundTemplate:
    return _environment(markup=markup).from_string(source)
