"""The statements of saving leads, one a table and batch.

Rows travel as an array a column: nothing is written as JSON to be read again but what is
JSON in its table.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction, new_id
from followup_database.engine import to_json
from followup_people.merging import Portrait
from followup_people.records import Key, NewLead

_PORTRAIT_FIELDS = tuple(field.name for field in fields(Portrait))
_PORTRAIT = ", ".join(_PORTRAIT_FIELDS)
_PORTRAIT_ARRAYS = ", ".join(f"CAST(:{name} AS text[])" for name in _PORTRAIT_FIELDS)
_PORTRAIT_VALUES = ", ".join(
    f"CAST(r.{name} AS jsonb)" if name == "attributes" else f"r.{name}" for name in _PORTRAIT_FIELDS
)

# Lookups say LATERAL and LIMIT so that each row is looked up by its index: a plan that was
# made while a table was small, and is kept, would read the whole of it for every batch.
_OWNERS = text("""
    SELECT r.tenant_id, r.kind, r.match_key, c.person_id
    FROM unnest(CAST(:tenant_id AS uuid[]), CAST(:kind AS text[]), CAST(:match_key AS text[]))
        AS r(tenant_id, kind, match_key)
    CROSS JOIN LATERAL (
        SELECT c.person_id FROM people.contact_points c
        WHERE c.tenant_id = r.tenant_id AND c.kind = r.kind AND c.match_key = r.match_key
        LIMIT 1
    ) AS c
""")
_POINT = ("id", "tenant_id", "person_id", "kind", "address", "match_key", "state", "created_at")
_INSERT_POINTS = text(f"""
    INSERT INTO people.contact_points ({", ".join(_POINT)})
    SELECT {", ".join(f"r.{name}" for name in _POINT)}
    FROM unnest(CAST(:id AS uuid[]), CAST(:tenant_id AS uuid[]), CAST(:person_id AS uuid[]),
        CAST(:kind AS text[]), CAST(:address AS text[]), CAST(:match_key AS text[]),
        CAST(:state AS text[]), CAST(:created_at AS timestamptz[])) AS r({", ".join(_POINT)})
    ORDER BY r.tenant_id, r.kind COLLATE "C", r.match_key COLLATE "C"
    ON CONFLICT (tenant_id, kind, match_key) DO NOTHING
""")
_MOVES = "unnest(CAST(:losers AS uuid[]), CAST(:winners AS uuid[])) AS r(loser, winner)"
_MOVE_POINTS = text(f"""
    UPDATE people.contact_points c SET person_id = r.winner
    FROM {_MOVES}
    WHERE c.person_id = ANY(CAST(:losers AS uuid[])) AND c.person_id = r.loser
""")
_LOCK = text(f"""
    SELECT p.*
    FROM (SELECT unnest(CAST(:ids AS uuid[])) AS id ORDER BY 1) AS r
    CROSS JOIN LATERAL (
        SELECT id, created_at, merged_into, {_PORTRAIT} FROM people.persons
        WHERE id = r.id LIMIT 1 FOR UPDATE
    ) AS p
""")
_INSERT_PERSONS = text(f"""
    INSERT INTO people.persons (id, tenant_id, consent, created_at, {_PORTRAIT})
    SELECT r.id, r.tenant_id, CAST(r.consent AS jsonb), r.created_at, {_PORTRAIT_VALUES}
    FROM unnest(CAST(:id AS uuid[]), CAST(:tenant_id AS uuid[]), CAST(:consent AS text[]),
        CAST(:created_at AS timestamptz[]), {_PORTRAIT_ARRAYS})
        AS r(id, tenant_id, consent, created_at, {_PORTRAIT})
""")
_UPDATE_PORTRAITS = text(f"""
    UPDATE people.persons p SET ({_PORTRAIT}) = ROW({_PORTRAIT_VALUES})
    FROM unnest(CAST(:id AS uuid[]), {_PORTRAIT_ARRAYS}) AS r(id, {_PORTRAIT})
    WHERE p.id = ANY(CAST(:id AS uuid[])) AND p.id = r.id
""")
_MERGE_LEADS = text(f"""
    UPDATE people.leads l SET person_id = r.winner
    FROM {_MOVES}
    WHERE l.person_id = ANY(CAST(:losers AS uuid[])) AND l.person_id = r.loser
""")
_MERGE_CONSENTS = text(f"""
    UPDATE people.consents c SET person_id = r.winner
    FROM {_MOVES}
    WHERE c.person_id = ANY(CAST(:losers AS uuid[])) AND c.person_id = r.loser
""")
_MERGE_BIRTHDAYS = text(f"""
    UPDATE people.persons w SET birthday = l.birthday
    FROM {_MOVES}
    JOIN people.persons l ON l.id = r.loser
    WHERE w.id = ANY(CAST(:winners AS uuid[])) AND w.id = r.winner
      AND w.birthday IS NULL AND l.birthday IS NOT NULL
