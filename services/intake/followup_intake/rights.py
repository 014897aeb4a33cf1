"""Forgetting somebody: at once what can be sent to, and every service's part after it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_contracts import Unreadable, decode
from followup_contracts.ingress import LeadSubmitted
from followup_database import Transaction
from followup_database.personal import Subject, erase_rows
from followup_directory import tenants_by_id
from followup_intake.core.emails import match_key_email
from followup_intake.core.normalise import normalise_lead
from followup_messaging import dead
from followup_people import ask_right, forget_parts, same_person
from followup_people.tables import PERSONAL
from followup_suppression import AddressHasher, suppress
from followup_suppression.listing import Entry, listings

_POINTS = text("""
    SELECT kind, address, match_key FROM people.contact_points
    WHERE tenant_id = :tenant_id AND person_id = ANY(CAST(:persons AS uuid[]))
""")
# Before anything else, as whoever is about to keep something of a person does.
_LOCK = text("""
    SELECT id FROM people.persons
    WHERE tenant_id = :tenant_id AND id = ANY(CAST(:persons AS uuid[])) ORDER BY id FOR UPDATE
""")
_LEADS = text("""
    SELECT id FROM people.leads
    WHERE tenant_id = :tenant_id AND person_id = ANY(CAST(:persons AS uuid[]))
""")


class Rights:
    """What a person may ask of a tenant, in the caller's transaction."""

    def __init__(self, hasher: AddressHasher) -> None:
        self._hasher = hasher

    async def erase(
        self,
        tx: Transaction,
        tenant_id: UUID,
        person_id: UUID,
        *,
        listed: bool,
        key_id: UUID | None = None,
    ) -> UUID:
        """Forget a person: what the people library knows of them now, the rest by and by.

        With `listed` their addresses stay on the suppression list, as keyed hashes: who is
        forgotten is not contacted anew. Returns the request by which the services' parts
        are followed. Answer for it only after `StopFence.settle`.
        """
        subject = await self._subject(tx, tenant_id, person_id)
        await tx.all(_LOCK, tenant_id=tenant_id, persons=list(subject.persons))
        points = await tx.all(_POINTS, tenant_id=tenant_id, persons=list(subject.persons))
        if listed and points:
            entries: list[Entry] = [
                (point["kind"], "all", self._hasher.hash(point["kind"], point["address"]))
                for point in points
            ]
            await suppress(tx, tenant_id, entries, reason="erased", via="rights")
        for table in PERSONAL:
            await erase_rows(tx, table, subject)
        await forget_parts(tx, tenant_id, subject.persons)
        return await ask_right(
            tx, tenant_id, "erase", subject.persons, addresses=subject.addresses, key_id=key_id
        )

    async def export(
        self, tx: Transaction, tenant_id: UUID, person_id: UUID, *, key_id: UUID | None
    ) -> UUID:
        """Ask every service for what it keeps about a person."""
        subject = await self._subject(tx, tenant_id, person_id)
        return await ask_right(
            tx, tenant_id, "export", subject.persons, addresses=subject.addresses, key_id=key_id
        )

    async def listed(self, tx: Transaction, subject: Subject) -> Mapping[str, Any]:
        """What stands on the suppression list against somebody: intake's part beside tables."""
        points = await tx.all(_POINTS, tenant_id=subject.tenant_id, persons=list(subject.persons))
        hashes = [self._hasher.hash(point["kind"], point["address"]) for point in points]
        found = await listings(tx, subject.tenant_id, hashes)
        return {
            "suppressions": [
                {
                    "channel": each.channel,
                    "reason": each.reason,
                    "via": each.via,
                    "listed_at": each.listed_at.isoformat(),
                }
                for each in found
            ]
        }

    async def _subject(self, tx: Transaction, tenant_id: UUID, person_id: UUID) -> Subject:
        known = await same_person(tx, [person_id])
        persons = sorted(known.get(person_id, frozenset({person_id})) | {person_id})
        points = await tx.all(_POINTS, tenant_id=tenant_id, persons=persons)
        addresses = {point[name] for point in points for name in ("address", "match_key")}
        return Subject(tenant_id, persons, sorted(addresses))


async def forget_letters(tx: Transaction, subject: Subject) -> Mapping[str, int]:
    """Delete dead letters with raw leads of somebody: nobody knew whose they were till now."""
    tenant = (await tenants_by_id(tx, [subject.tenant_id])).get(subject.tenant_id)
    country = "US" if tenant is None else tenant.settings.default_country
    wanted = frozenset(subject.addresses)
    letters = await dead.raw_letters(tx, subject.tenant_id, LeadSubmitted.type_name)
    theirs = [one.id for one in letters if wanted & _addresses(one.body, tx, country)]
    return {"messaging.dead": await dead.forget(tx, theirs)}


def _addresses(body: bytes, tx: Transaction, country: str) -> set[str]:
    """Addresses in a raw lead, as they are kept; one nobody can read has none."""
    try:
        data = decode(body).data
    except Unreadable:
        return set()
    if not isinstance(data, LeadSubmitted):
        return set()
    lead = normalise_lead(data.fields, today=tx.now.date(), default_country=country).lead
    if lead is None:
        return set()
    email = lead.email_normalized
    found: Sequence[str | None] = (lead.phone_e164, email, email and match_key_email(email))
    return {each for each in found if each}
