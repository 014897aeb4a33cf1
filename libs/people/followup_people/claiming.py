"""Claiming persons for a batch of leads: whose they are, with nobody else deciding so too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from followup_database import Transaction
from followup_people import store
from followup_people.errors import PersonContended
from followup_people.merging import Cluster, Portrait, clusters
from followup_people.records import Key, NewLead

_LOOKS = 8


@dataclass(frozen=True, slots=True)
class Claim:
    """A human of the batch: its leads (indices) and the id they stand under from now on.

    `portrait` is None for a new person. `absorbed` are known persons, locked, who turn
    out to be the same human. `owned`: those of its keys somebody had before.
    """

    members: tuple[int, ...]
    person_id: UUID
    portrait: Portrait | None
    absorbed: Mapping[UUID, Portrait]
    owned: frozenset[Key] = frozenset()


async def claim(tx: Transaction, leads: Sequence[NewLead]) -> list[Claim]:
    """Claims for all leads; their contact points are written, known persons are locked.

    Each look: read whose the keys are, insert those nobody has, lock the persons. If
    somebody else inserted one first, or merged or erased a person meanwhile, what was
    read is stale and is read again; each time the other's change is committed.
    """
    candidates = {lead.person_id for lead in leads}
    for _ in range(_LOOKS):
        owners = await store.owners(tx, {key for lead in leads for key in lead.match_keys()})
        found = clusters(leads, owners)
        chosen = [_candidate(cluster, leads, candidates) for cluster in found]
        missing = _missing(found, chosen, owners)
        if await store.insert_points(tx, leads, missing) < len(missing):
            continue
        known = {person for cluster in found for person in cluster.known} - candidates
        locked = await store.lock_persons(tx, known | (candidates & set(owners.values())))
        if stale := _stale(found, leads, known, locked):
            await store.move_points(tx, stale)
            continue
        claims = [
            replace(_claim(c, cand, locked), owned=frozenset(c.keys & owners.keys()))
            for c, cand in zip(found, chosen, strict=True)
        ]
        await store.move_points(tx, _strays(found, claims, locked))
        return claims
    raise PersonContended(f"the persons of {len(leads)} leads changed at every of {_LOOKS} looks")


def _stale(
    found: Sequence[Cluster],
    leads: Sequence[NewLead],
    known: set[UUID],
    locked: Mapping[UUID, store.LockedPerson],
) -> dict[UUID, UUID]:
    """Persons merged or erased since they were read, and who takes points left with them.

    Whoever changed them took all points that were committed; what is left are those
    this transaction has inserted.
    """
    moved = {p.id: p.merged_into for p in locked.values() if p.merged_into is not None}
    gone = {
        person: leads[cluster.members[0]].person_id
        for cluster in found
        for person in cluster.known
        if person in known and person not in locked
    }
    return moved | gone


def _candidate(cluster: Cluster, leads: Sequence[NewLead], candidates: set[UUID]) -> UUID:
    """Under whom missing points are inserted; the lock decides whether they stay there."""
    known = cluster.known - candidates
    return min(known) if known else leads[cluster.members[0]].person_id


def _missing(
    found: Sequence[Cluster], chosen: Sequence[UUID], owners: Mapping[Key, UUID]
) -> dict[Key, UUID]:
    return {
        key: person
        for cluster, person in zip(found, chosen, strict=True)
        for key in cluster.keys
        if key not in owners
    }


def _claim(cluster: Cluster, candidate: UUID, locked: Mapping[UUID, store.LockedPerson]) -> Claim:
    known = sorted(
        (locked[person] for person in cluster.known if person in locked),
        key=lambda person: (person.created_at, person.id),
    )
    if not known:
        return Claim(cluster.members, candidate, None, {})
    oldest, *others = known
    absorbed = {person.id: person.portrait for person in others}
    return Claim(cluster.members, oldest.id, oldest.portrait, absorbed)


def _strays(
    found: Sequence[Cluster],
    claims: Sequence[Claim],
    locked: Mapping[UUID, store.LockedPerson],
) -> dict[UUID, UUID]:
    """Points we inserted, at an earlier look or this one, under an id that gave way."""
    strays = {}
    for cluster, made in zip(found, claims, strict=True):
        for person in cluster.known:
            if person != made.person_id and person not in locked:
                strays[person] = made.person_id
    return strays
