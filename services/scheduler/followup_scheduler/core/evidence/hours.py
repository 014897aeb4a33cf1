"""The hours at which a tenant's people answer (R12, M8)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time
from hashlib import sha256
from random import Random

from followup_contracts.payload import Channel
from followup_policy.windows import SendWindow, preferred
from followup_scheduler.core.evidence.tallies import Prior, Tally

Slot = tuple[int, int]
"""Weekday (Monday is 0) and hour, on the clock of whoever was contacted."""
ByHour = Mapping[Slot, Tally]

_WISHED = Prior(rate=0.3, weight=40.0)
"""An hour of R12: three in ten answer, which is what the guides hold a follow-up against (M1)."""
_OTHER = Prior(rate=0.1, weight=40.0)
"""Any other hour. Both are worth forty contacts, so that R12 holds until there is evidence."""
_HOURS = range(8, 21)
_DAYS = range(7)


@dataclass(frozen=True, slots=True)
class Hours:
    """Days and hours of the week as JSON keeps them, and the figures in a sentence."""

    days: tuple[int, ...]
    hours: tuple[int, ...]
    why: str

    def window(self) -> SendWindow:
        """The same as a preference."""
        return SendWindow(frozenset(self.days), tuple(_spans(self.hours)))


def best_hours(channel: Channel, tallies: ByHour, *, seed: str) -> Hours:
    """As many days and hours as R12 prefers, which ones by what was answered.

    Thompson sampling, as for texts (`variants.py`): for each hour and for each weekday a
    rate is drawn from what is known of it, with R12 for a prior, and the highest are taken.
    So hours that do well come more often, and others still get their chance. `seed` says
    who asks: the same one gets the same answer to the same figures.
    """
    usual = preferred(channel)
    chance = Random(sha256(f"{seed}/{channel}".encode()).digest())  # noqa: S311 - to be the same
    hours, told = _drawn(chance, _HOURS, _hours_of(usual), _summed(tallies, at=1))
    days, also = _drawn(chance, _DAYS, usual.days, _summed(tallies, at=0))
    why = "hours drawn by what was answered: " + ", ".join(
        f"{hour:02}:00 {tally.answered} of {tally.sent}" for hour, tally in told
    )
    if len(days) < len(_DAYS):
        names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
        each = (f"{names[day]} {tally.answered} of {tally.sent}" for day, tally in also)
        why += "; days: " + ", ".join(each)
    return Hours(days, hours, why)


def _drawn(
    chance: Random, among: Iterable[int], wished: frozenset[int], tallies: Mapping[int, Tally]
) -> tuple[tuple[int, ...], list[tuple[int, Tally]]]:
    """As many as are wished for, those of the highest rates drawn; and their figures."""
    rates = {
        each: _draw(chance, _WISHED if each in wished else _OTHER, tallies.get(each, Tally()))
        for each in among
    }
    best = sorted(sorted(rates, key=lambda each: rates[each], reverse=True)[: len(wished)])
    return tuple(best), [(each, tallies.get(each, Tally())) for each in best]


def _draw(chance: Random, prior: Prior, tally: Tally) -> float:
    answered = min(tally.answered, tally.sent)
    return chance.betavariate(
        prior.rate * prior.weight + answered,
        (1 - prior.rate) * prior.weight + tally.sent - answered,
    )


def _summed(tallies: ByHour, *, at: int) -> dict[int, Tally]:
    """By weekday or by hour alone."""
    found: dict[int, Tally] = {}
    for slot, tally in tallies.items():
        found[slot[at]] = found.get(slot[at], Tally()) + tally
    return found


def _hours_of(window: SendWindow) -> frozenset[int]:
    return frozenset(
        hour for opens, closes in window.spans for hour in range(opens.hour, closes.hour)
    )


def _spans(hours: Iterable[int]) -> Iterable[tuple[time, time]]:
    """Hours one after the other as one span."""
    begin: int | None = None
    last = -2
    for hour in sorted(hours):
        if begin is None:
            begin = hour
        elif hour > last + 1:
            yield time(begin), time(last + 1)
            begin = hour
        last = hour
    if begin is not None:
        yield time(begin), time(last + 1)