""")
_MERGE_REFUSALS = text(f"""
    UPDATE people.persons w SET refused_at = l.refused_at
    FROM (
        SELECT r.winner, max(p.refused_at) AS refused_at
        FROM {_MOVES} JOIN people.persons p ON p.id = r.loser
        GROUP BY r.winner
    ) AS l
    WHERE w.id = ANY(CAST(:winners AS uuid[])) AND w.id = l.winner
      AND l.refused_at > COALESCE(w.refused_at, '-infinity')
""")
# Before anything moves: what it takes to part them again.
_NOTE_MERGES = text("""
    INSERT INTO people.merges (id, tenant_id, person_id, absorbed, kept, at)
    SELECT r.id, l.tenant_id, r.winner, r.loser, jsonb_build_object(
        'person', to_jsonb(l),
        'points', (SELECT COALESCE(jsonb_agg(c.id), '[]') FROM people.contact_points c
            WHERE c.person_id = r.loser),
        'leads', (SELECT COALESCE(jsonb_agg(e.id), '[]') FROM people.leads e
            WHERE e.person_id = r.loser),
        'consents', (SELECT COALESCE(jsonb_agg(s.id), '[]') FROM people.consents s
            WHERE s.person_id = r.loser)), :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:losers AS uuid[]), CAST(:winners AS uuid[]))
        AS r(id, loser, winner)
    JOIN people.persons l ON l.id = r.loser
""")
_MERGE_MERGES = text(f"""
    UPDATE people.merges g SET person_id = r.winner
    FROM {_MOVES}
    WHERE g.person_id = ANY(CAST(:losers AS uuid[])) AND g.person_id = r.loser
""")
_MERGE_HISTORY = text(f"""
    UPDATE people.history h SET person_id = r.winner
    FROM {_MOVES}
    WHERE h.person_id = ANY(CAST(:losers AS uuid[])) AND h.person_id = r.loser
""")
# The row stays, to say where its person went, and says nothing else.
_MERGE_PERSONS = text(f"""
    UPDATE people.persons p
    SET merged_into = r.winner, first_name = NULL, last_name = NULL, language = NULL,
        stated_zone = NULL, country = NULL, state = NULL, postal_code = NULL, city = NULL,
        birthday = NULL, attributes = '{{}}', consent = '{{}}', refused_at = NULL
    FROM {_MOVES}
    WHERE p.id = r.loser OR p.merged_into = r.loser
""")
_KNOWN_LEADS = text("""
    SELECT l.*
    FROM unnest(CAST(:ids AS uuid[])) AS r(id)
    CROSS JOIN LATERAL (
        SELECT l.id, l.tenant_id, l.external_id, l.person_id FROM people.leads l
        WHERE l.id = r.id LIMIT 1
    ) AS l
    UNION ALL
    SELECT l.*
    FROM unnest(CAST(:tenant_id AS uuid[]), CAST(:external_id AS text[]))
        AS r(tenant_id, external_id)
    CROSS JOIN LATERAL (
        SELECT l.id, l.tenant_id, l.external_id, l.person_id FROM people.leads l
        WHERE l.tenant_id = r.tenant_id AND l.external_id = r.external_id LIMIT 1
    ) AS l
""")
_LEAD = (
    "id",
    "tenant_id",
    "person_id",
    "source",
    "external_id",
    "asked",
    "need",
    "value",
    "currency",
    "attributes",
    "received_at",
)
# Amounts travel as text: an array of them costs the driver more than the rest of the row.
_INSERT_LEADS = text(f"""
    INSERT INTO people.leads ({", ".join(_LEAD)})
    SELECT r.id, r.tenant_id, r.person_id, r.source, r.external_id, r.asked, r.need,
        CAST(r.value AS numeric), r.currency, CAST(r.attributes AS jsonb), r.received_at
    FROM unnest(CAST(:id AS uuid[]), CAST(:tenant_id AS uuid[]), CAST(:person_id AS uuid[]),
        CAST(:source AS text[]), CAST(:external_id AS text[]), CAST(:asked AS boolean[]),
        CAST(:need AS text[]), CAST(:value AS text[]), CAST(:currency AS text[]),
        CAST(:attributes AS text[]), CAST(:received_at AS timestamptz[]))
        AS r({", ".join(_LEAD)})
    ORDER BY r.tenant_id, r.external_id COLLATE "C", r.id
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
    names = ("tenant_id", "kind", "match_key")
    return {
        (row["tenant_id"], row["kind"], row["match_key"]): row["person_id"]
        for row in await tx.all(_OWNERS, **_arrays(names, list(keys)))
    }


