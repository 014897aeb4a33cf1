"""When a call of an account that has its hands full can be expected to begin.

Touches that are sent away get moments one after the other, as fast as the account has
lately worked: each comes back once, about when it can go, and not again and again.
"""

from dataclasses import dataclass, replace

GUESS = 0.2
"""Seconds a call is taken to last before any has been answered."""
SOONEST, FURTHEST = 2.0, 30.0
"""Seconds between which a touch is sent away; whoever would wait longer comes to ask."""
_SMOOTHING = 8


@dataclass(frozen=True, slots=True)
class Turns:
    """`lasts`: seconds a call holds its place, smoothed. `next_at`: the next free moment."""

    lasts: float = GUESS
    next_at: float = 0.0

    def answered(self, seconds: float) -> "Turns":
        """A call held its place for so long."""
        return replace(self, lasts=self.lasts + (seconds - self.lasts) / _SMOOTHING)

    def taken(self, now: float, *, places: int, oldest: float) -> tuple["Turns", float]:
        """One more touch is sent away: for how many seconds.

        `oldest` is how long the oldest call under way has been: while nothing is
        answered it says more than what was answered before.
        """
        at = max(self.next_at, now + SOONEST)
        if at > now + FURTHEST:
            at = now + FURTHEST / 2
        spacing = max(self.lasts, oldest) / places
        return replace(self, next_at=at + spacing), at - now
