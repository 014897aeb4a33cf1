"""Importing a file: row by row, in transactions of a few hundred, resumable.

A row's identity is the file's hash and its number, so a file that is sent again goes on
where it stopped and ends with what one run would have ended with.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import islice
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import text

from followup_database import Database, Transaction, committed, new_id
from followup_database.engine import to_json
from followup_directory import Tenant
from followup_intake.capture import Capture, Captured, Draft, Proof
from followup_intake.core.lead import RowResult
from followup_intake.core.normalise import normalise_rows
from followup_intake.core.table import read_table
from followup_suppression import StopFence

CHUNK = 500

_BEGIN = text("""
INSERT INTO intake.imports (id, tenant_id, file_hash, created_at)
VALUES (:id, :tenant, :hash, :now)
ON CONFLICT (tenant_id, file_hash) DO UPDATE SET file_hash = excluded.file_hash
RETURNING id, state, rows_done, accepted, merged, refused
""")
_PROGRESS = text("""
UPDATE intake.imports SET rows_done = :rows, accepted = accepted + :accepted,
  merged = merged + :merged, refused = refused + :refused
WHERE id = :id AND tenant_id = :tenant AND rows_done < :rows AND state = 'running'
""")
_DONE = text("UPDATE intake.imports SET state = 'done' WHERE id = :id AND tenant_id = :tenant")
_ROWS = text("""
INSERT INTO intake.import_rows
  (import_id, tenant_id, number, verdict, reason, lead_id, duplicate_of)
SELECT :id, :tenant, number, verdict, reason, lead_id, duplicate_of
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  number int, verdict text, reason text, lead_id uuid, duplicate_of int)
ON CONFLICT DO NOTHING
""")


@dataclass(slots=True)
class ImportReport:
    """What an import came to. `merged` rows are among the accepted; `reasons` count all rows."""

    id: UUID
    rows: int = 0
    accepted: int = 0
    merged: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: list[dict[str, object]] = field(default_factory=list)


REFUSALS_SHOWN = 1000


class Importer:
    """Imports files for a tenant."""

    def __init__(self, database: Database, *, capture: Capture, fence: StopFence) -> None:
        self._database = database
        self._capture = capture
        self._fence = fence

    async def run(
        self,
        file: BinaryIO,
        *,
        tenant: Tenant,
        today: date,
        progress: Callable[[ImportReport], None] | None = None,
    ) -> ImportReport:
        """Import a file; raises `NotATable` before anything is written when it is none.

        Leads of an import are lane `later`. Rows already done by an earlier run of the
        same file are judged again (to know duplicates) and not saved again. Where a row
        refuses consent for a person known before, it returns once nothing can go to them.
        """
        hashed = await asyncio.to_thread(_hash, file)
        table = read_table(file)
        async with self._database.transaction(tenant=tenant.id) as tx:
            begun = await tx.first(_BEGIN, id=new_id(), tenant=tenant.id, hash=hashed, now=tx.now)
        if begun is None:
            raise LookupError("an upsert returned no row")
        report = ImportReport(begun["id"])
        rows = normalise_rows(table, today=today, default_country=tenant.settings.default_country)
        refused = False
        async for chunk in _chunks(rows):
            captured = await self._chunk(
                report, chunk, tenant=tenant, file=hashed, done=begun["rows_done"]
            )
            refused = refused or any(one.refused for one in captured)
            if progress is not None:
                progress(report)
        async with self._database.transaction(tenant=tenant.id) as tx:
            await tx.run(_DONE, id=report.id, tenant=tenant.id)
        if refused:
            await self._fence.settle(self._fence.moment())
        return report

    async def _chunk(
        self,
        report: ImportReport,
        chunk: Sequence[RowResult],
        *,
        tenant: Tenant,
        file: bytes,
        done: int,
    ) -> list[Captured]:
        drafts = [
            Draft(r, r.lead, Proof("import"), external_id=f"import:{file.hex()[:24]}:{r.row}")
            for r in chunk
            if r.lead is not None
        ]

        async def work(tx: Transaction) -> list[Captured]:
            captured = await self._capture.save(tx, tenant, drafts, lane="later")
            await self._note(tx, report, chunk, captured, fresh=chunk[-1].row > done)
            return captured

        captured = await committed(self._database, work, tenant=tenant.id)
        _count(report, chunk, captured)
        return captured

    async def _note(
        self,
        tx: Transaction,
        report: ImportReport,
        chunk: Sequence[RowResult],
        captured: Sequence[Captured],
        *,
        fresh: bool,
    ) -> None:
        leads = {one.row: one.lead_id for one in captured}
        rows = [
            {
                "number": r.row,
                "verdict": r.verdict,
                "reason": r.reason,
                "lead_id": leads.get(r.row),
                "duplicate_of": r.duplicate_of,
            }
            for r in chunk
        ]
        await tx.run(_ROWS, id=report.id, tenant=tx.tenant, rows=to_json(rows))
        if fresh:
            await tx.run(
                _PROGRESS,
                id=report.id,
                tenant=tx.tenant,
                rows=chunk[-1].row,
                accepted=sum(r.lead is not None for r in chunk),
                merged=sum(r.duplicate_of is not None for r in chunk),
                refused=sum(r.lead is None for r in chunk),
            )


def _count(report: ImportReport, chunk: Sequence[RowResult], captured: Sequence[Captured]) -> None:
    merged = {one.row for one in captured if one.merged and not one.repeated}
    for result in chunk:
        report.rows += 1
        report.reasons[result.reason] = report.reasons.get(result.reason, 0) + 1
        if result.lead is None:
            report.refused += 1
            if len(report.refusals) < REFUSALS_SHOWN:
                report.refusals.append({"row": result.row, "reason": result.reason})
        else:
            report.accepted += 1
            report.merged += result.duplicate_of is not None or result.row in merged


async def _chunks(rows: Iterable[RowResult]) -> AsyncIterator[list[RowResult]]:
    """Chunks of rows, judged off the event loop so that requests beside it stay quick."""
    iterator = iter(rows)
    while chunk := await asyncio.to_thread(lambda: list(islice(iterator, CHUNK))):
        yield chunk


def _hash(file: BinaryIO) -> bytes:
    digest = sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    file.seek(0)
    return digest.digest()
