"""When a request is tried again, and after how long. Pure.

What certainly was not carried out (no connection, 429, a key that is under way) is tried
again whatever it was; what may have been (a lost answer, 5xx) only if it is repeatable.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from followup_client.call import Answer, Call
from followup_client.errors import Conflict, FollowupError, Refused, TooMany, Unreachable
from followup_client.problems import problem

_NOT_BEGUN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_PASSING = frozenset(
    {
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long something is tried, in seconds.

    Pauses double from `pause` up to `longest`, each drawn between half and all of it, so
    that callers who failed together do not come back together. A `Retry-After` is kept to.
    """

    tries: int = 5
    pause: float = 0.25
    longest: float = 10.0
    within: float = 60.0
    chance: Callable[[], float] = field(default=random.random, repr=False)

    def before(self, tries: int) -> float:
        """The pause after so many tries."""
        whole = min(self.longest, self.pause * 2.0 ** min(tries - 1, 30))
        return whole * (0.5 + self.chance() / 2)


class Trying:
    """The tries of one call. Each method says how long to pause before the next one.

    `clock` is a monotonic one, in seconds.
    """

    def __init__(
        self, call: Call[object], patience: Patience, *, clock: Callable[[], float]
    ) -> None:
        self._call = call
        self._patience = patience
        self._clock = clock
        self._began = clock()
        self._tries = 0

    def lost(self, error: httpx.TransportError) -> float:
        """No answer came; raises `Unreachable` where it ends here."""
        begun = not isinstance(error, _NOT_BEGUN)
        failure = Unreachable(
            f"{self._call.method} {self._call.path}: {type(error).__name__}", begun=begun
        )
        return self._pause(failure, allowed=not begun or self._call.repeatable, asked=None)

    def answered(self, response: httpx.Response) -> Answer | float:
        """The answer, or a pause; raises the `Refused` it is where it ends here."""
        if response.is_success:
            return Answer(response.status_code, response.content)
        refused = problem(response)
        return self._pause(refused, allowed=self._may(refused), asked=refused.retry_after)

    def _may(self, refused: Refused) -> bool:
        if isinstance(refused, TooMany):
            return True
        if isinstance(refused, Conflict):
            return refused.pointer == "Idempotency-Key:"  # the first of two is under way
        return refused.status in _PASSING and self._call.repeatable

    def _pause(self, failure: FollowupError, *, allowed: bool, asked: float | None) -> float:
        self._tries += 1
        if not allowed or self._tries >= self._patience.tries:
            raise failure
        pause = max(self._patience.before(self._tries), asked or 0.0)
        if self._clock() - self._began + pause > self._patience.within:
            raise failure
        return pause
