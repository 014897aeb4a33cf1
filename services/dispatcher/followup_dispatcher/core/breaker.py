"""The circuit breaker of a provider account: closed, open until a moment, on trial.

It counts failures of the account (no connection, no answer, its credentials
refused), never of a touch. While it is open touches go to the next account of the
channel or are deferred; after it one call is let through on trial.
"""

from dataclasses import dataclass, replace

LIMIT = 5
"""Failures in a row that open it."""
PAUSES = (5.0, 15.0, 30.0, 60.0)
"""Seconds it stays open: longer each time the trial fails."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """State of one account's breaker; times are the caller's monotonic seconds."""

    failures: int = 0
    opened: int = 0
    until: float | None = None
    on_trial: bool = False

    def allows(self, now: float) -> bool:
        """Whether a call may begin."""
        return self.until is None or (now >= self.until and not self.on_trial)

    def begun(self, now: float) -> "Breaker":
        """A call begins; past the pause it is the trial."""
        if self.until is not None and now >= self.until:
            return replace(self, on_trial=True)
        return self

    def succeeded(self, now: float) -> "Breaker":
        """The account answered as it should.

        What was under way when it opened does not close it: the vendor's pause stands.
        """
        return self if self.reopens_in(now) > 0 else Breaker()

    def failed(self, now: float, *, at_once: bool = False, pause: float | None = None) -> "Breaker":
        """The account failed. `at_once` opens it whatever the count (credentials, 429).

        What was under way when it opened does not open it any wider.
        """
        if self.until is not None and now < self.until:
            return self
        failures = self.failures + 1
        if not (at_once or self.on_trial or failures >= LIMIT):
            return replace(self, failures=failures)
        wait = pause if pause is not None else PAUSES[min(self.opened, len(PAUSES) - 1)]
        return Breaker(failures, self.opened + 1, now + wait, on_trial=False)

    def reopens_in(self, now: float) -> float:
        """Seconds until a call may begin again."""
        return 0.0 if self.until is None else max(0.0, self.until - now)
