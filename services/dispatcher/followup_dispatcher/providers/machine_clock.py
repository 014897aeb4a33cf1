"""The time of day by this machine: for letters, and to compare with vendors' records."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def machine_clock() -> datetime:
    """Now, in UTC; it never jumps with business time."""
    return datetime.now(UTC)
