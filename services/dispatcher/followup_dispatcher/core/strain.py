"""How much of lane `later` a process takes on while its leases do not hold.

A process that has more to do than it can begins no call in time: each claim is looked at
again and again, and nobody's text goes out, least of all the one that is urgent. So
whenever leases run out, what can wait makes room, and takes it back by and by.
"""

from dataclasses import dataclass, replace

LEAST = 4
"""Calls that lane `later` may always bring it to: without any there is nothing to learn from."""
AGAIN = 0.5
"""Seconds in which leases that run out are one and the same trouble."""
PROOFS = 4
"""Calls begun in time that are worth one place more."""


@dataclass(frozen=True, slots=True)
class Strain:
    """`places`: how many calls may be in flight before lane `later` has to wait."""

    most: int
    places: int
    proofs: int = 0
    since: float = float("-inf")

    def missed(self, now: float) -> "Strain":
        """A call could not begin while its first lease held: half as much from here on."""
        if now - self.since < AGAIN:
            return self
        places = max(min(LEAST, self.most), self.places // 2)
        return replace(self, places=places, proofs=0, since=now)

    def kept(self) -> "Strain":
        """A call began in its first lease."""
        if self.places >= self.most:
            return self
        if self.proofs + 1 < PROOFS:
            return replace(self, proofs=self.proofs + 1)
        return replace(self, places=self.places + 1, proofs=0)
