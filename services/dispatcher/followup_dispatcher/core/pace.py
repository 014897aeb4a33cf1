"""How many leases are taken or renewed together.

A lease counts from before its transaction, so one that takes longer than a lease has won
nothing. A batch that is too large for the database's speed of the moment would so be
renewed for ever, and nothing would go out: the batch shrinks until its leases hold.
"""

from dataclasses import dataclass, replace

from followup_dispatcher.core.lease import LEASE

MOST = 256
ROOM = LEASE / 2
"""Seconds that claiming or renewing may take: as long again is left for all its calls to begin.
What has no time left for that is looked at a second time, at the same price."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`size` is how many to take at once, so that it takes `ROOM` seconds at most.

    It lies between `least` and `MOST`.
    """

    size: int = MOST
    least: int = 1

    def after(self, count: int, seconds: float) -> "Pace":
        """The pace once `count` have taken so long: half of them, or a quarter more."""
        if seconds > ROOM:
            return replace(self, size=max(self.least, min(self.size, count) // 2))
        if count < self.size:
            return self
        return replace(self, size=min(MOST, self.size + max(1, self.size // 4)))
