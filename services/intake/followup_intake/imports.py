"""Importing a file: row by row, in transactions of a few hundred, resumable.

A row's identity is the file's hash and its number, so a file that is sent again goes on
where it stopped and ends with what one run would have ended with.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import islice
from typing import BinaryIO
from uuid import UUID

from followup_database import Database, Transaction, committed
from followup_database.engine import to_json
from followup_directory import Tenant
from followup_intake import import_ledger
from followup_intake.capture import Capture, Captured, Draft, Proof
from followup_intake.core.columns import NO_MAPPING, columns_of
from followup_intake.core.lead import RowResult
from followup_intake.core.normalise import normalise_rows
from followup_intake.core.table import read_table
from followup_intake.drafts import schema_of
from followup_suppression import StopFence

CHUNK = 500
REFUSALS_SHOWN = 1000


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


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of an import: the rows up to `done` were saved by an earlier one."""

    id: UUID
    tenant: Tenant
    name: str
    done: int


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
        mapping: Mapping[str, str] = NO_MAPPING,
        progress: Callable[[int], None] | None = None,
    ) -> ImportReport:
        """Import a file; raises `NotATable` or `WrongMapping` before anything is written.

        A damaged workbook may raise `NotATable` on the way: what was saved stays. Leads of
        an import are lane `later`. Rows saved by an earlier run of the same file with the
        same mapping are judged again (to know duplicates) and not saved again. Where a row
        refuses consent for a person known before, it returns once nothing can go to them.
        `progress` is told how many rows are done.
        """
        hashed = await asyncio.to_thread(_hash, file, mapping)
        table = await asyncio.to_thread(lambda: read_table(file, mapping=mapping))
        columns_of(table.header, mapping)
        async with self._database.transaction(tenant=tenant.id) as tx:
            import_id, done = await import_ledger.begin(tx, hashed)
        run = _Run(import_id, tenant, hashed.hex()[:24], done)
        rows = normalise_rows(
            table,
            today=today,
            default_country=tenant.settings.default_country,
            mapping=mapping,
            schema=schema_of(tenant),
        )
        # A run that was cut off may have answered nobody for what it refused.
        refused = done > 0
        async with aclosing(_chunks(rows)) as chunks:
            async for chunk in chunks:
                if chunk[-1].row > done:
                    captured = await self._chunk(run, chunk)
                    refused = refused or any(one.refused for one in captured)
                if progress is not None:
                    progress(chunk[-1].row)
        async with self._database.transaction(tenant=tenant.id) as tx:
            await import_ledger.finish(tx, import_id)
            report = await _report(tx, import_id)
        if refused:
            await self._fence.settle(self._fence.moment())
        return report

    async def _chunk(self, run: _Run, chunk: Sequence[RowResult]) -> list[Captured]:
        drafts = [
            Draft(r, r.lead, Proof("import"), external_id=f"import:{run.name}:{r.row}")
            for r in chunk
            if r.lead is not None
        ]

        async def work(tx: Transaction) -> list[Captured]:
            captured = await self._capture.save(tx, run.tenant, drafts, lane="later")
            await import_ledger.note(tx, run.id, _noted(chunk, captured), done=chunk[-1].row)
            return captured

        return await committed(self._database, work, tenant=run.tenant.id)


def _noted(chunk: Sequence[RowResult], captured: Sequence[Captured]) -> str:
    """The rows of a chunk as the ledger keeps them, in JSON."""
    saved = {one.row: one for one in captured}
    return to_json(
        [
            {
                "number": r.row,
                "verdict": r.verdict,
                "reason": r.reason,
                "other_reasons": list(r.other_reasons),
                "lead_id": saved[r.row].lead_id if r.row in saved else None,
                "duplicate_of": r.duplicate_of,
                "merged": r.duplicate_of is not None or (r.row in saved and saved[r.row].merged),
            }
            for r in chunk
        ]
    )


async def _report(tx: Transaction, import_id: UUID) -> ImportReport:
    """The report from the ledger: the same however often a run was cut off."""
    counted = await import_ledger.counted(tx, import_id)
    report = ImportReport(import_id)
    for row in counted:
        report.rows += row["rows"]
        report.accepted += row["accepted"]
        report.merged += row["merged"]
        report.reasons[row["reason"]] = row["rows"]
    report.refused = report.rows - report.accepted
    report.refusals = await import_ledger.refusals(tx, import_id, most=REFUSALS_SHOWN)
    return report


async def _chunks(rows: Iterable[RowResult]) -> AsyncGenerator[list[RowResult]]:
    """Chunks of rows, judged off the event loop so that requests beside it stay quick."""
    iterator = iter(rows)
    while chunk := await asyncio.to_thread(lambda: list(islice(iterator, CHUNK))):
        yield chunk


def _hash(file: BinaryIO, mapping: Mapping[str, str]) -> bytes:
    digest = sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    file.seek(0)
    if mapping:
        digest.update(to_json(sorted(mapping.items())).encode())
    return digest.digest()
