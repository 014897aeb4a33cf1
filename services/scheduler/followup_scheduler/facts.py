"""What is known when a decision is taken: people, consent, suppression, past contacts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from followup_contracts.channels import CHANNELS, TRAITS, AddressKind, Channel
from followup_database import Transaction, new_id, together
from followup_directory.rules import ruled_tenants
from followup_people import ContactPoint, LeadView, PersonView, same_person, views
from followup_people.records import PointKind
from followup_policy.caps import SILENCED, silenced
from followup_policy.consent import consent
from followup_policy.house import NO_HOUSE, HouseRules
from followup_policy.zones import Place, Whereabouts, whereabouts
from followup_scheduler.core.deal import with_worth
from followup_scheduler.core.evidence.channels import Best, best_channel
from followup_scheduler.core.evidence.tallies import Tally
from followup_scheduler.core.model import Enrollment, Facts
from followup_scheduler.core.ranking import ahead, behind
from followup_scheduler.store import touches
from followup_scheduler.store.evidence import ByChannel, by_channel
from followup_scheduler.store.touches import Around
from followup_suppression import AddressHasher, standings
from followup_suppression.standing import Look

_LOOK_BACK = timedelta(days=31)
"""The longest statutory cap counts 30 days."""
_NOBODY = Facts(
    where=Whereabouts(frozenset(), frozenset(), "nobody is known by that id"),
    source="",
    asked=False,
    audience="b2c",
    reachable=frozenset(),
    refused=dict.fromkeys(CHANNELS, "the person is not known any more"),
)

Address = tuple[UUID, str, Channel]
"""Tenant, address, channel."""
People = Mapping[UUID, tuple[PersonView, LeadView]]
"""Lead → its present person, and the lead itself."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a transaction has looked at of everybody it will decide on: see `FactFinder`."""

    people: People
    around: Mapping[UUID, Around]
    houses: Mapping[UUID, HouseRules]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an enrollment is about, the priority of its sequence, and what that asks of us."""

    enrollment_id: UUID
    tenant_id: UUID
    lead_id: UUID
    person_id: UUID
    priority: int = 50
    asks_best_channel: bool = False

    @classmethod
    def of(
        cls, enrollment: Enrollment, *, priority: int, asks_best_channel: bool = False
    ) -> "Subject":
        """The subject of an enrollment."""
        return cls(
            enrollment.id,
            enrollment.tenant_id,
            enrollment.lead_id,
            enrollment.person_id,
            priority,
            asks_best_channel,
        )


class FactFinder:
    """Gathers facts for a batch in a handful of statements."""

    def __init__(self, hasher: AddressHasher) -> None:
        self._hasher = hasher

    async def gather(
        self, tx: Transaction, subjects: Sequence[Subject], *, seen: Seen | None = None
    ) -> dict[UUID, Facts]:
        """Enrollment → facts, for every subject; `seen` is what was looked at already."""
        if not subjects:
            return {}
        if seen is None:
            pairs = [(subject.lead_id, subject.person_id) for subject in subjects]
            people: People = await views(tx, pairs)
            everybody = {id_ for subject in subjects for id_ in _ids(subject, people)}
            stopped, around, houses = await together(
                tx,
                lambda t: self._stopped(t, subjects, people),
                lambda t: around_of(t, everybody),
                lambda t: houses_of(t, {subject.tenant_id for subject in subjects}),
            )
        else:
            people, around, houses = seen.people, seen.around, seen.houses
            stopped = await self._stopped(tx, subjects, people)
        best = await self._best(tx, {s.person_id for s in subjects if s.asks_best_channel})
        return {
            subject.enrollment_id: _facts(
                people.get(subject.lead_id),
                stopped,
                subject,
                _past(_ids(subject, people), around),
                best.get(subject.person_id),
                houses.get(subject.tenant_id, NO_HOUSE),
            )
            for subject in subjects
        }

    async def _best(self, tx: Transaction, persons: Iterable[UUID]) -> dict[UUID, Best]:
        """Person → the channel they answer best, of those who have answered."""
        names = await ids_of(tx, persons) if persons else {}
        counted = await by_channel(tx, {i for ids in names.values() for i in ids}) if names else {}
        found = {
            person: best_channel(_together([counted[i] for i in ids if i in counted]))
            for person, ids in names.items()
        }
        return {person: best for person, best in found.items() if best is not None}

    async def _stopped(
        self,
        tx: Transaction,
        subjects: Iterable[Subject],
        known: People,
    ) -> frozenset[Address]:
        """Addresses and channels that the suppression list forbids."""
        asked: dict[UUID, Address] = {}
        looks: list[Look] = []
        hashes: dict[tuple[PointKind, str], bytes] = {}
        for subject in subjects:
            if subject.lead_id not in known:
                continue
            for channel, point in _points(known[subject.lead_id][0]):
                look_id = new_id()
                asked[look_id] = (subject.tenant_id, point.address, channel)
                name = (point.kind, point.address)
                hashed = hashes[name] = hashes.get(name) or self._hasher.hash(*name)
                looks.append(
                    (
                        look_id,
                        subject.tenant_id,
                        channel,
                        hashed,
                        subject.person_id,
                        subject.enrollment_id,
                    )
                )
        found = await standings(tx, looks)
        return frozenset(asked[id_] for id_, standing in found.items() if standing.suppressed)


async def around_of(tx: Transaction, ids: Iterable[UUID]) -> Mapping[UUID, Around]:
    """What reached these persons lately, and what is planned for them, by the id it is under."""
    return await touches.around(tx, ids, since=tx.now - _LOOK_BACK)


async def houses_of(tx: Transaction, tenants: Iterable[UUID]) -> dict[UUID, HouseRules]:
    """Tenant → what it adds to the law. Without emergencies: a plan is for when they are over."""
    ruled = await ruled_tenants(tx, list(tenants))
    return {id_: replace(house, stops=frozenset()) for id_, (_, house) in ruled.items()}


async def ids_of(tx: Transaction, persons: Iterable[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Person → every id the person is or was known by, the one asked for included."""
    asked = list(persons)
    known = await same_person(tx, asked)
    return {person: known.get(person, frozenset()) | {person} for person in asked}


