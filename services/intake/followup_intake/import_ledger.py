"""Imports and their rows in the database: what was begun, how far it is, what became of it."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Database, Row, Transaction, new_id

PAGE = 5000

_BEGIN = text("""
INSERT INTO intake.imports (id, tenant_id, file_hash, created_at)
VALUES (:id, :tenant, :hash, :now)
ON CONFLICT (tenant_id, file_hash) DO UPDATE SET file_hash = excluded.file_hash
RETURNING id, rows_done
""")
_PROGRESS = text("""
UPDATE intake.imports i SET rows_done = :rows,
  accepted = i.accepted + n.accepted, merged = i.merged + n.merged,
  refused = i.refused + n.refused
FROM (
  SELECT count(*) FILTER (WHERE lead_id IS NOT NULL) AS accepted,
    count(*) FILTER (WHERE merged) AS merged, count(*) FILTER (WHERE lead_id IS NULL) AS refused
  FROM jsonb_to_recordset(CAST(:noted AS jsonb)) AS r(lead_id uuid, merged boolean)
) AS n
WHERE i.id = :id AND i.tenant_id = :tenant AND i.rows_done < :rows AND i.state = 'running'
""")
_DONE = text("""
UPDATE intake.imports SET state = 'done', finished_at = :now
WHERE id = :id AND tenant_id = :tenant AND state = 'running'
""")
_ROWS = text("""
INSERT INTO intake.import_rows
  (import_id, tenant_id, number, verdict, reason, other_reasons, lead_id, duplicate_of, merged)
SELECT :id, :tenant, number, verdict, reason,
  ARRAY(SELECT jsonb_array_elements_text(other_reasons)), lead_id, duplicate_of, merged
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  number int, verdict text, reason text, other_reasons jsonb, lead_id uuid, duplicate_of int,
  merged boolean)
ON CONFLICT DO NOTHING
""")
_COUNTED = text("""
SELECT reason, count(*) AS rows, count(*) FILTER (WHERE verdict <> 'reject') AS accepted,
  count(*) FILTER (WHERE merged) AS merged
FROM intake.import_rows WHERE import_id = :id AND tenant_id = :tenant
GROUP BY reason ORDER BY min(number)
""")
_REFUSALS = text("""
SELECT number, reason FROM intake.import_rows
WHERE import_id = :id AND tenant_id = :tenant AND verdict = 'reject' ORDER BY number LIMIT :most
""")
_IMPORT = "id, state, rows_done, accepted, merged, refused, created_at, finished_at"
_ONE = text(f"SELECT {_IMPORT} FROM intake.imports WHERE id = :id AND tenant_id = :tenant")
_LATEST = text(f"""
SELECT {_IMPORT} FROM intake.imports
WHERE tenant_id = :tenant AND (CAST(:before AS uuid) IS NULL OR id < :before)
ORDER BY id DESC LIMIT :most
""")
_RESULTS = text("""
SELECT number, verdict, reason, other_reasons, lead_id, duplicate_of, merged
FROM intake.import_rows
WHERE import_id = :id AND tenant_id = :tenant AND number > :after ORDER BY number LIMIT :most
""")


async def begin(tx: Transaction, hashed: bytes) -> tuple[UUID, int]:
    """The import of a file of this tenant, begun or found, and how many rows are done."""
    row = await tx.first(_BEGIN, id=new_id(), tenant=tx.tenant, hash=hashed, now=tx.now)
    if row is None:
        raise LookupError("an upsert returned no row")
    return row["id"], row["rows_done"]


async def note(tx: Transaction, import_id: UUID, rows: str, *, done: int) -> None:
    """Keep what became of rows (JSON), once each, and how far the import is."""
    await tx.run(_ROWS, id=import_id, tenant=tx.tenant, rows=rows)
    await tx.run(_PROGRESS, id=import_id, tenant=tx.tenant, rows=done, noted=rows)


async def finish(tx: Transaction, import_id: UUID) -> None:
    """Say that it is through; once is enough."""
    await tx.run(_DONE, id=import_id, tenant=tx.tenant, now=tx.now)


async def counted(tx: Transaction, import_id: UUID) -> Sequence[Row]:
    """Its rows counted by reason."""
    return await tx.all(_COUNTED, id=import_id, tenant=tx.tenant)


async def refusals(tx: Transaction, import_id: UUID, *, most: int) -> list[dict[str, object]]:
    """The first rows that were refused, with their reasons."""
    rows = await tx.all(_REFUSALS, id=import_id, tenant=tx.tenant, most=most)
    return [{"row": row["number"], "reason": row["reason"]} for row in rows]


async def one(tx: Transaction, import_id: UUID) -> dict[str, Any] | None:
    """How an import stands, in JSON values; None for one that is not this tenant's."""
    row = await tx.first(_ONE, id=import_id, tenant=tx.tenant)
    return None if row is None else _told(row)


async def latest(tx: Transaction, *, before: UUID | None, most: int) -> list[dict[str, Any]]:
    """A tenant's imports, newest first."""
    rows = await tx.all(_LATEST, tenant=tx.tenant, before=before, most=most)
    return [_told(row) for row in rows]


async def results(database: Database, tenant_id: UUID, import_id: UUID) -> AsyncIterator[list[Any]]:
    """What became of each row, in order, read a few thousand at a time."""
    after = 0
    while True:
        async with database.transaction(tenant=tenant_id) as tx:
            rows = await tx.all(_RESULTS, id=import_id, tenant=tenant_id, after=after, most=PAGE)
        for row in rows:
            lead = "" if row["lead_id"] is None else row["lead_id"]
            others = " ".join(row["other_reasons"])
            yield [
                row["number"], row["verdict"], row["reason"], others,
                lead, row["duplicate_of"], "yes" if row["merged"] else "no",
            ]  # fmt: skip
        if len(rows) < PAGE:
            return
        after = rows[-1]["number"]


def _told(row: Row) -> dict[str, Any]:
    return {
        "import_id": str(row["id"]),
        "state": row["state"],
        "rows_done": row["rows_done"],
        "accepted": row["accepted"],
        "merged": row["merged"],
        "refused": row["refused"],
        "created_at": _moment(row["created_at"]),
        "finished_at": _moment(row["finished_at"]),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
