"""The statements of saving leads, one a table and batch."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction, new_id
from followup_database.engine import to_json
from followup_people.merging import Portrait
from followup_people.records import Key, NewLead

_PORTRAIT = ", ".join(field.name for field in fields(Portrait))
_PORTRAIT_TYPES = ", ".join(
    f"{field.name} {'jsonb' if field.name == 'attributes' else 'text'}"
    for field in fields(Portrait)
)

_OWNERS = text("""
    SELECT c.tenant_id, c.kind, c.match_key, c.person_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS r(tenant_id uuid, kind text, match_key text)
    JOIN people.contact_points c
      ON c.tenant_id = r.tenant_id AND c.kind = r.kind AND c.match_key = r.match_key
""")
_INSERT_POINTS = text("""
    INSERT INTO people.contact_points
        (id, tenant_id, person_id, kind, address, match_key, state, created_at)
    SELECT r.id, r.tenant_id, r.person_id, r.kind, r.address, r.match_key, r.state, r.at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        id uuid, tenant_id uuid, person_id uuid, kind text, address text, match_key text,
        state text, at timestamptz
    )
    ORDER BY r.tenant_id, r.kind, r.match_key
    ON CONFLICT (tenant_id, kind, match_key) DO NOTHING
""")
_MOVE_POINTS = text("""
    UPDATE people.contact_points c SET person_id = r.winner
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(loser uuid, winner uuid)
    WHERE c.person_id = r.loser
""")
_LOCK = text(f"""
    SELECT id, created_at, merged_into, {_PORTRAIT} FROM people.persons
    WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
""")
_INSERT_PERSONS = text(f"""
    INSERT INTO people.persons (id, tenant_id, consent, created_at, {_PORTRAIT})
    SELECT r.id, r.tenant_id, r.consent, r.created_at, {_PORTRAIT}
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        id uuid, tenant_id uuid, consent jsonb, created_at timestamptz, {_PORTRAIT_TYPES}
    )
    ORDER BY r.id
""")
_UPDATE_PORTRAITS = text(f"""
    UPDATE people.persons p SET ({_PORTRAIT}) =
        ({", ".join(f"r.{field.name}" for field in fields(Portrait))})
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, {_PORTRAIT_TYPES})
    WHERE p.id = r.id
""")
_MERGE_LEADS = text("""
    UPDATE people.leads l SET person_id = r.winner
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(loser uuid, winner uuid)
    WHERE l.person_id = r.loser
""")
_MERGE_CONSENTS = text("""
    UPDATE people.consents c SET person_id = r.winner
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(loser uuid, winner uuid)
    WHERE c.person_id = r.loser
""")
_MERGE_BIRTHDAYS = text("""
    UPDATE people.persons w SET birthday = l.birthday
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(loser uuid, winner uuid)
    JOIN people.persons l ON l.id = r.loser
    WHERE w.id = r.winner AND w.birthday IS NULL AND l.birthday IS NOT NULL
""")
# The row stays, to say where its person went, and says nothing else.
_MERGE_PERSONS = text("""
    UPDATE people.persons p
    SET merged_into = r.winner, first_name = NULL, last_name = NULL, language = NULL,
        stated_zone = NULL, country = NULL, state = NULL, postal_code = NULL, city = NULL,
        birthday = NULL, attributes = '{}', consent = '{}'
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(loser uuid, winner uuid)
    WHERE p.id = r.loser OR p.merged_into = r.loser
""")
_KNOWN_LEADS = text("""
    SELECT l.id, l.tenant_id, l.external_id, l.person_id
    FROM people.leads l WHERE l.id = ANY(CAST(:ids AS uuid[]))
    UNION
    SELECT l.id, l.tenant_id, l.external_id, l.person_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(tenant_id uuid, external_id text)
    JOIN people.leads l ON l.tenant_id = r.tenant_id AND l.external_id = r.external_id
""")
_INSERT_LEADS = text("""
    INSERT INTO people.leads
        (id, tenant_id, person_id, source, external_id, asked, need, value, currency,
         attributes, received_at)
    SELECT r.id, r.tenant_id, r.person_id, r.source, r.external_id, r.asked, r.need, r.value,
        r.currency, r.attributes, r.received_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        id uuid, tenant_id uuid, person_id uuid, source text, external_id text, asked boolean,
        need text, value numeric, currency text, attributes jsonb, received_at timestamptz
    )
    ORDER BY r.tenant_id, r.external_id, r.id
    ON CONFLICT DO NOTHING
    RETURNING id
""")


@dataclass(frozen=True, slots=True)
class LockedPerson:
    """A known person whose row this transaction holds."""

    id: UUID
    created_at: datetime
    merged_into: UUID | None
    portrait: Portrait


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to be inserted."""

    id: UUID
    tenant_id: UUID
    portrait: Portrait
    consent: Mapping[Any, Any]
    created_at: datetime


async def owners(tx: Transaction, keys: AbstractSet[Key]) -> dict[Key, UUID]:
    """Whose these keys are; those nobody has are left out."""
    if not keys:
        return {}
    rows = [{"tenant_id": t, "kind": kind, "match_key": key} for t, kind, key in keys]
    return {
        (row["tenant_id"], row["kind"], row["match_key"]): row["person_id"]
        for row in await tx.all(_OWNERS, rows=to_json(rows))
    }


