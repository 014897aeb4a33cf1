"""Why a lead belongs to somebody known, and parting what was put together.

A lead is somebody's who has its phone or its e-mail address; a name never decides. When
that was wrong (a shared phone, a typing error) the lead can be parted from its person
again: two who were found to be one become two as they were; a single enquiry becomes
somebody of its own, with the contact points nobody else of them has given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Row, Transaction, new_id
from followup_database.engine import to_json
from followup_people.claiming import Claim
from followup_people.consent import settle_consent
from followup_people.records import Key, NewLead, PointKind

_NOTE = text("""
    INSERT INTO people.merges (id, tenant_id, person_id, lead_id, matched, kept, at)
    SELECT r.id, r.tenant_id, r.person_id, r.lead_id, string_to_array(r.matched, ' '),
        CAST(r.kept AS jsonb), :now
    FROM unnest(CAST(:id AS uuid[]), CAST(:tenant_id AS uuid[]), CAST(:person_id AS uuid[]),
        CAST(:lead_id AS uuid[]), CAST(:matched AS text[]), CAST(:kept AS text[]))
        AS r(id, tenant_id, person_id, lead_id, matched, kept)
""")
_OF = text("""
    SELECT id, person_id, lead_id, absorbed, matched, kept, at, undone_at FROM people.merges
    WHERE tenant_id = :tenant_id AND person_id = :person_id ORDER BY id DESC
""")
# Which of the two it was that said no is not known any more: it holds for both.
_BRING_BACK = text("""
    UPDATE people.persons p SET merged_into = NULL, refused_at = w.refused_at,
        (first_name, last_name, language,
        stated_zone, country, state, postal_code, city, audience, birthday, attributes, consent)
      = (SELECT r.first_name, r.last_name, r.language, r.stated_zone, r.country, r.state,
            r.postal_code, r.city, r.audience, r.birthday, r.attributes, r.consent
         FROM jsonb_populate_record(p, CAST(:person AS jsonb)) AS r)
    FROM people.persons w
    WHERE p.id = :id AND p.tenant_id = :tenant_id AND p.merged_into = :from AND w.id = :from
""")
_NEW_PERSON = text("""
    INSERT INTO people.persons
        (id, tenant_id, first_name, last_name, audience, created_at, refused_at)
    SELECT :id, tenant_id, :first_name, :last_name, audience, :now, refused_at
    FROM people.persons
    WHERE id = :from AND tenant_id = :tenant_id
""")
_TAKE_POINTS = text("""
    UPDATE people.contact_points SET person_id = :to
    WHERE tenant_id = :tenant_id AND person_id = :from AND id = ANY(CAST(:ids AS uuid[]))
""")
_TAKE_LEADS = text("""
    UPDATE people.leads SET person_id = :to
    WHERE tenant_id = :tenant_id AND person_id = :from AND id = ANY(CAST(:ids AS uuid[]))
""")
_TAKE_CONSENTS = text("""
    UPDATE people.consents SET person_id = :to
    WHERE tenant_id = :tenant_id AND person_id = :from
      AND (id = ANY(CAST(:ids AS uuid[])) OR lead_id = ANY(CAST(:leads AS uuid[])))
""")
_OWN_POINTS = text("""
    SELECT c.id FROM people.contact_points c
    WHERE c.tenant_id = :tenant_id AND c.person_id = :person_id
      AND c.address = ANY(CAST(:given AS text[])) AND NOT c.kind = ANY(CAST(:matched AS text[]))
""")
_UNDONE = text(
    "UPDATE people.merges SET undone_at = :now WHERE id = :id AND tenant_id = :tenant_id"
)
_UNSETTLE = text("""
    UPDATE people.persons SET consent = '{}'
    WHERE tenant_id = :tenant_id AND id = ANY(CAST(:ids AS uuid[]))
""")
_LOCK = text("""
    SELECT id FROM people.persons WHERE tenant_id = :tenant_id AND id = ANY(CAST(:ids AS uuid[]))
    ORDER BY id FOR UPDATE
""")


@dataclass(frozen=True, slots=True)
class Parted:
    """A lead that has a person of its own again, and which leads went with it."""

    person_id: UUID
    leads: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class NeverMerged:
    """The lead was its person's first one, or was parted before."""


@dataclass(frozen=True, slots=True)
class NothingOfItsOwn:
    """All the lead gave is what the other is reached at, too: nobody would be left."""


async def note_matches(
    tx: Transaction,
    leads: Sequence[NewLead],
    claims: Sequence[Claim],
    saved: Mapping[int, UUID],
) -> None:
    """Keep for each lead that was saved for somebody known what it was recognised by."""
    rows = [
        (lead, saved[member], matched)
        for claim in claims
        for member, lead, matched in _matched(leads, claim)
        if member in saved
    ]
    if rows:
        await tx.run(
            _NOTE,
            now=tx.now,
            id=[new_id() for _ in rows],
            tenant_id=[lead.tenant_id for lead, _, _ in rows],
            person_id=[person for _, person, _ in rows],
            lead_id=[lead.lead_id for lead, _, _ in rows],
            matched=[" ".join(matched) for _, _, matched in rows],
            kept=[to_json(_given(lead)) for lead, _, _ in rows],
        )


