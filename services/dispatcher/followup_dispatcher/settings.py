"""The dispatcher's own settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DispatcherSettings:
    """How much a process does at a time, and when a claim counts as left behind.

    `calls`: calls in flight of one process; one account holds a quarter of them at
    most. `stale_after`: seconds after which a claim without an answer belongs to a
    process that is gone: 10 for the furthest slot, 8 for the call, and room to commit
    its answer. Less than that declares calls unknown that are under way.
    """

    calls: int = 256
    stale_after: float = 30.0
