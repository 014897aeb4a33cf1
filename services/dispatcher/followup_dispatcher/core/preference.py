"""Which account of a channel a touch goes by: one that its person knows, then by priority.

An answer comes to the number that wrote: a person who has heard from an account hears from
it again while it is there. One whose day is spent is passed over, but for its own people:
they would hear from a second number, so they wait for its next day.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

from followup_directory import Account
from followup_policy.caps import PastContact
from followup_policy.verdicts import Channel


def last_sender(channel: Channel, history: Iterable[PastContact]) -> str | None:
    """The address a person was last written to from on a channel; None: never."""
    past = [each for each in history if each.channel == channel and each.sender]
    return max(past, key=lambda each: each.at).sender if past else None


def in_order(
    accounts: Iterable[Account],
    *,
    known: AbstractSet[UUID],
    left: Mapping[UUID, int],
    cost: int = 1,
) -> list[Account]:
    """The accounts, the one to be asked first in front.

    `known` are those that have the person's sender, `left` the units of today that accounts
    with a budget still have, `cost` the units of the touch.
    """
    return sorted(
        accounts, key=lambda a: (a.id not in known, _spent(a, left, cost), a.priority, a.id)
    )


def has_another(
    chosen: Account,
    accounts: Sequence[Account],
    *,
    known: AbstractSet[UUID],
    left: Mapping[UUID, int],
    cost: int,
) -> bool:
    """Whether another account could take the touch, should this one's day end this moment.

    One whose day had ended before is chosen only where no other can be used.
    """
    return not _spent(chosen, left, cost) and any(
        not _spent(each, left, cost)
        for each in accounts
        if each.id != chosen.id and (each.id in known) >= (chosen.id in known)
    )


def _spent(account: Account, left: Mapping[UUID, int], cost: int) -> bool:
    return left.get(account.id, cost) < cost
