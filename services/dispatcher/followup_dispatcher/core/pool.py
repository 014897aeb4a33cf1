"""Which number of a pool a person is written to from: always the same, while it is there.

An answer comes to the number that wrote, and a person who hears from two numbers has two
conversations. So the number of the last contact stays; for a new person the pool is asked
by rendezvous hashing (Thaler and Ravishankar, 1998), which spreads persons evenly and moves
none of them when a number is added that they did not get.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from uuid import UUID

from followup_policy.caps import PastContact
from followup_policy.verdicts import Channel


def pick(
    pool: Sequence[str], *, person_id: UUID, channel: Channel, history: Iterable[PastContact]
) -> str | None:
    """The address of the pool that this person knows, else the one that is theirs; None: empty."""
    if len(pool) <= 1:
        return pool[0] if pool else None
    known = set(pool)
    past = [each for each in history if each.channel == channel and each.sender in known]
    if past:
        return max(past, key=lambda each: each.at).sender
    return max(pool, key=lambda address: (_weight(person_id, address), address))


def _weight(person_id: UUID, address: str) -> bytes:
    return blake2b(person_id.bytes + address.encode(), digest_size=8).digest()
