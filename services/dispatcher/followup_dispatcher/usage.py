"""How often a person was contacted: what caps are counted by, reserved with the claim.

One row a person, locked before it is decided on and always in key order, so that two
dispatchers that claim for the same person take turns.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database.engine import Transaction, to_json
from followup_dispatcher.core.priority import Waiter
from followup_policy.caps import PastContact

NOBODY: Mapping[UUID, Sequence[Waiter]] = {}

KEPT = timedelta(days=31)
"""The longest period a cap counts over is 30 days."""

_ENTER = text("""
INSERT INTO dispatcher.usage (person_id, tenant_id)
SELECT person_id, tenant_id FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  person_id uuid, tenant_id uuid) ORDER BY person_id
ON CONFLICT DO NOTHING RETURNING person_id
""")

_LOCK = text("""
SELECT person_id, contacts, waiting FROM dispatcher.usage
WHERE person_id = ANY(CAST(:people AS uuid[])) ORDER BY person_id FOR UPDATE
""")


@dataclass(frozen=True, slots=True)
class Usage:
    """A person's contacts of the last 31 days, and the touches that a cap put off.

    Attempts that were claimed, accepted or whose outcome is unknown are among the contacts.
    """

    contacts: tuple[PastContact, ...] = ()
    waiting: tuple[Waiter, ...] = ()


async def lock(tx: Transaction, people: Mapping[UUID, UUID]) -> dict[UUID, Usage]:
    """Lock these persons (person → tenant) and return what they were sent and what waits."""
    rows = [{"person_id": person, "tenant_id": tenant} for person, tenant in people.items()]
    # Whoever enters a person holds the row; so only those known before are left to lock.
    entered = {row["person_id"] for row in await tx.all(_ENTER, rows=to_json(rows))}
    known = sorted(people.keys() - entered)
    found = _usages(await tx.all(_LOCK, people=known)) if known else {}
    return found | dict.fromkeys(entered, Usage())


def _usages(rows: Sequence[Mapping[str, Any]]) -> dict[UUID, Usage]:
    return {
        row["person_id"]: Usage(
            tuple(map(_contact, row["contacts"])), tuple(map(_waiter, row["waiting"]))
        )
        for row in rows
    }


_SAVE = text("""
UPDATE dispatcher.usage u
SET contacts = COALESCE(r.contacts, u.contacts), waiting = COALESCE(r.waiting, u.waiting)
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(person_id uuid, contacts jsonb, waiting jsonb)
WHERE u.person_id = ANY(CAST(:people AS uuid[])) AND u.person_id = r.person_id
""")


async def save(
    tx: Transaction,
    contacts: Mapping[UUID, Sequence[PastContact]],
    waiting: Mapping[UUID, Sequence[Waiter]] = NOBODY,
) -> None:
    """Write the contacts, and what waits, of locked persons; who is not named stays as is.

    What no cap counts any more, and what nobody waits for, is left out.
    """
    oldest = tx.now - KEPT
    rows = [
        {
            "person_id": person,
            "contacts": [_json(c) for c in _needed(contacts[person], oldest)]
            if person in contacts
            else None,
            "waiting": [_waiter_json(w) for w in waiting[person] if w.until > tx.now]
            if person in waiting
            else None,
        }
        for person in contacts.keys() | waiting.keys()
    ]
    if rows:
        await tx.run(_SAVE, rows=to_json(rows), people=[row["person_id"] for row in rows])


_READ = text("""
SELECT person_id, contacts, waiting FROM dispatcher.usage
WHERE person_id = ANY(CAST(:people AS uuid[]))
""")


async def read(tx: Transaction, people: Collection[UUID]) -> dict[UUID, Usage]:
    """The same without a lock, for who only looks."""
    return _usages(await tx.all(_READ, people=sorted(people)))


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
        attempt=item.get("attempt"),
    )


def _json(contact: PastContact) -> dict[str, Any]:
    return {
        "touch": contact.touch_id,
        "channel": contact.channel,
        "at": contact.at.isoformat(),
        "round": contact.round,
        "sender": contact.sender,
        "attempt": contact.attempt,
    }


def _waiter(item: Mapping[str, Any]) -> Waiter:
    return Waiter(
        touch_id=item["touch"],
        channel=item["channel"],
        round=item["round"],
        rank=item["rank"],
        opens_at=datetime.fromisoformat(item["opens"]),
    )


def _waiter_json(waiter: Waiter) -> dict[str, Any]:
    return {
        "touch": waiter.touch_id,
        "channel": waiter.channel,
        "round": waiter.round,
        "rank": waiter.rank,
        "opens": waiter.opens_at.isoformat(),
    }
