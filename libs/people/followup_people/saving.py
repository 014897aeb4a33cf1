"""Saving leads in bulk: find who they are, then write, a statement a table.

What keeps two replicas from making two persons of one address is the uniqueness of
contact points: they are inserted first, in key order, and whoever comes second waits,
finds them, and looks again. Locks on addresses would do the same, but a large batch
would need more of them than a server has room for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from followup_database import Transaction
from followup_people import claiming, store
from followup_people.claiming import Claim
from followup_people.consent import ConsentStatement, keep_consent, latest, settle_consent
from followup_people.matches import note_matches
from followup_people.merging import Portrait, fill, portrait
from followup_people.records import NewLead, SavedLead

_CODE = 3
"""Letters of the longest code of a state (ISO 3166-2 of AU)."""


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A batch: what is to be saved, and for the rest (by index) the lead it repeats."""

    fresh: tuple[int, ...]
    repeats: Mapping[int, tuple[UUID, UUID | None]]


async def upsert_leads(tx: Transaction, drafts: Sequence[NewLead]) -> list[SavedLead]:
    """Save a batch of leads; the result has the order of the batch.

    A lead is somebody's who shares a phone or an e-mail with it, in the batch or
    before. Blanks of that person are filled, nothing is overwritten, and a lead is
    saved for each enquiry. One whose `lead_id`, or `external_id` within its tenant, is
    there already is not saved again. When a lead links two known persons the younger
    is merged into the older one: contact points, leads and consents move, the merged
    row keeps nothing but `merged_into`, and its id is told in `absorbed`. Holds and
    enrollments may still name it (`same_person`).

    All in the caller's transaction; safe against the same addresses being saved at
    once elsewhere. Raises `PersonContended` when others never let up.
    """
    if not drafts:
        return []
    batch = await _sort(tx, drafts)
    fresh = [drafts[index] for index in batch.fresh]
    claims = await claiming.claim(tx, fresh)
    await _write_persons(tx, fresh, claims)
    persons = {member: claim.person_id for claim in claims for member in claim.members}
    kept = await store.insert_leads(tx, [(fresh[i], persons[i]) for i in range(len(fresh))])
    # A lead that somebody else saved at this moment has had its say there.
    spoke = {i: persons[i] for i, d in enumerate(fresh) if kept[d.lead_id][0] == d.lead_id}
    await _write_consent(tx, fresh, claims, spoke)
    await note_matches(tx, fresh, claims, spoke)
    results = dict(zip(batch.fresh, _results(fresh, claims, kept), strict=True))
    return _in_order(drafts, batch, results)


async def _sort(tx: Transaction, drafts: Sequence[NewLead]) -> _Sorted:
    known = await store.known_leads(tx, drafts)
    fresh: list[int] = []
    repeats: dict[int, tuple[UUID, UUID | None]] = {}
    seen: dict[Any, UUID] = {}
    for index, draft in enumerate(drafts):
        names = _names(draft)
        there = next((known[name] for name in names if name in known), None)
        twin = next((seen[name] for name in names if name in seen), None)
        if there is not None:
            repeats[index] = there
        elif twin is not None:
            repeats[index] = (twin, None)
        else:
            fresh.append(index)
            seen |= dict.fromkeys(names, draft.lead_id)
    return _Sorted(tuple(fresh), repeats)


def _names(draft: NewLead) -> list[Any]:
    own: list[Any] = [draft.lead_id]
    return own if draft.external_id is None else [*own, (draft.tenant_id, draft.external_id)]


