"""The scheduler's own settings."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """How much is outstanding at a time, and how long an answer is waited for.

    `window`: touches of one tenant and channel that are commanded, or deferred by a
    rate. `unanswered`: machine time after which a command is repeated; longer than
    commands live in their queues (30 s).
    """

    window: int = 2_000
    unanswered: timedelta = timedelta(seconds=60)
