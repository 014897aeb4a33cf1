"""How long a vendor may keep a message in its own queue."""

from datetime import date, datetime, timedelta
from functools import lru_cache

from followup_contracts.channels import TRAITS, Channel
from followup_contracts.commands import SendTouch
from followup_policy.house import NO_HOUSE, HouseRules
from followup_policy.quiet import open_intervals
from followup_policy.spans import Spans
from followup_policy.zones import Whereabouts

LONGEST = timedelta(hours=4)
SHORTEST = timedelta(seconds=1)
ON_THE_WAY = timedelta(seconds=10)
"""A vendor counts from when it has the message: a call takes 8 s at most."""


def valid_for(
    command: SendTouch, *, where: Whereabouts, now: datetime, house: HouseRules = NO_HOUSE
) -> timedelta | None:
    """The validity period of a text sent at `now`; None for channels that don't queue.

    It ends before quiet hours begin, the law's (47 CFR 64.1200(c)(1) binds the moment of
    delivery) or the house's, with the touch's own time, and after four hours at the latest.
    """
    if not TRAITS[command.channel].queued:
        return None
    ends = [now + LONGEST]
    if command.not_after is not None:
        ends.append(command.not_after)
    ends += [
        end for start, end in _open(command.channel, where, now.date(), house) if start <= now < end
    ]
    return max(SHORTEST, min(ends) - ON_THE_WAY - now)


@lru_cache(maxsize=4096)  # the touches of one day share their places
def _open(channel: Channel, where: Whereabouts, day: date, house: HouseRules) -> Spans:
    return open_intervals(channel, where, day, 2, house=house)
