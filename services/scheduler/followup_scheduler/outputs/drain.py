"""How long a crowd of touches takes to go out at the rates of its channels."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from followup_contracts.channels import Channel

_RATE = re.compile(r"^(?P<channel>[a-z]+)=(?P<count>[0-9]{1,6}(?:\.[0-9]{1,3})?)/(?P<unit>[smhd])$")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Drain:
    """One channel's queue: how much, how far behind at worst, and when it was empty."""

    channel: Channel
    touches: int
    units: int
    busy: timedelta
    latest: timedelta
    emptied_at: datetime


def rate(text: str) -> tuple[Channel, float]:
    """Channel and units a second of `sms=10/s`; ValueError says how to write one."""
    found = _RATE.match(text)
    if found is None or found["channel"] not in get_args(Channel):
        raise ValueError(f"{text!r}: write CHANNEL=COUNT/UNIT, such as sms=10/s or email=600/m")
    count = float(found["count"]) / _SECONDS[found["unit"]]
    if not count:
        raise ValueError(f"{text!r}: nothing would ever go out")
    channel: Channel = found["channel"]  # type: ignore[assignment]  # one of them, as asked above
    return channel, count


def drain(
    touches: Iterable[tuple[Channel, datetime, int]], rates: Mapping[Channel, float]
) -> list[Drain]:
    """What becomes of (channel, due, units) at these rates, for the channels that have one.

    In the order in which they are due; a unit is a segment of a text, else a touch.
    """
    found = sorted(touches, key=lambda touch: touch[1])
    return [
        _one(channel, [(at, units) for c, at, units in found if c == channel], each)
        for channel, each in rates.items()
        if any(c == channel for c, _, _ in found)
    ]


def _one(channel: Channel, due: list[tuple[datetime, int]], each: float) -> Drain:
    free = due[0][0]
    busy = latest = timedelta(0)
    for at, units in due:
        takes = timedelta(seconds=units / each)
        begins = max(free, at)
        latest = max(latest, begins - at)
        free, busy = begins + takes, busy + takes
    return Drain(channel, len(due), sum(units for _, units in due), busy, latest, free)
