"""Who did what when: an entry for every change made by a person or a key.

Entries hold ids and names of things, never personal data, and are never changed: they
outlast the erasure of whoever they are about. `at` is machine time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction, new_id
from followup_database.engine import to_json

Actor = Literal["key", "command", "service"]

_RECORD = text("""
    INSERT INTO directory.audit (id, tenant_id, actor, key_id, action, subjects, detail)
    VALUES (:id, :tenant_id, :actor, :key_id, :action, CAST(:subjects AS uuid[]),
        CAST(:detail AS jsonb))
""")
_PAGE = text("""
    SELECT id, at, actor, key_id, action, subjects, detail FROM directory.audit
    WHERE tenant_id = :tenant_id
      AND (CAST(:before AS uuid) IS NULL OR id < :before)
      AND (CAST(:key_id AS uuid) IS NULL OR key_id = :key_id)
      AND (CAST(:subject AS uuid) IS NULL OR subjects @> ARRAY[CAST(:subject AS uuid)])
      AND (CAST(:action AS text) IS NULL OR action = :action)
      AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR at < :until)
    ORDER BY id DESC LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done. `subjects` are the ids it was done to, `detail` says more without them."""

    action: str
    subjects: Sequence[UUID] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A deed as it was recorded."""

    id: UUID
    at: datetime
    actor: Actor
    key_id: UUID | None
    action: str
    subjects: tuple[UUID, ...]
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries are wanted: those that fit everything named."""

    key_id: UUID | None = None
    subject: UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def record_deed(
    tx: Transaction, tenant_id: UUID, deed: Deed, *, key_id: UUID | None, actor: Actor = "key"
) -> None:
    """Record a deed in the transaction of what it did, or right behind it."""
    await tx.run(
        _RECORD,
        id=new_id(),
        tenant_id=tenant_id,
        actor=actor,
        key_id=key_id,
        action=deed.action,
        subjects=list(deed.subjects),
        detail=to_json(dict(deed.detail)),
    )


async def audit_page(
    tx: Transaction, tenant_id: UUID, query: AuditQuery, *, before: UUID | None, most: int
) -> list[AuditEntry]:
    """Up to `most` entries older than `before`, newest first."""
    rows = await tx.all(
        _PAGE,
        tenant_id=tenant_id,
        before=before,
        most=most,
        key_id=query.key_id,
        subject=query.subject,
        action=query.action,
        since=query.since,
        until=query.until,
    )
    return [
        AuditEntry(
            id=row["id"],
            at=row["at"],
            actor=row["actor"],
            key_id=row["key_id"],
            action=row["action"],
            subjects=tuple(row["subjects"]),
            detail=row["detail"],
        )
        for row in rows
    ]
