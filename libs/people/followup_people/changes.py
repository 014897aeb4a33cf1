"""Changing what is known of people; every change names its tenant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_contracts.channels import TRAITS, Channel
from followup_database import Transaction
from followup_database.engine import to_json
from followup_people.records import LeadState, PointKind, PointState

_PERSON_FIELDS = frozenset(
    {
        "first_name",
        "last_name",
        "language",
        "stated_zone",
        "country",
        "state",
        "postal_code",
        "city",
        "audience",
        "birthday",
        "attributes",
    }
)
_LEAD_FIELDS = frozenset({"need", "value", "currency", "attributes"})

_UPDATE_PERSON = text("""
    UPDATE people.persons p
    SET (first_name, last_name, language, stated_zone, country, state, postal_code, city,
         audience, birthday) = (
            SELECT r.first_name, r.last_name, r.language, r.stated_zone, r.country, r.state,
                r.postal_code, r.city, r.audience, r.birthday
            FROM jsonb_populate_record(p, CAST(:changes AS jsonb)) AS r
        ),
        attributes = p.attributes || COALESCE(CAST(:changes AS jsonb) -> 'attributes', '{}')
    WHERE p.id = :id AND p.tenant_id = :tenant_id AND p.merged_into IS NULL
""")
_UPDATE_LEAD = text("""
    UPDATE people.leads l
    SET (need, value, currency) = (
            SELECT r.need, r.value, r.currency
            FROM jsonb_populate_record(l, CAST(:changes AS jsonb)) AS r
        ),
        attributes = l.attributes || COALESCE(CAST(:changes AS jsonb) -> 'attributes', '{}')
    WHERE l.id = :id AND l.tenant_id = :tenant_id
""")
_MARK = text("""
    UPDATE people.contact_points SET state = :state
    WHERE tenant_id = :tenant_id AND person_id = :person_id AND kind = :kind
      AND (address = :address OR match_key = :address) AND state <> :state
""")
_HEARD = text("""
    UPDATE people.contact_points
    SET heard = heard || jsonb_build_object(CAST(:channel AS text), CAST(:at AS timestamptz))
    WHERE tenant_id = :tenant_id AND kind = :kind AND match_key = :match_key
      AND COALESCE(CAST(heard ->> :channel AS timestamptz), '-infinity') < :at
""")
# Of several addresses the one that was written from, or the newest.
_HEARD_OF = text("""
    UPDATE people.contact_points
    SET heard = heard || jsonb_build_object(CAST(:channel AS text), CAST(:at AS timestamptz))
    WHERE id = (
        SELECT id FROM people.contact_points
        WHERE tenant_id = :tenant_id AND person_id = :person_id
        ORDER BY match_key = :match_key DESC, kind = :kind DESC, created_at DESC, id LIMIT 1
      )
      AND tenant_id = :tenant_id
      AND COALESCE(CAST(heard ->> :channel AS timestamptz), '-infinity') < :at
""")
_REFUSED = text("""
    UPDATE people.persons p SET refused_at = :at
    FROM people.persons named
    WHERE named.id = :person_id AND named.tenant_id = :tenant_id
      AND p.id = COALESCE(named.merged_into, named.id) AND p.tenant_id = :tenant_id
      AND COALESCE(p.refused_at, '-infinity') < :at
""")
_LEAD_STATE = text("""
    UPDATE people.leads SET state = :state
    WHERE id = :id AND tenant_id = :tenant_id AND state <> :state
""")
_APPOINTMENT = text("""
    UPDATE people.leads
    SET attributes = attributes
        || jsonb_build_object('appointment', CAST(:appointment AS jsonb))
    WHERE id = :id AND tenant_id = :tenant_id
""")
_DEAL = text("""
    UPDATE people.leads
    SET attributes = attributes || jsonb_build_object(
        'deal', COALESCE(attributes -> 'deal', '{}') || CAST(:deal AS jsonb))
    WHERE id = :id AND tenant_id = :tenant_id
