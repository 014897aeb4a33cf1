"""Several sequences of one person: which goes first where both would contact them.

The one of higher priority; of equals the one that was entered first. Who goes second plans
around what the first has planned, as it does around what has gone out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from followup_policy.caps import PastContact

CROWDED = "another sequence goes first"
_NEAR = timedelta(days=3)
"""No rule between two contacts reaches further: two days between e-mails, and a day's edges."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A contact that another run has planned for the same person."""

    run: UUID
    priority: int
    contact: PastContact

    def goes_before(self, run: UUID, priority: int) -> bool:
        """Whether it has the right of way before a run of that priority."""
        return (-self.priority, self.run) < (-priority, run)


def ahead(rivals: Iterable[Rival], *, run: UUID, priority: int) -> tuple[PastContact, ...]:
    """What a run has to plan around."""
    return tuple(
        rival.contact for rival in rivals if rival.run != run and rival.goes_before(run, priority)
    )


def behind(rivals: Iterable[Rival], *, run: UUID, priority: int) -> tuple[Rival, ...]:
    """What has to plan around a run."""
    return tuple(
        rival for rival in rivals if rival.run != run and not rival.goes_before(run, priority)
    )


def crowded(rivals: Iterable[Rival], planned: Iterable[datetime]) -> frozenset[UUID]:
    """The runs that have something planned near these moments, so that it may have to move."""
    moments = list(planned)
    return frozenset(
        rival.run
        for rival in rivals
        if any(abs(rival.contact.at - moment) <= _NEAR for moment in moments)
    )
