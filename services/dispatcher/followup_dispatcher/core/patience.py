"""When to try again what a provider would not take."""

from datetime import datetime, timedelta
from uuid import UUID

FIRST = timedelta(seconds=30)
LONGEST = timedelta(hours=1)


def retry_at(now: datetime, *, attempt: int, after: timedelta | None, jitter: float) -> datetime:
    """The moment of the next try after `attempt` (1 for the first).

    The vendor's own word (`after`) is a floor; else it doubles from half a minute to
    an hour. `jitter` in [0, 1) spreads it by up to a quarter, so that what failed
    together does not come back together.
    """
    pause: timedelta = min(LONGEST, FIRST * (1 << min(attempt - 1, 12)))
    if after is not None:
        pause = max(pause, after)
    return now + pause * (1 + jitter / 4)


SPREAD = timedelta(seconds=5)


def spread(touch_id: UUID) -> timedelta:
    """A part of `SPREAD` that is a touch's own: what waited together comes back one by one."""
    return SPREAD * (touch_id.int % 1024 / 1024)