""")


async def update_person(
    tx: Transaction, tenant_id: UUID, person_id: UUID, changes: Mapping[str, Any]
) -> bool:
    """Set the fields named (None empties one); attributes are merged key by key.

    False for a person who is not there or was merged. Raises `ValueError` for a field a
    person does not have.
    """
    _require(changes, _PERSON_FIELDS)
    changed = await tx.run(
        _UPDATE_PERSON, id=person_id, tenant_id=tenant_id, changes=to_json(dict(changes))
    )
    return changed == 1


async def update_lead(
    tx: Transaction, tenant_id: UUID, lead_id: UUID, changes: Mapping[str, Any]
) -> bool:
    """The same for a lead's need, value, currency and attributes. A value may be text."""
    _require(changes, _LEAD_FIELDS)
    changed = await tx.run(
        _UPDATE_LEAD, id=lead_id, tenant_id=tenant_id, changes=to_json(dict(changes))
    )
    return changed == 1


async def mark_contact_point(
    tx: Transaction,
    tenant_id: UUID,
    person_id: UUID,
    *,
    kind: PointKind,
    address: str,
    state: PointState,
) -> bool:
    """Set the state of an address (as written, or its match key); False when it is so already."""
    changed = await tx.run(
        _MARK,
        tenant_id=tenant_id,
        person_id=person_id,
        kind=kind,
        address=address,
        state=state,
    )
    return changed > 0


async def hear(
    tx: Transaction,
    tenant_id: UUID,
    person_id: UUID,
    *,
    channel: Channel,
    match_key: str,
    at: datetime,
) -> bool:
    """Note that a person wrote to us on a channel at that moment; False without news.

    It stands with the address they wrote from, whose window it opens where the channel has
    one. On other channels it stands with another of theirs if that one is not known: they
    were heard of. A message that comes late moves nothing back.
    """
    traits = TRAITS[channel]
    said = {"channel": channel, "at": at, "match_key": match_key, "kind": traits.address}
    if traits.window is not None:
        return await tx.run(_HEARD, tenant_id=tenant_id, **said) > 0
    return await tx.run(_HEARD_OF, tenant_id=tenant_id, person_id=person_id, **said) > 0


async def note_refusal(tx: Transaction, tenant_id: UUID, person_id: UUID, *, at: datetime) -> bool:
    """Note that a person said they are not interested; False without news.

    Some laws ask for silence after it. The latest one counts, whatever came late.
    """
    return await tx.run(_REFUSED, tenant_id=tenant_id, person_id=person_id, at=at) > 0


async def set_lead_state(tx: Transaction, tenant_id: UUID, lead_id: UUID, state: LeadState) -> bool:
    """Move a lead to a state; False when it is there already or unknown."""
    return await tx.run(_LEAD_STATE, id=lead_id, tenant_id=tenant_id, state=state) == 1


async def set_appointment(
    tx: Transaction, tenant_id: UUID, lead_id: UUID, appointment: Mapping[str, Any]
) -> bool:
    """Keep an appointment (`id`, `starts_at`, `state`) with its lead; the last one told counts."""
    kept = await tx.run(
        _APPOINTMENT, id=lead_id, tenant_id=tenant_id, appointment=to_json(dict(appointment))
    )
    return kept == 1


async def set_deal(
    tx: Transaction, tenant_id: UUID, lead_id: UUID, deal: Mapping[str, Any]
) -> bool:
    """Keep what is told of a deal (`stage`) with its lead; the last one told counts."""
    return await tx.run(_DEAL, id=lead_id, tenant_id=tenant_id, deal=to_json(dict(deal))) == 1


def _require(changes: Mapping[str, Any], allowed: frozenset[str]) -> None:
    if unknown := changes.keys() - allowed:
        raise ValueError(f"no such field: {', '.join(sorted(unknown))}")
