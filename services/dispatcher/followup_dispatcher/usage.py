"""How often a person was contacted: what caps are counted by, reserved with the claim.

One row a person, locked before it is decided on and always in key order, so that two
dispatchers that claim for the same person take turns.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database.engine import Transaction, to_json
from followup_policy.caps import PastContact

KEPT = timedelta(days=31)
"""The longest period a cap counts over is 30 days."""

_ENTER = text("""
INSERT INTO dispatcher.usage (person_id, tenant_id)
SELECT person_id, tenant_id FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  person_id uuid, tenant_id uuid) ORDER BY person_id
ON CONFLICT DO NOTHING
""")

_LOCK = text("""
SELECT person_id, contacts FROM dispatcher.usage
WHERE person_id = ANY(CAST(:people AS uuid[])) ORDER BY person_id FOR UPDATE
""")


async def lock(tx: Transaction, people: Mapping[UUID, UUID]) -> dict[UUID, tuple[PastContact, ...]]:
    """Lock these persons (person → tenant) and return their contacts of the last 31 days.

    Attempts that were claimed, accepted or whose outcome is unknown are among them.
    """
    rows = [{"person_id": person, "tenant_id": tenant} for person, tenant in people.items()]
    await tx.run(_ENTER, rows=to_json(rows))
    found = await tx.all(_LOCK, people=list(people))
    return {row["person_id"]: tuple(map(_contact, row["contacts"])) for row in found}


_SAVE = text("""
UPDATE dispatcher.usage u SET contacts = r.contacts
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(person_id uuid, contacts jsonb)
WHERE u.person_id = r.person_id
""")


async def save(tx: Transaction, contacts: Mapping[UUID, Sequence[PastContact]]) -> None:
    """Write the contacts of locked persons; what no cap counts any more is left out."""
    if not contacts:
        return
    oldest = tx.now - KEPT
    rows = [
        {"person_id": person, "contacts": [_json(c) for c in _needed(held, oldest)]}
        for person, held in contacts.items()
    ]
    await tx.run(_SAVE, rows=to_json(rows))


async def hold(tx: Transaction, people: Collection[UUID]) -> None:
    """Lock persons whose contacts may change later in this transaction.

    Whoever changes attempts and contacts takes the contacts first, as a claim does.
    """
    if people:
        await tx.all(_LOCK, people=sorted(people))


async def give_back(tx: Transaction, touches: Sequence[tuple[UUID, UUID]]) -> None:
    """Take touches that were not sent after all off their persons; (person, touch) pairs."""
    if not touches:
        return
    gone = {str(touch) for _, touch in touches}
    found = await tx.all(_LOCK, people=sorted({person for person, _ in touches}))
    left = {
        row["person_id"]: [
            contact for contact in map(_contact, row["contacts"]) if contact.touch_id not in gone
        ]
        for row in found
    }
    await save(tx, left)


def _needed(held: Sequence[PastContact], oldest: datetime) -> list[PastContact]:
    """What caps count, and of each channel the newest: its sender is the person's."""
    newest = {c.channel: c for c in sorted(held, key=lambda c: c.at)}
    return [c for c in held if c.at > oldest or newest[c.channel] is c]


def _contact(item: Mapping[str, Any]) -> PastContact:
    return PastContact(
        touch_id=item["touch"],
        channel=item["channel"],
        at=datetime.fromisoformat(item["at"]),
        round=item["round"],
        sender=item.get("sender"),
    )


def _json(contact: PastContact) -> dict[str, Any]:
    return {
        "touch": contact.touch_id,
        "channel": contact.channel,
        "at": contact.at.isoformat(),
        "round": contact.round,
        "sender": contact.sender,
    }
