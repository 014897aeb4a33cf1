"""Businesses are contacted on weekdays (R11), whatever the plan was."""

from datetime import datetime
from typing import Literal

from followup_policy.spans import DAY
from followup_policy.verdicts import ALLOWED, Verdict, refuse
from followup_policy.wallclock import local_date, starts_of_day
from followup_policy.zones import Whereabouts

Audience = Literal["b2b", "b2c"]

_SATURDAY, _WEEK = 5, 7


def weekdays(audience: Audience, *, where: Whereabouts, now: datetime) -> Verdict:
    """Whether the day suits the audience: for b2b a weekday in every candidate zone.

    `opens_at` is the first moment that is one everywhere. Without zones nobody knows which
    day it is, and the rule is silent: it is a courtesy, no law.
    """
    if audience == "b2c" or not _weekends(where, now):
        return ALLOWED
    at = now
    while late := _weekends(where, at):  # two clocks a day apart take one more turn
        at = max(late)
    return refuse(rule="R11", reason="Businesses are contacted on weekdays.", opens_at=at)


def _weekends(where: Whereabouts, at: datetime) -> list[datetime]:
    """For each candidate zone that has a weekend at `at`, when its Monday begins."""
    found = []
    for zone in where.zones:
        day = local_date(zone, at)
        if day.weekday() >= _SATURDAY:
            found.append(starts_of_day(zone, day + (_WEEK - day.weekday()) * DAY))
    return found
