"""Who is the same human: by shared contact points, never by name.

Pure. Two leads belong together when a chain of shared keys links them, through each
other or through persons known already.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from followup_people.records import Audience, Key, NewLead


@dataclass(frozen=True, slots=True)
class Cluster:
    """Leads of one human (indices into the batch, in its order) and who they are known as."""

    members: tuple[int, ...]
    keys: frozenset[Key]
    known: frozenset[UUID]


def clusters(leads: Sequence[NewLead], owners: Mapping[Key, UUID]) -> list[Cluster]:
    """The batch divided by human, in the order of each one's first lead.

    `owners` says whose the keys are that somebody has. The division is the same for
    every order of the batch.
    """
    forest = _Forest(len(leads))
    first: dict[Key | UUID, int] = {}
    for index, lead in enumerate(leads):
        for key in lead.match_keys():
            forest.union(index, first.setdefault(key, index))
            if key in owners:
                forest.union(index, first.setdefault(owners[key], index))
    grouped: dict[int, list[int]] = {}
    for index in range(len(leads)):
        grouped.setdefault(forest.root(index), []).append(index)
    return [_cluster(leads, owners, members) for members in grouped.values()]


def _cluster(
    leads: Sequence[NewLead], owners: Mapping[Key, UUID], members: Sequence[int]
) -> Cluster:
    keys = frozenset(key for index in members for key in leads[index].match_keys())
    known = frozenset(owners[key] for key in keys if key in owners)
    return Cluster(tuple(members), keys, known)


@dataclass(frozen=True, slots=True)
class Portrait:
    """What is known of a person, apart from contact points and consent."""

    audience: Audience
    first_name: str | None = None
    last_name: str | None = None
    language: str | None = None
    stated_zone: str | None = None
    country: str | None = None
    state: str | None = None
    postal_code: str | None = None
    city: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


_PLACE = ("country", "state", "postal_code", "city")
_SINGLE = ("language", "stated_zone")


def portrait(lead: NewLead) -> Portrait:
    """What a lead says of its person."""
    return Portrait(
        audience=lead.audience,
        first_name=lead.first_name,
        last_name=lead.last_name,
        language=lead.language,
        stated_zone=lead.stated_zone,
        country=lead.country,
        state=lead.state,
        postal_code=lead.postal_code,
        city=lead.city,
    )


def fill(known: Portrait, more: Portrait) -> Portrait:
    """What was known, with blanks filled from `more`; nothing known is overwritten.

    A name is filled only where it does not contradict, and so is a place: a postal
    code of one country beside another country is worse than none.
    """
    changes: dict[str, Any] = dict(_blanks(known, more, _SINGLE))
    for part in (("first_name", "last_name"), _PLACE):
        if not _contradict(known, more, part):
            changes |= dict(_blanks(known, more, part))
    attributes = {**more.attributes, **known.attributes}
    return replace(known, **changes, attributes=attributes)


def _blanks(known: Portrait, more: Portrait, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if not getattr(known, name) and getattr(more, name):
            yield name, getattr(more, name)


def _contradict(known: Portrait, more: Portrait, names: Sequence[str]) -> bool:
    pairs = ((getattr(known, name), getattr(more, name)) for name in names)
    return any(one and other and one.casefold() != other.casefold() for one, other in pairs)


class _Forest:
    """Disjoint sets of indices, with path halving."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def root(self, node: int) -> int:
        parents = self._parents
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    def union(self, one: int, other: int) -> None:
        if one != other:
            self._parents[self.root(other)] = self.root(one)
