"""Pieces of work that failed, left alone for a while so that they keep nobody waiting."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

FIRST_REST, LONGEST_REST = 1.0, 600.0
"""Seconds that what failed is left alone, and what that doubles up to."""


@dataclass(frozen=True, slots=True)
class _Rest:
    """How long something is left alone, and until when (monotonic)."""

    seconds: float
    until: float


class Rests:
    """What has failed in this process: each time it is left alone for longer."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._rests: dict[UUID, _Rest] = {}

    def now(self) -> list[UUID]:
        """What is to be left alone at this moment."""
        now = self._monotonic()
        # What another replica has done meanwhile is not kept for good.
        self._rests = {
            id_: rest for id_, rest in self._rests.items() if now < rest.until + LONGEST_REST
        }
        return [id_ for id_, rest in self._rests.items() if now < rest.until]

    def lay_aside(self, id_: UUID) -> None:
        """It failed: leave it alone, for twice as long as the last time."""
        before = self._rests.get(id_)
        seconds = FIRST_REST if before is None else min(2 * before.seconds, LONGEST_REST)
        self._rests[id_] = _Rest(seconds, self._monotonic() + seconds)

    def done(self, id_: UUID) -> None:
        """It went well."""
        self._rests.pop(id_, None)
