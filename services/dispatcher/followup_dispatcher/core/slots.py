"""Handing out slots: moments at which calls may begin, within every limit at once.

A pace is a generic cell rate algorithm: one number, the next free moment. A touch begins
when the last of its limits has a slot for it, and takes its units from all of them. One that
gets no slot takes nothing, and is told when it may expect one.

Where a day is spent, touches are told days, not seconds: each its own turn in the line
behind the budget, so that a backlog of months does not come by every midnight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from followup_dispatcher.core.limits import Budget, Limit, Pace

EARLY = timedelta(seconds=1)
"""Who is sent away comes back so long before its turn, and finds its slot still ahead."""

_SOONEST = timedelta(milliseconds=500)
_LATEST = timedelta(minutes=1)
"""Whose turn is further off comes to ask: of those before it some may have been halted."""
_OVERBOOKED = 2
"""Times what a day has are told that day: of those who wait, some will have been halted."""
_GAP = 2
"""A pace skips as many of its slots at most for a touch that another limit holds up."""


@dataclass(frozen=True, slots=True)
class Page:
    """How far a limit is used: its next free moment, and what it gave out on a day.

    `line` are the units that were told a later day and have not had it yet.
    """

    next_at: datetime
    day: date | None = None
    used: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """A touch that wants a slot of each limit, `cost` units of it, within `horizon` from now.

    The limits stand from the widest, shared by most, to the narrowest. `elsewhere`: another
    account could take it. `urgent`: where a day is spent it comes on the next, whoever waits.
    """

    limits: tuple[Limit, ...]
    cost: int
    horizon: timedelta
    elsewhere: bool = False
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """When its call may begin."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Full:
    """No slot: which limit has none, and when to ask again. `day`: not before another day."""

    key: str
    not_before: datetime
    reason: str
    day: bool = False


def allot(
    wishes: Sequence[Wish], pages: Mapping[str, Page], *, now: datetime
) -> tuple[list[Slot | Full], dict[str, Page]]:
    """A slot or a refusal for each wish in order, and the pages that have changed.

    Equal wishes never pass one another. Every key of a wish has a page.
    """
    book = _Book(dict(pages), now)
    answers = [book.answer(wish) for wish in wishes]
    return answers, {key: page for key, page in book.pages.items() if page != pages[key]}


def left_of(budget: Budget, page: Page | None, *, now: datetime) -> int:
    """How many units of today are not given out yet."""
    used = 0 if page is None or page.day != _today(budget, now) else page.used
    return max(0, budget.per_day - used)


class _Book:
    """The pages while a batch is answered, and how long the line behind each pace is."""

    def __init__(self, pages: dict[str, Page], now: datetime) -> None:
        self.pages = pages
        self._now = now
        self._lines: dict[str, datetime] = {}

    def answer(self, wish: Wish) -> Slot | Full:
        for limit in wish.limits:
            if isinstance(limit, Budget) and (full := self._spent(limit, wish)):
                return full
        paces = [limit for limit in wish.limits if isinstance(limit, Pace)]
        free = {pace.key: self._free(pace) for pace in paces}
        start = max([self._now, *free.values()])
        held = next((pace for pace in paces if self._passed(pace, wish, start)), None)
        if held is None:
            held = self._skipping(paces, free, start)
        if held is not None:
            return self._full(held, wish.cost)
        self._take(wish, start)
        return Slot(start)

    def _free(self, pace: Pace) -> datetime:
        """The first slot that can still be had: no earlier than the burst allows."""
        ahead = timedelta(seconds=(pace.burst - 1) / pace.per_second)
        return max(self.pages[pace.key].next_at, self._now - ahead)

    def _passed(self, pace: Pace, wish: Wish, start: datetime) -> bool:
        """Whether somebody waits for this pace already, or its slot is too far ahead."""
        own = self._free(pace)
        return pace.key in self._lines or (own == start and own > self._now + wish.horizon)

    def _skipping(
        self, paces: Sequence[Pace], free: Mapping[str, datetime], start: datetime
    ) -> Pace | None:
        """The pace that holds a touch up for so long that a wider one would lose its slots.

        What a narrow limit loses while a wider one is full, nobody could have used.
        """
        holder = max(paces, key=lambda each: free[each.key], default=None)
        if holder is None:
            return None
        for pace in paces[: paces.index(holder)]:
            most = timedelta(seconds=_GAP / pace.per_second)
            if start - max(free[pace.key], self._now) > most:
                return holder
        return None

    def _spent(self, budget: Budget, wish: Wish) -> Full | None:
        page = self._turned(budget)
        if page.used + wish.cost <= budget.per_day:
            return None
        reason = f"{budget.per_day} for {page.day} ({budget.zone}) are used up"
        if wish.elsewhere:
            return Full(budget.key, self._now + _SOONEST, reason)
        ahead = 1 if wish.urgent else _turn(budget, page.line)
        # No longer than can be told: of what is halted meanwhile nobody hears.
        line = min(page.line + wish.cost, _OVERBOOKED * sum(budget.coming))
        self.pages[budget.key] = replace(page, line=line)
        opens = _midnight_before(_today(budget, self._now) + timedelta(days=ahead), budget.zone)
        return Full(budget.key, opens, reason, day=True)

    def _turned(self, budget: Budget) -> Page:
        """The budget's page, turned to this day: who was told it, or one before it, is due."""
        page, today = self.pages[budget.key], _today(budget, self._now)
        if page.day == today:
            return page
        days = 0 if page.day is None else max(0, (today - page.day).days)
        due = _OVERBOOKED * budget.per_day * days
        return replace(page, day=today, used=0, line=max(0, page.line - due))

    def _take(self, wish: Wish, start: datetime) -> None:
        for limit in wish.limits:
            if isinstance(limit, Budget):
                page = self._turned(limit)
                self.pages[limit.key] = replace(page, used=page.used + wish.cost)
                continue
            page = self.pages[limit.key]
            # What a burst takes are slots of the past: the next one moves on from there.
            begins = start if start > self._now else self._free(limit)
            ends = begins + timedelta(seconds=wish.cost / limit.per_second)
            self.pages[limit.key] = replace(page, next_at=ends)

    def _full(self, pace: Pace, cost: int) -> Full:
        """The end of the line behind this pace, which is so much longer now."""
        turn = max(self._lines.get(pace.key, self._now), self._free(pace))
        self._lines[pace.key] = turn + timedelta(seconds=cost / pace.per_second)
        at = min(max(turn - EARLY, self._now + _SOONEST), self._now + _LATEST)
        return Full(pace.key, at, f"{pace.per_second:g} a second are taken until then")


def _today(budget: Budget, now: datetime) -> date:
    return now.astimezone(ZoneInfo(budget.zone)).date()


def _turn(budget: Budget, line: int) -> int:
    """In how many days it is the turn of whoever comes behind such a line."""
    for days, units in enumerate(budget.coming, start=1):
        line -= _OVERBOOKED * units
        if line < 0:
            return days
    return max(1, len(budget.coming))


def _midnight_before(day: date, zone: str) -> datetime:
    """A few seconds into a day of the zone's clock, in UTC."""
    return datetime.combine(day, time(0, 0, 5), ZoneInfo(zone)).astimezone(UTC)