async def insert_points(
    tx: Transaction, leads: Sequence[NewLead], wanted: Mapping[Key, UUID]
) -> int:
    """Insert contact points for these keys, as the first lead has them; how many went in."""
    rows: dict[Key, tuple[Any, ...]] = {}
    for lead in leads:
        for key in lead.match_keys():
            if key in wanted and key not in rows:
                rows[key] = _point(lead, key, wanted[key])
    return await tx.run(_INSERT_POINTS, **_arrays(_POINT, list(rows.values()))) if rows else 0


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
            portrait=Portrait(**{name: row[name] for name in _PORTRAIT_FIELDS}),
        )
        for row in rows
    }


async def move_points(tx: Transaction, moves: Mapping[UUID, UUID]) -> None:
    """Give the contact points of one id to another."""
    if moves:
        await tx.run(_MOVE_POINTS, **_moves(moves))


async def insert_persons(tx: Transaction, persons: Sequence[NewPerson]) -> None:
    """Insert persons."""
    rows = [
        (
            person.id,
            person.tenant_id,
            to_json(person.consent) if person.consent else "{}",
            person.created_at,
            *_portrait(person.portrait),
        )
        for person in persons
    ]
    if rows:
        names = ("id", "tenant_id", "consent", "created_at", *_PORTRAIT_FIELDS)
        await tx.run(_INSERT_PERSONS, **_arrays(names, rows))


async def update_portraits(tx: Transaction, portraits: Mapping[UUID, Portrait]) -> None:
    """Write what is known of locked persons."""
    rows = [(person, *_portrait(known)) for person, known in portraits.items()]
    if rows:
        await tx.run(_UPDATE_PORTRAITS, **_arrays(("id", *_PORTRAIT_FIELDS), rows))


async def merge_persons(tx: Transaction, merges: Mapping[UUID, UUID]) -> None:
    """Move all that belongs to locked persons (loser → winner) and leave a pointer."""
    if not merges:
        return
    moves = _moves(merges)
    await tx.run(_NOTE_MERGES, ids=[new_id() for _ in merges], now=tx.now, **moves)
    for statement in (
        _MERGE_MERGES,
        _MERGE_HISTORY,
        _MOVE_POINTS,
        _MERGE_LEADS,
        _MERGE_CONSENTS,
        _MERGE_BIRTHDAYS,
        _MERGE_REFUSALS,
        _MERGE_PERSONS,
    ):
        await tx.run(statement, **moves)


async def known_leads(tx: Transaction, drafts: Sequence[NewLead]) -> dict[Any, tuple[UUID, UUID]]:
    """(lead, person) by lead id and by (tenant, external id), of those there already."""
    named = [d for d in drafts if d.external_id is not None]
    rows = await tx.all(
        _KNOWN_LEADS,
        ids=[draft.lead_id for draft in drafts],
        tenant_id=[draft.tenant_id for draft in named],
        external_id=[draft.external_id for draft in named],
    )
    found: dict[Any, tuple[UUID, UUID]] = {}
    for row in rows:
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
    inserted = {row["id"] for row in await tx.all(_INSERT_LEADS, **_arrays(_LEAD, rows))}
    late = [draft for draft, _ in leads if draft.lead_id not in inserted]
    known = await known_leads(tx, late) if late else {}
    stands = {draft.lead_id: (draft.lead_id, person_id) for draft, person_id in leads}
    for draft in late:
        name = (draft.tenant_id, draft.external_id)
        stands[draft.lead_id] = known[draft.lead_id if draft.lead_id in known else name]
    return stands


def _arrays(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Rows, of which there is at least one, as an array for each name."""
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _moves(moves: Mapping[UUID, UUID]) -> dict[str, list[UUID]]:
    return {"losers": list(moves), "winners": list(moves.values())}


def _point(lead: NewLead, key: Key, person_id: UUID) -> tuple[Any, ...]:
    tenant_id, kind, match_key = key
    phone = kind == "phone"
    address = lead.phone_e164 if phone else lead.email
    state = lead.phone_state if phone else "usable"
    return (new_id(), tenant_id, person_id, kind, address, match_key, state, lead.received_at)


def _portrait(known: Portrait) -> tuple[Any, ...]:
    *plain, attributes = (getattr(known, name) for name in _PORTRAIT_FIELDS)
    return (*plain, _json(attributes))


def _lead(draft: NewLead, person_id: UUID) -> tuple[Any, ...]:
    return (
        draft.lead_id,
        draft.tenant_id,
        person_id,
        draft.source,
        draft.external_id,
        draft.asked,
        draft.need,
        None if draft.value is None else str(draft.value),
        draft.currency,
        _json(draft.attributes),
        draft.received_at,
    )


def _json(value: Mapping[str, Any]) -> str:
    return to_json(dict(value)) if value else "{}"
