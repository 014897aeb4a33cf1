"""The circuit breaker of a provider account: closed, open until a moment, on trial.

It counts failures of the account (no connection, no answer, its credentials refused,
too much at once), never of a touch. While it is open touches go to the next account of the
channel or are deferred; after it one call, and no other, is let through on trial.
"""

from dataclasses import dataclass, replace

LIMIT = 5
"""Failures in a row that open it."""
PAUSES = (5.0, 15.0, 30.0, 60.0)
"""Seconds it stays open: longer each time the trial fails."""
SHORTEST = 1.0
"""Seconds it stays open at least, whatever pause the vendor named."""
TRIAL = 2.0
"""Seconds after which it is worth asking again while a call is on trial."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """State of one account's breaker; times are the caller's monotonic seconds.

    `turn` counts how often it has opened. A call belongs to the turn in which it began,
    and what comes of a call from an earlier turn says nothing about this one.
    """

    failures: int = 0
    opened: int = 0
    until: float | None = None
    on_trial: bool = False
    turn: int = 0

    @property
    def proving(self) -> bool:
        """Whether the account has yet to show that it answers again: one call at a time."""
        return self.until is not None

    def allows(self, now: float) -> bool:
        """Whether a call may begin."""
        return self.until is None or (now >= self.until and not self.on_trial)

    def begun(self, now: float) -> "Breaker | None":
        """A call begins, or None: it may not. Past the pause it is the trial."""
        if not self.allows(now):
            return None
        return replace(self, on_trial=True) if self.proving else self

    def succeeded(self, *, turn: int) -> "Breaker":
        """The account answered a call of that turn as it should."""
        return self if turn != self.turn else Breaker(turn=turn)

    def passed(self, *, turn: int) -> "Breaker":
        """A call of that turn never reached the account: a trial is owed as before."""
        return self if turn != self.turn else replace(self, on_trial=False)

    def failed(
        self, now: float, *, turn: int, at_once: bool = False, pause: float | None = None
    ) -> "Breaker":
        """The account failed a call of that turn.

        `at_once` opens it whatever the count (credentials refused). `pause` is the
        vendor's own word for how long.
        """
        if turn != self.turn:
            return self
        failures = self.failures + 1
        if not (at_once or self.on_trial or failures >= LIMIT):
            return replace(self, failures=failures)
        own = PAUSES[min(self.opened, len(PAUSES) - 1)]
        wait = own if pause is None else max(SHORTEST, pause)
        return Breaker(failures, self.opened + 1, now + wait, turn=self.turn + 1)

    def reopens_in(self, now: float) -> float:
        """Seconds until it is worth asking again whether a call may begin."""
        if self.until is None:
            return 0.0
        return TRIAL if self.on_trial else max(0.0, self.until - now)