def _ids(subject: Subject, known: People) -> frozenset[UUID]:
    """Every id that a subject's person is or was known by."""
    person, _ = known.get(subject.lead_id, (None, None))
    present = () if person is None else (person.id, *person.former)
    return frozenset((subject.person_id, *present))


def _past(ids: Iterable[UUID], around: Mapping[UUID, Around]) -> Around:
    """What is around one human, under whatever id."""
    found = [around[id_] for id_ in ids if id_ in around]
    return Around(
        [contact for each in found for contact in each.contacts],
        [rival for each in found for rival in each.rivals],
    )


def place_of(person: PersonView) -> Place:
    """What is known of where a person is, for the rules about hours."""
    phone = person.phones[0].address if person.phones else None
    return Place(phone=phone, **dict(person.place))


def _together(several: Sequence[ByChannel]) -> ByChannel:
    """What was counted of one human under several ids."""
    found: ByChannel = {}
    for tallies in several:
        for channel, tally in tallies.items():
            found[channel] = found.get(channel, Tally()) + tally
    return found


def _points(person: PersonView) -> list[tuple[Channel, ContactPoint]]:
    return [(channel, point) for channel in CHANNELS for point in person.reached_by(channel)]


_ADDRESSES: Mapping[AddressKind, str] = {
    "phone": "phone number",
    "email": "e-mail address",
    "instagram": "Instagram address",
}


def _facts(
    known: tuple[PersonView, LeadView] | None,
    stopped: frozenset[Address],
    subject: Subject,
    around: Around,
    best: Best | None,
    house: HouseRules,
) -> Facts:
    if known is None:
        return _NOBODY
    person, lead = known
    where = whereabouts(place_of(person))
    refused = {
        channel: refusal
        for channel in CHANNELS
        if (refusal := _refusal(channel, person, lead, where, stopped, house)) is not None
    }
    run, priority = subject.enrollment_id, subject.priority
    return Facts(
        where=where,
        source=lead.source,
        asked=lead.asked,
        audience=person.audience,
        reachable=frozenset(CHANNELS) - refused.keys(),
        refused=refused,
        contacts=(*around.contacts, *ahead(around.rivals, run=run, priority=priority)),
        attributes=_attributes(person, lead),
        rivals=behind(around.rivals, run=run, priority=priority),
        best_channel=None if best is None else best.channel,
        best_because=None if best is None else best.why,
        house=house,
        said_no=person.refused,
    )


def _refusal(
    channel: Channel,
    person: PersonView,
    lead: LeadView,
    where: Whereabouts,
    stopped: frozenset[Address],
    house: HouseRules,
) -> str | None:
    """Why nobody may write or call on this channel, or None."""
    points = [point for c, point in _points(person) if c == channel]
    if not points:
        return f"no usable {_ADDRESSES[TRAITS[channel].address]}"
    if all((person.tenant_id, point.address, channel) in stopped for point in points):
        return "suppressed"
    if silenced(channel, where=where, house=house):
        return f"house:none: {SILENCED}"
    verdict = consent(
        channel,
        state=person.consent.get(channel, "unknown"),
        asked=lead.asked,
        where=where,
    )
    return None if verdict.allowed else f"{verdict.rule}: {verdict.reason}"


def _attributes(person: PersonView, lead: LeadView) -> dict[str, Any]:
    known = {**person.attributes, **lead.attributes}
    return with_worth(known, value=lead.value, currency=lead.currency)
