"""The scheduler's own settings."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """How much is outstanding at a time, and how long an answer is waited for.

    `window`: touches of one tenant and channel that are commanded, or deferred by a
    rate: as much as several dispatchers answer in half a second. More would only be told,
    where an account hangs, to come again later, at the price of everybody else's
    touches. `unanswered`: machine time after which a command is repeated; longer than
    commands live in their queues (30 s).
    """

    window: int = 512
    unanswered: timedelta = timedelta(seconds=60)
