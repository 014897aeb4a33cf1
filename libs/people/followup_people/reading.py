"""Reading people, a batch a statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Row, Transaction
from followup_people.consent import effective, refused
from followup_people.records import ContactPoint, LeadView, PersonView, PointKind

_PERSON = """
    p.id AS p_id, p.tenant_id AS p_tenant, p.first_name, p.last_name, p.language, p.audience,
    p.stated_zone, p.country, p.state AS p_state, p.postal_code, p.city,
    p.attributes AS p_attributes, p.consent, p.refused_at,
    (
        SELECT jsonb_agg(jsonb_build_array(c.kind, c.address, c.state, c.created_at, c.heard)
            ORDER BY c.state = 'usable' DESC, c.created_at DESC, c.id DESC)
        FROM people.contact_points c
        WHERE c.person_id = p.id AND c.state IN ('usable', 'possible')
    ) AS points,
    ARRAY(SELECT m.id FROM people.persons m WHERE m.merged_into = p.id) AS former
"""
_LEAD = """
    l.id, l.tenant_id, l.person_id, l.source, l.external_id, l.asked, l.need, l.value,
    l.currency, l.attributes, l.received_at, l.state
"""

_PERSONS = text(f"""
    SELECT a.id AS asked_id, {_PERSON}
    FROM people.persons a JOIN people.persons p ON p.id = COALESCE(a.merged_into, a.id)
    WHERE a.id = ANY(CAST(:ids AS uuid[]))
""")
_STAYS = text("""
    SELECT id FROM people.persons WHERE tenant_id = :tenant_id AND id = :id FOR KEY SHARE
""")
_PRESENT = text("SELECT id FROM people.persons WHERE id = ANY(CAST(:ids AS uuid[]))")
_LEADS = text(f"SELECT {_LEAD} FROM people.leads l WHERE l.id = ANY(CAST(:ids AS uuid[]))")
_LEADS_OF = text(f"""
    SELECT {_LEAD} FROM people.leads l WHERE l.person_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY l.received_at DESC, l.id DESC
""")
_LEADS_BY_EXTERNAL_ID = text(f"""
    SELECT {_LEAD} FROM people.leads l
    WHERE l.tenant_id = :tenant_id AND l.external_id = ANY(CAST(:ids AS text[]))
""")
_VIEWS = text(f"""
    SELECT {_LEAD}, {_PERSON}
    FROM people.leads l JOIN people.persons p ON p.id = l.person_id
    WHERE l.id = ANY(CAST(:ids AS uuid[]))
""")
_BY_ADDRESSES = text("""
    SELECT c.kind, c.match_key, c.person_id
    FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS text[])) AS r(kind, match_key)
    JOIN people.contact_points c
      ON c.tenant_id = :tenant_id AND c.kind = r.kind AND c.match_key = r.match_key
    WHERE c.match_key = ANY(CAST(:keys AS text[]))
""")
_PERSON_AT = text(f"""
    SELECT {_PERSON}
    FROM people.contact_points c
    JOIN people.persons a ON a.id = c.person_id
    JOIN people.persons p ON p.id = COALESCE(a.merged_into, a.id)
    WHERE c.tenant_id = :tenant_id AND c.kind = :kind AND c.match_key = :match_key
""")
_SAME = text("""
    SELECT a.id AS asked_id, COALESCE(a.merged_into, a.id) AS survivor, m.id AS merged
    FROM people.persons a
    LEFT JOIN people.persons m ON m.merged_into = COALESCE(a.merged_into, a.id)
    WHERE a.id = ANY(CAST(:ids AS uuid[]))
""")


async def persons_by_id(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, PersonView]:
    """Persons by the id asked for; one merged into another gives the other's view."""
    return {row["asked_id"]: _person(row) for row in await tx.all(_PERSONS, ids=list(ids))}


async def stays(tx: Transaction, tenant_id: UUID, person_id: UUID) -> bool:
    """Whether a tenant's person is there, and is not erased before this transaction is over.

    For whoever is about to keep something of theirs: what was kept beside an erasure would
    be found by none. Take it before anything else is locked, as the erasure does.
    """
    return await tx.first(_STAYS, tenant_id=tenant_id, id=person_id) is not None


