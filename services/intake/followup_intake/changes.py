"""Changing a lead and its person by hand, with what was kept beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction, new_id
from followup_intake.core.emails import match_key_email
from followup_intake.core.normalise import normalise_lead
from followup_people import (
    LeadView,
    note_change,
    set_lead_state,
    update_lead,
    update_person,
)

_LEAD_ROW = text("SELECT to_jsonb(l) AS row FROM people.leads l WHERE id = :id FOR UPDATE")
_PERSON_ROW = text("SELECT to_jsonb(p) AS row FROM people.persons p WHERE id = :id FOR UPDATE")
_ADD_POINT = text("""
    INSERT INTO people.contact_points
        (id, tenant_id, person_id, kind, address, match_key, state, created_at)
    VALUES (:id, :tenant_id, :person_id, :kind, :address, :match_key, :state, :now)
    ON CONFLICT (tenant_id, kind, match_key) DO UPDATE SET state = excluded.state
        WHERE contact_points.person_id = excluded.person_id
    RETURNING id
""")


@dataclass(frozen=True, slots=True)
class Changed:
    """What has become another, by name."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unusable:
    """The address reaches nobody."""


@dataclass(frozen=True, slots=True)
class AddressTaken:
    """The address is another person's."""


async def change(
    tx: Transaction,
    lead: LeadView,
    wanted: Mapping[str, Any],
    person: Mapping[str, Any],
    *,
    key_id: UUID,
) -> Changed:
    """Set these fields of a lead and its person; attributes are merged key by key."""
    before = await _rows(tx, lead)
    fields = {name: value for name, value in wanted.items() if name != "state"}
    if fields:
        await update_lead(tx, lead.tenant_id, lead.id, fields)
    if (state := wanted.get("state")) is not None:
        await set_lead_state(tx, lead.tenant_id, lead.id, state)
    if person:
        await update_person(tx, lead.tenant_id, lead.person_id, person)
    after = await _rows(tx, lead)
    changes = {
        name: (before[name], after[name]) for name in after if before.get(name) != after[name]
    }
    if changes:
        await note_change(
            tx, lead.tenant_id, lead.person_id, changes, lead_id=lead.id, key_id=key_id
        )
    return Changed(tuple(sorted(changes)))


async def add_address(
    tx: Transaction, lead: LeadView, given: Mapping[str, str], *, country: str, key_id: UUID
) -> Changed | Unusable | AddressTaken:
    """Add a `phone` or an `email` to the lead's person, as it would be read in a lead."""
    result = normalise_lead(given, today=tx.now.date(), default_country=country)
    read = result.lead
    if read is None:
        return Unusable()
    phone, email = read.phone_e164, read.email_normalized
    kind, address = ("phone", phone) if phone else ("email", email or "")
    possible = "phone_possible_only" in (result.reason, *result.other_reasons)
    added = await tx.first(
        _ADD_POINT,
        id=new_id(),
        tenant_id=lead.tenant_id,
        person_id=lead.person_id,
        kind=kind,
        address=address,
        match_key=address if phone else match_key_email(address),
        state="possible" if possible else "usable",
        now=tx.now,
    )
    if added is None:
        return AddressTaken()
    changes = {f"person.{kind}": (None, address)}
    await note_change(tx, lead.tenant_id, lead.person_id, changes, lead_id=lead.id, key_id=key_id)
    return Changed((f"person.{kind}",))


async def _rows(tx: Transaction, lead: LeadView) -> dict[str, Any]:
    """The lead's row and its person's, the latter's names behind `person.`."""
    own = await tx.scalar(_LEAD_ROW, id=lead.id)
    person = await tx.scalar(_PERSON_ROW, id=lead.person_id)
    return {**(own or {}), **{f"person.{name}": value for name, value in (person or {}).items()}}