def _matched(leads: Sequence[NewLead], claim: Claim) -> list[tuple[int, NewLead, list[PointKind]]]:
    seen: set[Key] = set(claim.owned)
    found: list[tuple[int, NewLead, list[PointKind]]] = []
    for number, member in enumerate(claim.members):
        keys = leads[member].match_keys()
        if claim.portrait is not None or number > 0:
            found.append((member, leads[member], [key[1] for key in keys if key in seen]))
        seen.update(keys)
    return found


def _given(lead: NewLead) -> dict[str, Any]:
    return {
        "phone": lead.phone_e164,
        "email": lead.email,
        "first_name": lead.first_name,
        "last_name": lead.last_name,
    }


async def merges_of(tx: Transaction, tenant_id: UUID, person_id: UUID) -> list[dict[str, Any]]:
    """What was put together in a person and why, newest first, in JSON values."""
    rows = await tx.all(_OF, tenant_id=tenant_id, person_id=person_id)
    return [
        {
            "at": row["at"].isoformat(),
            "lead_id": None if row["lead_id"] is None else str(row["lead_id"]),
            "absorbed_person_id": None if row["absorbed"] is None else str(row["absorbed"]),
            "matched": list(row["matched"]),
            "why": _why(row),
            "undone_at": None if row["undone_at"] is None else row["undone_at"].isoformat(),
        }
        for row in rows
    ]


def _why(row: Row) -> str:
    if row["absorbed"] is not None:
        return "a lead gave contact points of both persons; the older one stays"
    by = " and ".join(row["matched"])
    return f"the lead gave the same {by}" if by else "linked by another lead of the same import"


async def part_lead(
    tx: Transaction, tenant_id: UUID, lead_id: UUID, person_id: UUID
) -> Parted | NeverMerged | NothingOfItsOwn:
    """Part a lead from the person it was merged into."""
    await tx.all(_LOCK, tenant_id=tenant_id, ids=[person_id])
    rows = [
        row
        for row in await tx.all(_OF, tenant_id=tenant_id, person_id=person_id)
        if row["undone_at"] is None
    ]
    two = next((r for r in rows if str(lead_id) in r["kept"].get("leads", ())), None)
    if two is not None:
        return await _part_persons(tx, tenant_id, two)
    one = next((row for row in rows if row["lead_id"] == lead_id), None)
    return NeverMerged() if one is None else await _part_enquiry(tx, tenant_id, one)


async def _part_persons(tx: Transaction, tenant_id: UUID, row: Row) -> Parted | NeverMerged:
    kept, winner, loser = row["kept"], row["person_id"], row["absorbed"]
    ids = {"tenant_id": tenant_id, "from": winner}
    await tx.all(_LOCK, tenant_id=tenant_id, ids=[loser])
    if not await tx.run(_BRING_BACK, id=loser, person=to_json(kept["person"]), **ids):
        return NeverMerged()
    await tx.run(_TAKE_POINTS, to=loser, ids=kept["points"], **ids)
    await tx.run(_TAKE_LEADS, to=loser, ids=kept["leads"], **ids)
    await tx.run(_TAKE_CONSENTS, to=loser, ids=kept["consents"], leads=kept["leads"], **ids)
    await _finish(tx, tenant_id, row["id"], [winner, loser])
    return Parted(loser, tuple(UUID(each) for each in kept["leads"]))


async def _part_enquiry(tx: Transaction, tenant_id: UUID, row: Row) -> Parted | NothingOfItsOwn:
    kept, person_id, lead_id = row["kept"], row["person_id"], row["lead_id"]
    given = [each for each in (kept["phone"], kept["email"]) if each]
    own = await tx.all(
        _OWN_POINTS,
        tenant_id=tenant_id,
        person_id=person_id,
        given=given,
        matched=list(row["matched"]),
    )
    if not own:
        return NothingOfItsOwn()
    new, ids = new_id(), {"tenant_id": tenant_id, "from": person_id}
    names = {name: kept[name] for name in ("first_name", "last_name")}
    await tx.run(_NEW_PERSON, id=new, now=tx.now, **names, **ids)
    await tx.run(_TAKE_POINTS, to=new, ids=[point["id"] for point in own], **ids)
    await tx.run(_TAKE_LEADS, to=new, ids=[lead_id], **ids)
    await tx.run(_TAKE_CONSENTS, to=new, ids=[], leads=[lead_id], **ids)
    await _finish(tx, tenant_id, row["id"], [person_id, new])
    return Parted(new, (lead_id,))


async def _finish(
    tx: Transaction, tenant_id: UUID, merge_id: UUID, persons: Sequence[UUID]
) -> None:
    await tx.run(_UNDONE, id=merge_id, tenant_id=tenant_id, now=tx.now)
    # Whoever keeps no statement has said nothing.
    await tx.run(_UNSETTLE, tenant_id=tenant_id, ids=list(persons))
    await settle_consent(tx, persons)
