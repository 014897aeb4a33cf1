"""What a person may ask for: all that is kept about them, and to be forgotten."""

import asyncio
import io
import time
import zipfile
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from followup_database import Database
from followup_directory import Principal
from followup_intake.rights import Rights
from followup_intake.shapes import (
    ErasureAsked,
    ErasureShape,
)
from followup_people import (
    LeadView,
    RightState,
    leads_by_id,
    recent_export,
    right_parts,
    right_state,
)
from followup_runtime.auth import require
from followup_runtime.deeds import did
from followup_runtime.openapi import Responses, also, shaped
from followup_runtime.problems import Problem
from followup_suppression import StopFence

JSON, ZIP = "application/json", "application/zip"
_ROWS = {"type": "array", "items": {"type": "object"}}
_PARTS = {
    "type": "object",
    "description": "By service, and there by table: its rows",
    "additionalProperties": {"type": "object", "additionalProperties": _ROWS},
}
_LATER = {
    "type": "object",
    "required": ["export_id", "state"],
    "properties": {
        "export_id": {"type": "string", "format": "uuid"},
        "state": {"const": "running"},
    },
}
WAITS = 10.0
"""Seconds an export is waited for before its caller is told to come again."""
_POLL = 0.1
_RECENT = 300

Reader = Annotated[Principal, Depends(require("persons:read"))]
Eraser = Annotated[Principal, Depends(require("persons:erase"))]
Form = Annotated[Literal["json", "zip"], Query(alias="format")]


class RightsRoutes:
    """The routes with what they call; `router` is what an app includes."""

    def __init__(self, database: Database, rights: Rights, fence: StopFence) -> None:
        self._database = database
        self._rights = rights
        self._fence = fence
        self.router = APIRouter(tags=["rights"])
        add = self.router.add_api_route
        add(
            "/v1/leads/{lead_id}",
            self.delete_lead,
            methods=["DELETE"],
            status_code=202,
            responses=shaped(ErasureAsked, 202),
        )
        exported: Responses = {
            200: {"description": "Everything", "content": {JSON: {"schema": _PARTS}, ZIP: {}}},
            202: {
                "description": "Not yet all of it; `Location` says where it will be",
                "content": {JSON: {"schema": _LATER}},
            },
        }
        add("/v1/leads/{lead_id}/export", self.export_lead, methods=["GET"], responses=exported)
        add(
            "/v1/exports/{export_id}",
            self.get_export,
            methods=["GET"],
            responses={**exported, **also(410)},
        )
        add(
            "/v1/erasures/{erasure_id}",
            self.get_erasure,
            methods=["GET"],
            responses=shaped(ErasureShape),
        )

    async def delete_lead(
        self, lead_id: UUID, request: Request, who: Eraser, *, suppress: bool = True
    ) -> dict[str, Any]:
        """Forget the person of this lead, with all their leads.

        Answered once nothing can go to them any more; every service deletes its part
        within seconds (`GET /v1/erasures/{id}`). Their addresses stay suppressed, as keyed
        hashes, unless `suppress=false`.
        """
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            lead = _known((await leads_by_id(tx, [lead_id])).get(lead_id))
            erasure = await self._rights.erase(
                tx, who.tenant_id, lead.person_id, listed=suppress, key_id=who.key_id
            )
        did(request, subjects=[lead.person_id, erasure], detail={"suppress": suppress})
        await self._fence.settle(self._fence.moment())
        return {"erasure_id": str(erasure), "lead_id": str(lead_id)}

    async def get_erasure(self, erasure_id: UUID, who: Reader) -> dict[str, Any]:
        """How an erasure stands: which services have not done their part, and counts of rows."""
        state = await self._state(who.tenant_id, erasure_id, "erase")
        return {
            "erasure_id": str(state.id),
            "state": "done" if state.finished_at else "running",
            "waiting": list(state.waiting),
            "counts": dict(state.counts),
            "asked_at": state.asked_at.isoformat(),
            "finished_at": state.finished_at.isoformat() if state.finished_at else None,
        }

    async def export_lead(self, lead_id: UUID, who: Reader, form: Form = "json") -> Response:
        """Everything kept about the person of this lead: one JSON document, or a ZIP of them.

        202 with where to fetch it, if services take their time. It is kept for a day.
        """
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            lead = _known((await leads_by_id(tx, [lead_id])).get(lead_id))
            recent = await recent_export(tx, who.tenant_id, lead.person_id, seconds=_RECENT)
            if recent is not None and recent.finished_at is None:
                export_id = recent.id
            else:
                export_id = await self._rights.export(
                    tx, who.tenant_id, lead.person_id, key_id=who.key_id
                )
        until = time.monotonic() + WAITS
        while time.monotonic() < until:
            state = await self._state(who.tenant_id, export_id, "export")
            if state.finished_at is not None:
                return await self._answer(who.tenant_id, export_id, form)
            await asyncio.sleep(_POLL)
        return _later(export_id)

    async def get_export(self, export_id: UUID, who: Reader, form: Form = "json") -> Response:
        """An export that was asked for; 202 while services hand in their parts."""
        state = await self._state(who.tenant_id, export_id, "export")
        if state.finished_at is None:
            return _later(export_id)
        return await self._answer(who.tenant_id, export_id, form)

    async def _answer(self, tenant_id: UUID, export_id: UUID, form: str) -> Response:
        async with self._database.transaction(tenant=tenant_id) as tx:
            parts = await right_parts(tx, tenant_id, export_id)
        if not parts:
            raise Problem(410, detail="this export has been deleted", pointer="{export_id}")
        if form == "json":
            return Response(orjson.dumps(parts), media_type=JSON)
        headers = {"Content-Disposition": f'attachment; filename="export-{export_id}.zip"'}
        packed = await asyncio.to_thread(_zipped, parts)
        return Response(packed, media_type=ZIP, headers=headers)

    async def _state(self, tenant_id: UUID, right_id: UUID, kind: str) -> RightState:
        async with self._database.transaction(tenant=tenant_id) as tx:
            found = await right_state(tx, tenant_id, right_id)
        if found is None or found.kind != kind:
            raise Problem(404, detail=f"there is no such {kind}", pointer="{id}")
        return found


def _zipped(parts: dict[str, Any]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for service, content in parts.items():
            for name, rows in content.items():
                archive.writestr(
                    f"{service}/{name}.json", orjson.dumps(rows, option=orjson.OPT_INDENT_2)
                )
    return packed.getvalue()


def _later(export_id: UUID) -> Response:
    headers = {"Location": f"/v1/exports/{export_id}", "Retry-After": "2"}
    body = orjson.dumps({"export_id": str(export_id), "state": "running"})
    return Response(body, 202, headers=headers, media_type=JSON)


def _known(lead: LeadView | None) -> LeadView:
    if lead is None:
        raise Problem(404, detail="there is no such lead", pointer="{lead_id}")
    return lead
