"""Messages that wait to be published: who goes before whom.

Lane `later` goes after everything else, and within each of the two tenants take turns: a
tenant that hands over a hundred thousand delays another's by one message, not by all.
"""

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """A queue of which every owner has the next turn after all others have had one."""

    def __init__(self) -> None:
        self._by_owner: dict[Hashable, deque[T]] = {}
        self._owners: deque[Hashable] = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, owner: Hashable, item: T) -> None:
        """Put it behind what its owner has in the queue already."""
        held = self._by_owner.get(owner)
        if held is None:
            held = self._by_owner[owner] = deque()
            self._owners.append(owner)
        held.append(item)
        self._count += 1

    def take(self, most: int) -> list[T]:
        """The next ones, each owner's in the order in which they were added."""
        taken: list[T] = []
        while self._owners and len(taken) < most:
            owner = self._owners.popleft()
            held = self._by_owner[owner]
            taken.append(held.popleft())
            if held:
                self._owners.append(owner)
            else:
                del self._by_owner[owner]
        self._count -= len(taken)
        return taken