async def present(tx: Transaction, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these persons are still there: whoever waited behind a lock looks again."""
    return {row["id"] for row in await tx.all(_PRESENT, ids=list(ids))}


async def leads_by_id(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, LeadView]:
    """Leads by id; unknown ids are left out."""
    return {row["id"]: _lead(row) for row in await tx.all(_LEADS, ids=list(ids))}


async def leads_of_persons(
    tx: Transaction, person_ids: Sequence[UUID]
) -> dict[UUID, list[LeadView]]:
    """The leads of each person, newest first; ids of survivors, see `same_person`."""
    found: dict[UUID, list[LeadView]] = {}
    for row in await tx.all(_LEADS_OF, ids=list(person_ids)):
        found.setdefault(row["person_id"], []).append(_lead(row))
    return found


async def leads_by_external_id(
    tx: Transaction, tenant_id: UUID, external_ids: Sequence[str]
) -> dict[str, LeadView]:
    """A tenant's leads by the ids it gave them."""
    rows = await tx.all(_LEADS_BY_EXTERNAL_ID, tenant_id=tenant_id, ids=list(external_ids))
    return {row["external_id"]: _lead(row) for row in rows}


async def views(
    tx: Transaction, pairs: Sequence[tuple[UUID, UUID]]
) -> dict[UUID, tuple[PersonView, LeadView]]:
    """Person and lead for (lead id, person id) pairs, by lead id, in one statement.

    The person is the lead's present one: after a merge its id is not the one in the
    pair. A lead that is gone is left out.
    """
    ids = list({lead for lead, _ in pairs})
    return {row["id"]: (_person(row), _lead(row)) for row in await tx.all(_VIEWS, ids=ids)}


async def person_by_address(
    tx: Transaction, tenant_id: UUID, kind: PointKind, match_key: str
) -> UUID | None:
    """Whose address this is, wrong and bounced ones included: they may still write to us."""
    found = await persons_by_addresses(tx, tenant_id, [(kind, match_key)])
    return found.get((kind, match_key))


async def person_at(
    tx: Transaction, tenant_id: UUID, kind: PointKind, match_key: str
) -> PersonView | None:
    """Who is at this address, wrong and bounced ones included; in one statement."""
    row = await tx.first(_PERSON_AT, tenant_id=tenant_id, kind=kind, match_key=match_key)
    return None if row is None else _person(row)


async def persons_by_addresses(
    tx: Transaction, tenant_id: UUID, addresses: Sequence[tuple[PointKind, str]]
) -> dict[tuple[PointKind, str], UUID]:
    """Persons by (kind, match key)."""
    asked = set(addresses)
    kinds, keys = [kind for kind, _ in asked], [key for _, key in asked]
    return {
        (row["kind"], row["match_key"]): row["person_id"]
        for row in await tx.all(_BY_ADDRESSES, tenant_id=tenant_id, kinds=kinds, keys=keys)
    }


async def same_person(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Every id each person is or was known by, its own included.

    Work under way may still name a person by an id from before a merge.
    """
    found: dict[UUID, set[UUID]] = {}
    for row in await tx.all(_SAME, ids=list(ids)):
        known = found.setdefault(row["asked_id"], {row["survivor"]})
        if row["merged"] is not None:
            known.add(row["merged"])
    return {asked: frozenset(known) for asked, known in found.items()}


def _person(row: Row) -> PersonView:
    return PersonView(
        id=row["p_id"],
        tenant_id=row["p_tenant"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        language=row["language"],
        audience=row["audience"],
        place=_place(row),
        attributes=row["p_attributes"],
        points=tuple(_point(point) for point in row["points"] or ()),
        consent=effective(row["consent"]),
        former=tuple(row["former"]),
        refused=refused(row["consent"], row["refused_at"]),
    )


def _place(row: Row) -> Mapping[str, str | None]:
    return {
        "stated_zone": row["stated_zone"],
        "country": row["country"],
        "state": row["p_state"],
        "postal_code": row["postal_code"],
        "city": row["city"],
    }


def _point(point: Sequence[Any]) -> ContactPoint:
    kind, address, state, created_at, heard = point
    moments = {channel: datetime.fromisoformat(at) for channel, at in heard.items()}
    return ContactPoint(kind, address, state, datetime.fromisoformat(created_at), moments)


def _lead(row: Row) -> LeadView:
    return LeadView(
        id=row["id"],
        tenant_id=row["tenant_id"],
        person_id=row["person_id"],
        source=row["source"],
        external_id=row["external_id"],
        asked=row["asked"],
        need=row["need"],
        value=row["value"],
        currency=row["currency"],
        attributes=row["attributes"],
        received_at=row["received_at"],
        state=row["state"],
    )
