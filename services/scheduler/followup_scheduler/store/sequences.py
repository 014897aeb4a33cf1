"""Statements on `scheduler.sequences`. A version never changes; only drafts get published."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_database.engine import to_json

_ROWS = "jsonb_to_recordset(CAST(:rows AS jsonb))"

_CURRENT = text(f"""
SELECT s.tenant_id, s.key, max(s.version) AS version
FROM scheduler.sequences AS s
JOIN {_ROWS} AS r(tenant_id uuid, key text) ON r.tenant_id = s.tenant_id AND r.key = s.key
WHERE s.state = 'published' GROUP BY s.tenant_id, s.key
""")

_READ = text(f"""
SELECT s.tenant_id, s.key, s.version, s.document, s.contents
FROM scheduler.sequences AS s
JOIN {_ROWS} AS r(tenant_id uuid, key text, version int)
  ON r.tenant_id = s.tenant_id AND r.key = s.key AND r.version = s.version
""")

_INSTALL = text(f"""
INSERT INTO scheduler.sequences (tenant_id, key, version, state, document, source, contents)
SELECT tenant_id, key, version, state, document, source, contents
FROM {_ROWS} AS r(tenant_id uuid, key text, version int, state text, document jsonb,
  source text, contents jsonb)
ORDER BY tenant_id, key, version
ON CONFLICT (tenant_id, key, version) DO NOTHING
""")

# Serialises writers of one key, so that versions are dense and nobody's is lost.
_LOCK_KEY = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")

_LAST = text("""
SELECT key, version, state, source, created_at FROM scheduler.sequences
WHERE tenant_id = :tenant AND key = :key ORDER BY version DESC LIMIT 1
""")

_VERSION = text("""
SELECT key, version, state, source, created_at FROM scheduler.sequences
WHERE tenant_id = :tenant AND key = :key AND version = :version
""")

_PUBLISH = text("""
UPDATE scheduler.sequences
SET state = 'published', plan = :plan,
    published_at = COALESCE(published_at, CAST(:now AS timestamptz))
WHERE tenant_id = :tenant AND key = :key AND version = :version
""")

_LAST_PUBLISHED = text("""
SELECT version, plan FROM scheduler.sequences
WHERE tenant_id = :tenant AND key = :key AND state = 'published' AND version < :before
ORDER BY version DESC LIMIT 1
""")

_VERSIONS = text("""
SELECT s.version, s.state, s.plan, s.created_at, s.published_at, COALESCE(live.leads, 0) AS leads
FROM scheduler.sequences AS s
LEFT JOIN (
  SELECT version, count(*) AS leads FROM scheduler.enrollments
  WHERE tenant_id = :tenant AND sequence = :key AND state IN ('active', 'paused', 'held')
  GROUP BY version) AS live ON live.version = s.version
WHERE s.tenant_id = :tenant AND s.key = :key ORDER BY s.version DESC LIMIT 1000
""")


_PUBLISHED = text("""
SELECT tenant_id, key, max(version) AS version FROM scheduler.sequences
WHERE tenant_id = ANY(CAST(:tenants AS uuid[])) AND state = 'published' GROUP BY tenant_id, key
""")

_STARTS = text(f"""
SELECT s.tenant_id, s.key, s.version, COALESCE(s.document -> 'starts', '[]') AS starts
FROM scheduler.sequences AS s
JOIN {_ROWS} AS r(tenant_id uuid, key text, version int)
  ON r.tenant_id = s.tenant_id AND r.key = s.key AND r.version = s.version
""")


@dataclass(frozen=True, slots=True)
class Stored:
    """A version of a sequence. `contents` maps the names of its texts to their hashes."""

    tenant_id: UUID
    key: str
    version: int
    state: str
    document: Mapping[str, Any]
    source: str
    contents: Mapping[str, str]


async def current(tx: Transaction, keys: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], int]:
    """(tenant, key) → newest published version, for those that have one."""
    rows = to_json([{"tenant_id": tenant, "key": key} for tenant, key in keys])
    found = await tx.all(_CURRENT, rows=rows)
    return {(row["tenant_id"], row["key"]): row["version"] for row in found}


async def read(tx: Transaction, versions: Iterable[tuple[UUID, str, int]]) -> list[dict[str, Any]]:
    """Document and contents of exact versions."""
    rows = to_json([{"tenant_id": t, "key": k, "version": v} for t, k, v in versions])
    return [dict(row) for row in await tx.all(_READ, rows=rows)]


async def published(tx: Transaction, tenants: Iterable[UUID]) -> set[tuple[UUID, str, int]]:
    """The newest published version of every sequence of these tenants."""
    rows = await tx.all(_PUBLISHED, tenants=list(tenants))
    return {(row["tenant_id"], row["key"], row["version"]) for row in rows}


async def starts(
    tx: Transaction, versions: Iterable[tuple[UUID, str, int]]
) -> dict[tuple[UUID, str, int], list[dict[str, Any]]]:
    """By which events leads enter exact versions, as documents write it."""
    rows = to_json([{"tenant_id": t, "key": k, "version": v} for t, k, v in versions])
    found = await tx.all(_STARTS, rows=rows)
    return {(row["tenant_id"], row["key"], row["version"]): row["starts"] for row in found}


async def insert(tx: Transaction, versions: Sequence[Stored]) -> int:
    """Store versions; one that is there already stays as it is. Returns how many are new."""
    rows = [
        {
            "tenant_id": version.tenant_id,
            "key": version.key,
            "version": version.version,
            "state": version.state,
            "document": version.document,
            "source": version.source,
            "contents": version.contents,
        }
        for version in versions
    ]
    return await tx.run(_INSTALL, rows=to_json(rows))


async def lock(tx: Transaction, tenant_id: UUID, key: str) -> None:
    """Be the only writer of this key until the transaction ends."""
    await tx.run(_LOCK_KEY, name=f"scheduler.sequence:{tenant_id}:{key}")


async def last(tx: Transaction, tenant_id: UUID, key: str) -> dict[str, Any] | None:
    """The newest version, draft or published."""
    row = await tx.first(_LAST, tenant=tenant_id, key=key)
    return None if row is None else dict(row)


async def version(tx: Transaction, tenant_id: UUID, key: str, number: int) -> dict[str, Any] | None:
    """One version."""
    row = await tx.first(_VERSION, tenant=tenant_id, key=key, version=number)
    return None if row is None else dict(row)


async def publish(tx: Transaction, tenant_id: UUID, key: str, number: int, *, plan: str) -> None:
    """Let new enrollments take this version; publishing it again only changes the plan."""
    await tx.run(_PUBLISH, tenant=tenant_id, key=key, version=number, plan=plan, now=tx.now)


async def last_published(
    tx: Transaction, tenant_id: UUID, key: str, *, before: int
) -> dict[str, Any] | None:
    """Version and plan of the newest publication before a version."""
    row = await tx.first(_LAST_PUBLISHED, tenant=tenant_id, key=key, before=before)
    return None if row is None else dict(row)


async def versions(tx: Transaction, tenant_id: UUID, key: str) -> list[dict[str, Any]]:
    """The versions of a sequence, newest first, and how many live runs each has."""
    return [dict(row) for row in await tx.all(_VERSIONS, tenant=tenant_id, key=key)]
