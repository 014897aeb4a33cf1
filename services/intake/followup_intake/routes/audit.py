"""The record of who did what when: read, and exported."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from followup_contracts.payload import Moment
from followup_database import Database
from followup_directory import AuditEntry, AuditQuery, Principal, audit_page
from followup_intake.shapes import (
    AuditPage,
)
from followup_runtime.auth import require
from followup_runtime.openapi import media, shaped

PAGE = 1000

Reader = Annotated[Principal, Depends(require("audit:read"))]


def _query(
    key_id: UUID | None = None,
    subject: UUID | None = None,
    action: Annotated[str | None, Query(max_length=200)] = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> AuditQuery:
    return AuditQuery(key_id=key_id, subject=subject, action=action, since=since, until=until)


Asked = Annotated[AuditQuery, Depends(_query)]


class AuditRoutes:
    """The routes with what they call; `router` is what an app includes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(tags=["audit"])
        add = self.router.add_api_route
        add("/v1/audit", self.list_entries, methods=["GET"], responses=shaped(AuditPage))
        add(
            "/v1/audit/export",
            self.export,
            methods=["GET"],
            response_class=StreamingResponse,
            responses={200: media("application/x-ndjson", "An entry a line")},
        )

    async def list_entries(
        self,
        who: Reader,
        asked: Asked,
        before: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """Entries newest first, those that fit everything asked; `next` goes into `before`."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            found = await audit_page(tx, who.tenant_id, asked, before=before, most=limit)
        return {
            "entries": [_told(entry) for entry in found],
            "next": str(found[-1].id) if len(found) == limit else None,
        }

    async def export(self, who: Reader, asked: Asked) -> StreamingResponse:
        """All of them as NDJSON, newest first."""
        headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"'}
        return StreamingResponse(
            self._lines(who.tenant_id, asked), media_type="application/x-ndjson", headers=headers
        )

    async def _lines(self, tenant_id: UUID, asked: AuditQuery) -> AsyncIterator[bytes]:
        before = None
        while True:
            async with self._database.transaction(tenant=tenant_id) as tx:
                found = await audit_page(tx, tenant_id, asked, before=before, most=PAGE)
            yield b"".join(orjson.dumps(_told(entry)) + b"\n" for entry in found)
            if len(found) < PAGE:
                return
            before = found[-1].id


def _told(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "key_id": None if entry.key_id is None else str(entry.key_id),
        "action": entry.action,
        "subjects": [str(subject) for subject in entry.subjects],
        "detail": dict(entry.detail),
    }
