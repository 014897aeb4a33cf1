"""R10 at the last look: what hurries goes only while its date is still ahead.

A message may come late: put off by a cap, a pause or an outage, or because its date was
moved. Urgency that is over is pressure, and misleads (Directive 2005/29/EC, annex I no. 7;
15 U.S.C. 45). Lint asks that a date from data stands beside what hurries; here that date is
held against the clock. Where that cannot be told, the message goes: lint has looked at it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.errors import Overdue
from followup_dispatcher.rendering.marking import WRITTEN, moments_in, own_words, unmarked
from followup_dispatcher.rendering.renderer import FAULTS
from followup_policy.hurrying import beside, hurrying, sentences
from followup_policy.markup import seen
from followup_policy.quiet import SPAN
from followup_policy.wallclock import starts_of_day
from followup_policy.wording import bounded_work
from followup_policy.zones import Whereabouts

_READ = ("text", "subject", "html", "voicemail")
_NOWHERE = frozenset({"UTC"})
_DAY = timedelta(days=1)

_LONGEST, _MOST = 2_000, 20_000
"""Characters of a sentence, and of a part, in which hurrying words are looked for: nobody
reads on so long, and many touches wait for the one that is looked at."""


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
    """Whether a message hurries to dates that have all passed; None: it does not.

    `body` is the template that `content` was made of with these `variables`. Its own words
    hurry, never those of a value; only values are dates. What hurries without any date is
    no matter of the clock.
    """
    for part in _READ:
        source, words = body.get(part), getattr(content, part)
        if not isinstance(source, str) or not words:
            continue
        if "date" not in source and not WRITTEN.search(words):
            continue
        if _too_late(source, variables, at, markup=part == "html"):
            return Overdue()
    return None


def _too_late(source: str, variables: Mapping[str, Any], at: Instant, *, markup: bool) -> bool:
    try:
        with bounded_work():
            words = own_words(source, dict(variables), markup=markup)
    except FAULTS:
        return False  # it was rendered before: its dates cannot be told, and it goes
    said = sentences(seen(words) if markup else words)
    hurried = dict.fromkeys(number for number, _ in hurrying(list(_looked_at(said))))
    return any(_passed(said, number, at) for number in hurried)


def _looked_at(said: Sequence[str]) -> Iterator[str]:
    """So much of each sentence as phrases are looked for in."""
    left = _MOST
    for sentence in said:
        if left <= 0:
            return
        piece = unmarked(sentence)[: min(_LONGEST, left)]
        left -= len(piece)
        yield piece


def _passed(said: Sequence[str], number: int, at: Instant) -> bool:
    """Whether the dates of a sentence, else those beside it, have surely passed."""
    moments = moments_in(said[number]) or moments_in(beside(said, number))
    return bool(moments) and not any(each is None or at.precedes(each) for each in moments)


def _end(moment: date | datetime, zone: str) -> datetime:
    """When a moment has come, or a day is over, in a zone."""
    if not isinstance(moment, datetime):
        return starts_of_day(zone, moment + _DAY)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
