"""How many calls may be in flight: in all, by lane and by account.

One account holds at most a quarter of a dispatcher's calls, so that one that hangs
leaves the others their speed; lane `later` leaves an eighth to lane `now`.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal
from uuid import UUID

from followup_contracts.payload import Lane
from followup_dispatcher.core.strain import Strain
from followup_dispatcher.core.turns import Turns


class Promise:
    """Places kept for a batch while it is decided on: how many, and of which accounts.

    The account of a call may not be known yet. What is taken for good is promised no longer.
    """

    __slots__ = ("accounts", "calls")

    def __init__(self, accounts: Sequence[UUID | None]) -> None:
        self.calls = len(accounts)
        self.accounts = Counter(id_ for id_ in accounts if id_ is not None)

    def keep(self, account_id: UUID) -> None:
        """One of them was taken, by this account."""
        self.calls = max(0, self.calls - 1)
        if self.accounts[account_id] > 0:
            self.accounts[account_id] -= 1

    def mark(self) -> tuple[int, Counter[UUID]]:
        """What is kept now, for `go_back`."""
        return self.calls, self.accounts.copy()

    def go_back(self, mark: tuple[int, Counter[UUID]]) -> None:
        """Keep what was kept then: what was taken since has been given back."""
        self.calls, accounts = mark
        self.accounts = accounts.copy()


class Capacity:
    """Counts of calls begun or claimed and not yet answered, of this process."""

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.per_account = max(1, limit // 4)
        self._clock = clock
        places = limit - limit // 8
        self._strain = Strain(most=places, places=places)
        # When the calls under way were claimed, the oldest first. Which of them an
        # answer belongs to does not matter: their mean is the same.
        self._since: dict[UUID, deque[float]] = {}
        self._turns: dict[UUID, Turns] = {}
        self._taken = 0
        self._promises: list[Promise] = []
        self._changed = asyncio.Event()

    @property
    def taken(self) -> int:
        """Calls in flight or claimed."""
        return self._taken

    def free(self, lane: Lane) -> int:
        """How many more calls of this lane may be claimed now."""
        places = self._strain.places if lane == "later" else self.limit
        return max(0, places - self._taken - sum(each.calls for each in self._promises))

    @contextmanager
    def promise(self, accounts: Sequence[UUID | None]) -> Iterator[Promise]:
        """Keep a place for each of these while it is found out which of them are needed.

        None: nobody knows of which account. Whoever takes one tells the promise.
        """
        promise = Promise(accounts)
        self._promises.append(promise)
        try:
            yield promise
        finally:
            self._promises.remove(promise)
            self._tell()

    def free_for(self, account_id: UUID) -> int:
        """How many more calls this account may hold."""
        return max(0, self.per_account - len(self._since.get(account_id, ())))

    def unpromised_for(self, account_id: UUID) -> int:
        """The same, less what is kept for batches that are being decided on."""
        kept = sum(each.accounts[account_id] for each in self._promises)
        return max(0, self.free_for(account_id) - kept)

    def oldest(self, account_id: UUID) -> float:
        """Seconds for which the oldest call of an account has been under way."""
        since = self._since.get(account_id)
        return self._clock() - since[0] if since else 0.0

    def began(self, *, in_time: bool) -> None:
        """A claim came to its call: while its lease held, or too late for it.

        Where leases run out there is too much at once, and lane `later` makes room.
        """
        strain = self._strain
        self._strain = strain.kept() if in_time else strain.missed(self._clock())

    def turn_of(self, account_id: UUID) -> float:
        """Seconds until a call of a busy account may begin; whoever asks has the next turn."""
        turns, seconds = self._turns.get(account_id, Turns()).taken(
            self._clock(), places=self.per_account, oldest=self.oldest(account_id)
        )
        self._turns[account_id] = turns
        return seconds

    def take(self, account_id: UUID) -> None:
        """Count a call that is about to be claimed."""
        self._taken += 1
        self._since.setdefault(account_id, deque()).append(self._clock())

    def give_back(self, account_id: UUID) -> None:
        """Uncount a claim that has its answer, or was released."""
        self._taken -= 1
        since = self._since[account_id]
        lasted = self._clock() - since.popleft()
        self._turns[account_id] = self._turns.get(account_id, Turns()).answered(lasted)
        if not since:
            del self._since[account_id]
        self._tell()

    def drop(self, account_id: UUID) -> None:
        """Uncount a call that was not claimed after all: how long it took says nothing."""
        self._taken -= 1
        since = self._since[account_id]
        since.pop()
        if not since:
            del self._since[account_id]
        self._tell()

    def changed(self) -> Coroutine[Any, Any, Literal[True]]:
        """Wait until a place is given back, from this call on: not from the first `await`."""
        return self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
