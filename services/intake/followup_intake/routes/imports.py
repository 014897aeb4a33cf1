"""Files of leads: imported, looked at before, followed, and their result fetched."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from followup_database import Database
from followup_directory import Principal
from followup_intake import import_ledger
from followup_intake.core.errors import NotATable, WrongMapping
from followup_intake.core.preview import preview
from followup_intake.core.report import csv_lines
from followup_intake.core.table import read_table
from followup_intake.drafts import schema_of
from followup_intake.imports import Importer, ImportReport
from followup_intake.routes.tenancy import active_tenant
from followup_intake.shapes import (
    ImportDone,
    ImportPage,
    ImportShape,
    PreviewedFile,
)
from followup_runtime.auth import require
from followup_runtime.openapi import body, media, shaped
from followup_runtime.problems import Problem

_KINDS = (
    "text/csv",
    "text/tab-separated-values",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
"""What a file is said to be, if anything: what it is, is seen by looking."""
_MEMORY = 8 * 1024 * 1024
_RESULT = ("row", "verdict", "reason", "other_reasons", "lead_id", "duplicate_of", "merged")

Writer = Annotated[Principal, Depends(require("leads:write"))]
Reader = Annotated[Principal, Depends(require("leads:read"))]
Mapped = Annotated[
    list[str] | None,
    Query(
        alias="map",
        max_length=200,
        description="What a column is: `Heading=field`, `Heading=attribute:name`,"
        " `Heading=ignore`; may be repeated",
    ),
]


class ImportRoutes:
    """The routes with what they call; `router` is what an app includes."""

    def __init__(self, database: Database, importer: Importer) -> None:
        self._database = database
        self._importer = importer
        self.router = APIRouter(tags=["imports"])
        add = self.router.add_api_route
        file = body(*_KINDS)
        add(
            "/v1/leads/import",
            self.post_import,
            methods=["POST"],
            responses=shaped(ImportDone),
            openapi_extra=file,
        )
        add(
            "/v1/leads/import/preview",
            self.post_preview,
            methods=["POST"],
            openapi_extra=file,
            responses=shaped(PreviewedFile),
        )
        add("/v1/imports", self.list_imports, methods=["GET"], responses=shaped(ImportPage))
        add(
            "/v1/imports/{import_id}",
            self.get_import,
            methods=["GET"],
            responses=shaped(ImportShape),
        )
        add(
            "/v1/imports/{import_id}/result.csv",
            self.get_result,
            methods=["GET"],
            response_class=StreamingResponse,
            responses={200: media("text/csv", "A row for each row of the file")},
        )

    async def post_import(
        self, request: Request, who: Writer, mapped: Mapped = None
    ) -> dict[str, Any]:
        """Take a CSV, TSV or XLSX file as the body; leads get lane `later`.

        Safe to send again: an import that was cut off goes on where it stopped, and ends
        with the report it would have had.
        """
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            tenant, today = await active_tenant(tx, who), tx.now.date()
        mapping = _mapping(mapped or [])
        with SpooledTemporaryFile(max_size=_MEMORY) as spooled:
            file = await _received(request, cast("BinaryIO", spooled))
            try:
                report = await self._importer.run(file, tenant=tenant, today=today, mapping=mapping)
            except (NotATable, WrongMapping) as error:
                raise _refused(error) from None
        return told(report)

    async def post_preview(
        self, request: Request, who: Writer, mapped: Mapped = None
    ) -> dict[str, Any]:
        """What the file would become: how its columns are read and its first rows judged.

        Nothing is written.
        """
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            tenant, today = await active_tenant(tx, who), tx.now.date()
        mapping, country = _mapping(mapped or []), tenant.settings.default_country
        schema = schema_of(tenant)
        with SpooledTemporaryFile(max_size=_MEMORY) as spooled:
            file = await _received(request, cast("BinaryIO", spooled))

            def look() -> dict[str, Any]:
                table = read_table(file, mapping=mapping)
                return preview(
                    table, today=today, default_country=country, mapping=mapping, schema=schema
                )

            try:
                return await asyncio.to_thread(look)
            except (NotATable, WrongMapping) as error:
                raise _refused(error) from None

    async def list_imports(
        self,
        who: Reader,
        before: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """Imports, newest first; `next` goes into `before` for the following page."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            found = await import_ledger.latest(tx, before=before, most=limit)
        return {"imports": found, "next": found[-1]["import_id"] if len(found) == limit else None}

    async def get_import(self, import_id: UUID, who: Reader) -> dict[str, Any]:
        """How far an import is; `done` once every row has its verdict."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            return _known(await import_ledger.one(tx, import_id))

    async def get_result(self, import_id: UUID, who: Reader) -> StreamingResponse:
        """What became of each row, as CSV that no spreadsheet takes for formulas."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            _known(await import_ledger.one(tx, import_id))
        headers = {"Content-Disposition": f'attachment; filename="import-{import_id}.csv"'}
        lines = _lines(import_ledger.results(self._database, who.tenant_id, import_id))
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def told(report: ImportReport) -> dict[str, Any]:
    """A report in JSON values."""
    return {
        "import_id": str(report.id),
        "rows": report.rows,
        "accepted": report.accepted,
        "merged": report.merged,
        "refused": report.refused,
        "reasons": report.reasons,
        "refusals": report.refusals,
    }


async def _received(request: Request, file: BinaryIO) -> BinaryIO:
    async for block in request.stream():
        await asyncio.to_thread(file.write, block)
    file.seek(0)
    return file


async def _lines(rows: AsyncIterator[list[Any]]) -> AsyncIterator[str]:
    (header,) = csv_lines(_RESULT, [])
    yield header
    async for row in rows:
        _, line = csv_lines((), [row])
        yield line


def _mapping(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        heading, equals, field = pair.rpartition("=")
        if not equals or not heading.strip():
            raise Problem(422, detail=f"{pair!r} is not Heading=field", pointer="?map")
        found[heading] = field.strip()
    return found


def _refused(error: NotATable | WrongMapping) -> Problem:
    match error:
        case NotATable():
            return Problem(422, "Not a table", str(error), pointer="")
        case WrongMapping():
            return Problem(422, "Wrong mapping", str(error), pointer="?map")


def _known(found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None:
        raise Problem(404, detail="there is no such import", pointer="{import_id}")
    return found
