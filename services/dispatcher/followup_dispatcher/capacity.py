"""How many calls may be in flight: in all, by lane and by account.

One account holds at most a quarter of a dispatcher's calls, so that one that hangs
leaves the others their speed; lane `later` leaves an eighth to lane `now`.
"""

import asyncio
from collections import Counter
from uuid import UUID

from followup_contracts.payload import Lane


class Capacity:
    """Counts of calls begun or claimed and not yet answered, of this process."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.per_account = max(1, limit // 4)
        self._by_account: Counter[UUID] = Counter()
        self._taken = 0
        self._changed = asyncio.Event()

    @property
    def taken(self) -> int:
        """Calls in flight or claimed."""
        return self._taken

    def free(self, lane: Lane) -> int:
        """How many more calls of this lane may be claimed now."""
        reserved = self.limit // 8 if lane == "later" else 0
        return max(0, self.limit - reserved - self._taken)

    def free_for(self, account_id: UUID) -> int:
        """How many more calls this account may hold."""
        return max(0, self.per_account - self._by_account[account_id])

    def take(self, account_id: UUID) -> None:
        """Count a claim."""
        self._taken += 1
        self._by_account[account_id] += 1

    def give_back(self, account_id: UUID) -> None:
        """Uncount a claim that has its answer, or was released."""
        self._taken -= 1
        self._by_account[account_id] -= 1
        if not self._by_account[account_id]:
            del self._by_account[account_id]
        self._changed.set()

    async def changed(self) -> None:
        """Wait until a call was given back."""
        self._changed.clear()
        await self._changed.wait()
