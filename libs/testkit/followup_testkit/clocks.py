"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""A Monday, 10:00 in New York."""


class MovableClock:
    """Business time for a `Database` or a pure function; aware UTC. Never goes back."""

    def __init__(self, start: datetime = START) -> None:
        self.now = start.astimezone(UTC)

    def __call__(self) -> datetime:
        """The moment it stands at."""
        return self.now

    def advance(self, by: timedelta) -> datetime:
        """Move on by a span; the new moment."""
        return self.jump(self.now + by)

    def jump(self, to: datetime) -> datetime:
        """Move to a moment that is not before the present one; the new moment."""
        if to < self.now:
            raise ValueError(f"the clock stands at {self.now}, {to} is before it")
        self.now = to.astimezone(UTC)
        return self.now
