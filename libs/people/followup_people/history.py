"""What was changed of somebody by hand: from what to what, when, by which key."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction, new_id
from followup_database.engine import to_json

_NOTE = text("""
    INSERT INTO people.history (id, tenant_id, person_id, lead_id, key_id, changes, at)
    VALUES (:id, :tenant_id, :person_id, :lead_id, :key_id, CAST(:changes AS jsonb), :at)
""")
_OF = text("""
    SELECT id, lead_id, key_id, changes, at FROM people.history
    WHERE tenant_id = :tenant_id AND person_id = :person_id ORDER BY id DESC LIMIT :most
""")


async def note_change(
    tx: Transaction,
    tenant_id: UUID,
    person_id: UUID,
    changes: Mapping[str, tuple[Any, Any]],
    *,
    lead_id: UUID | None = None,
    key_id: UUID | None = None,
) -> None:
    """Keep what fields were and have become."""
    await tx.run(
        _NOTE,
        id=new_id(),
        tenant_id=tenant_id,
        person_id=person_id,
        lead_id=lead_id,
        key_id=key_id,
        changes=to_json({name: list(pair) for name, pair in changes.items()}),
        at=tx.now,
    )


async def changes_of(
    tx: Transaction, tenant_id: UUID, person_id: UUID, *, most: int
) -> list[dict[str, Any]]:
    """The latest changes of a person, newest first, in JSON values."""
    rows = await tx.all(_OF, tenant_id=tenant_id, person_id=person_id, most=most)
    return [
        {
            "at": row["at"].isoformat(),
            "lead_id": None if row["lead_id"] is None else str(row["lead_id"]),
            "key_id": None if row["key_id"] is None else str(row["key_id"]),
            "changes": {
                name: {"from": before, "to": after}
                for name, (before, after) in row["changes"].items()
            },
        }
        for row in rows
    ]