async def _write_persons(
    tx: Transaction, fresh: Sequence[NewLead], claims: Sequence[Claim]
) -> None:
    new: list[store.NewPerson] = []
    changed: dict[UUID, Portrait] = {}
    for claim in claims:
        said = [portrait(fresh[member]) for member in claim.members]
        before = claim.portrait
        if before is None:
            whole = _filled(said[0], said[1:])
            stated = _statements([fresh[m] for m in claim.members], claim.person_id)
            first = fresh[claim.members[0]]
            new.append(
                store.NewPerson(
                    claim.person_id, first.tenant_id, whole, latest(stated), first.received_at
                )
            )
        elif (whole := _filled(before, [*claim.absorbed.values(), *said])) != before:
            changed[claim.person_id] = whole
    await store.insert_persons(tx, new)
    await store.update_portraits(tx, changed)
    await store.merge_persons(
        tx, {loser: claim.person_id for claim in claims for loser in claim.absorbed}
    )


def _filled(known: Portrait, more: Sequence[Portrait]) -> Portrait:
    for each in more:
        known = fill(known, each)
    return known


async def _write_consent(
    tx: Transaction,
    fresh: Sequence[NewLead],
    claims: Sequence[Claim],
    persons: Mapping[int, UUID],
) -> None:
    statements = [
        statement
        for index, person_id in persons.items()
        for statement in _statements([fresh[index]], person_id)
    ]
    await keep_consent(tx, statements)
    # A new person's consent was written with them; the others are locked by the claim.
    spoken = {statement.person_id for statement in statements}
    unsettled = [
        claim.person_id
        for claim in claims
        if claim.absorbed or (claim.portrait is not None and claim.person_id in spoken)
    ]
    if unsettled:
        await settle_consent(tx, unsettled)


def _statements(drafts: Sequence[NewLead], person_id: UUID) -> list[ConsentStatement]:
    return [
        ConsentStatement(
            tenant_id=draft.tenant_id,
            person_id=person_id,
            lead_id=draft.lead_id,
            channel="any",
            state=draft.consent,
            seller=draft.seller,
            addresses=tuple(each for each in (draft.phone_e164, draft.email) if each),
            jurisdiction=_jurisdiction(draft),
            at=draft.received_at,
            wording=draft.consent_wording,
            method=draft.consent_method,
            source=draft.source,
            page=draft.page,
            ip=draft.ip,
            user_agent=draft.user_agent,
        )
        for draft in drafts
        if draft.consent != "unknown" or draft.consent_wording or draft.consent_method
    ]


def _jurisdiction(draft: NewLead) -> str | None:
    """Where the lead says it is: `US-CA`, `DE`."""
    if draft.country is None:
        return None
    coded = draft.state is not None and len(draft.state) <= _CODE and draft.state.isupper()
    return f"{draft.country}-{draft.state}" if coded else draft.country


def _results(
    fresh: Sequence[NewLead], claims: Sequence[Claim], kept: Mapping[UUID, tuple[UUID, UUID]]
) -> list[SavedLead]:
    """`kept` is what stands for each draft: its own ids, or the lead that was quicker."""
    found: dict[int, SavedLead] = {}
    for claim in claims:
        for number, member in enumerate(claim.members):
            draft = fresh[member]
            stands, person_id = kept[draft.lead_id]
            found[member] = SavedLead(
                lead_id=stands,
                person_id=person_id,
                new_person=claim.portrait is None and number == 0,
                merged=claim.portrait is not None or number > 0,
                duplicate_of_lead=None if stands == draft.lead_id else stands,
                absorbed=tuple(claim.absorbed) if number == 0 else (),
            )
    return [found[index] for index in range(len(fresh))]


def _in_order(
    drafts: Sequence[NewLead], batch: _Sorted, results: Mapping[int, SavedLead]
) -> list[SavedLead]:
    by_lead = {result.lead_id: result.person_id for result in results.values()}
    saved = []
    for index in range(len(drafts)):
        if index in results:
            saved.append(results[index])
            continue
        lead_id, person_id = batch.repeats[index]
        saved.append(
            SavedLead(
                lead_id=lead_id,
                person_id=person_id or by_lead[lead_id],
                new_person=False,
                merged=True,
                duplicate_of_lead=lead_id,
            )
        )
    return saved