async def insert_points(
    tx: Transaction, leads: Sequence[NewLead], wanted: Mapping[Key, UUID]
) -> int:
    """Insert contact points for these keys, as the first lead has them; how many went in."""
    rows: dict[Key, dict[str, Any]] = {}
    for lead in leads:
        for key in lead.match_keys():
            if key in wanted and key not in rows:
                rows[key] = _point(lead, key, wanted[key])
    return await tx.run(_INSERT_POINTS, rows=to_json(list(rows.values()))) if rows else 0


async def lock_persons(tx: Transaction, ids: AbstractSet[UUID]) -> dict[UUID, LockedPerson]:
    """Lock these persons in key order; those that do not exist are left out."""
    if not ids:
        return {}
    rows = await tx.all(_LOCK, ids=list(ids))
    return {
        row["id"]: LockedPerson(
            id=row["id"],
            created_at=row["created_at"],
            merged_into=row["merged_into"],
            portrait=Portrait(**{field.name: row[field.name] for field in fields(Portrait)}),
        )
        for row in rows
    }


async def move_points(tx: Transaction, moves: Mapping[UUID, UUID]) -> None:
    """Give the contact points of one id to another."""
    if moves:
        await tx.run(_MOVE_POINTS, rows=_moves(moves))


async def insert_persons(tx: Transaction, persons: Sequence[NewPerson]) -> None:
    """Insert persons."""
    rows = [
        {
            "id": person.id,
            "tenant_id": person.tenant_id,
            "consent": person.consent,
            "created_at": person.created_at,
            **asdict(person.portrait),
        }
        for person in persons
    ]
    if rows:
        await tx.run(_INSERT_PERSONS, rows=to_json(rows))


async def update_portraits(tx: Transaction, portraits: Mapping[UUID, Portrait]) -> None:
    """Write what is known of locked persons."""
    rows = [{"id": person, **asdict(known)} for person, known in portraits.items()]
    if rows:
        await tx.run(_UPDATE_PORTRAITS, rows=to_json(rows))


async def merge_persons(tx: Transaction, merges: Mapping[UUID, UUID]) -> None:
    """Move all that belongs to locked persons (loser → winner) and leave a pointer."""
    if not merges:
        return
    rows = _moves(merges)
    for statement in (
        _MOVE_POINTS,
        _MERGE_LEADS,
        _MERGE_CONSENTS,
        _MERGE_BIRTHDAYS,
        _MERGE_PERSONS,
    ):
        await tx.run(statement, rows=rows)


async def known_leads(tx: Transaction, drafts: Sequence[NewLead]) -> dict[Any, tuple[UUID, UUID]]:
    """(lead, person) by lead id and by (tenant, external id), of those there already."""
    rows = [
        {"tenant_id": draft.tenant_id, "external_id": draft.external_id}
        for draft in drafts
        if draft.external_id is not None
    ]
    ids = [draft.lead_id for draft in drafts]
    found: dict[Any, tuple[UUID, UUID]] = {}
    for row in await tx.all(_KNOWN_LEADS, ids=ids, rows=to_json(rows)):
        found[row["id"]] = (row["id"], row["person_id"])
        found[(row["tenant_id"], row["external_id"])] = (row["id"], row["person_id"])
    return found


async def insert_leads(
    tx: Transaction, leads: Sequence[tuple[NewLead, UUID]]
) -> dict[UUID, tuple[UUID, UUID]]:
    """Insert leads with their persons; says for each which (lead, person) stands.

    That is another one where the same external id was saved at this moment elsewhere.
    """
    if not leads:
        return {}
    rows = [_lead(draft, person_id) for draft, person_id in leads]
    inserted = {row["id"] for row in await tx.all(_INSERT_LEADS, rows=to_json(rows))}
    late = [draft for draft, _ in leads if draft.lead_id not in inserted]
    known = await known_leads(tx, late) if late else {}
    stands = {draft.lead_id: (draft.lead_id, person_id) for draft, person_id in leads}
    for draft in late:
        name = (draft.tenant_id, draft.external_id)
        stands[draft.lead_id] = known[draft.lead_id if draft.lead_id in known else name]
    return stands


def _moves(moves: Mapping[UUID, UUID]) -> str:
    return to_json([{"loser": loser, "winner": winner} for loser, winner in moves.items()])


def _point(lead: NewLead, key: Key, person_id: UUID) -> dict[str, Any]:
    tenant_id, kind, match_key = key
    phone = kind == "phone"
    return {
        "id": new_id(),
        "tenant_id": tenant_id,
        "person_id": person_id,
        "kind": kind,
        "address": lead.phone_e164 if phone else lead.email,
        "match_key": match_key,
        "state": lead.phone_state if phone else "usable",
        "at": lead.received_at,
    }


def _lead(draft: NewLead, person_id: UUID) -> dict[str, Any]:
    return {
        "id": draft.lead_id,
        "tenant_id": draft.tenant_id,
        "person_id": person_id,
        "source": draft.source,
        "external_id": draft.external_id,
        "asked": draft.asked,
        "need": draft.need,
        "value": None if draft.value is None else str(draft.value),
        "currency": draft.currency,
        "attributes": dict(draft.attributes),
        "received_at": draft.received_at,
    }
