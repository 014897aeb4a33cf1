"""Intake's routes: parse, call, answer."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from followup_contracts.payload import Lane
from followup_database import Database, Transaction, committed
from followup_directory import Principal
from followup_intake.batches import Batches
from followup_intake.happenings import FORBIDDING, Happenings, IncompleteEvent, UnknownLead
from followup_intake.models import LeadEventIn, LeadIn, LeadOut
from followup_intake.posts import Post, Posts
from followup_intake.routes.tenancy import active_tenant
from followup_intake.shapes import (
    EventTaken,
)
from followup_runtime.auth import require
from followup_runtime.deeds import recorded
from followup_runtime.openapi import also, body, media, shaped
from followup_runtime.problems import Problem
from followup_runtime.telemetry import current_traceparent
from followup_suppression import StopFence

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
MAX_BATCH = 64 * 1024 * 1024
MAX_FILE = 256 * 1024 * 1024
# A lead's answer is kept with the lead; lines and rows have ids of their own.
OWN_REPEATS = (
    "/v1/leads",
    "/v1/leads/batch",
    "/v1/leads/import",
    "/v1/leads/import/preview",
)
IMPORTED_WITHIN = 3600.0
"""Seconds for a file of that size over a slow line, and all its rows."""

Writer = Annotated[Principal, Depends(require("leads:write"))]
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)
]


class Duplex(StreamingResponse):
    """A response that is written while its request is still being read.

    The stock one listens for a disconnect beside it, and would take the body's parts
    for itself.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Write; a client that has gone ends the reading with an error of its own."""
        await self.stream_response(send)


class Routes:
    """The routes with what they call; `router` is what an app includes."""

    def __init__(
        self,
        database: Database,
        *,
        posts: Posts,
        batches: Batches,
        happenings: Happenings,
        fence: StopFence,
    ) -> None:
        self._database = database
        self._fence = fence
        self._posts = posts
        self._batches = batches
        self._happenings = happenings
        self.router = APIRouter(tags=["intake"])
        add = self.router.add_api_route
        add(
            "/v1/leads",
            self.post_lead,
            methods=["POST"],
            status_code=201,
            response_model=LeadOut,
            responses={200: {"model": LeadOut}, **also(409)},
        )
        add(
            "/v1/leads/batch",
            self.post_batch,
            methods=["POST"],
            response_class=StreamingResponse,
            responses={200: media(NDJSON[0], "A line for each line, in order")},
            openapi_extra=body(*NDJSON, shape=None),
        )
        add(
            "/v1/leads/{lead_id}/events",
            self.post_event,
            methods=["POST"],
            status_code=202,
            responses=shaped(EventTaken, 202),
        )

    async def post_lead(
        self, body: LeadIn, request: Request, who: Writer, key: IdempotencyKey = None
    ) -> Response:
        """Take one lead; 201, or 200 when its `external_id` or `Idempotency-Key` is known.

        With consent `no`, also of a lead that is known, it is answered once nothing can go
        to its person any more.
        """
        post = Post(body, await request.body(), key, current_traceparent(), by=who.key_id)
        recorded(request)
        answer = await self._posts.take(who.tenant_id, post)
        if body.consent in (False, "no"):
            await self._fence.settle(self._fence.moment())
        return Response(
            orjson.dumps(dict(answer.body)), answer.status, media_type="application/json"
        )

    async def post_batch(
        self, request: Request, who: Writer, lane: Lane = "later", key: IdempotencyKey = None
    ) -> Duplex:
        """Take leads as NDJSON, one a line; a line of answer each, in order.

        Lines are committed in groups, so a batch that is cut off keeps what was answered. To
        send it again safely give it an `Idempotency-Key`, or each lead an `external_id`.
        """
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind not in NDJSON:
            raise Problem(415, detail=f"this route reads {NDJSON[0]}", pointer="Content-Type:")
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            tenant, today = await active_tenant(tx, who), tx.now.date()
        recorded(request)
        answers = self._batches.take(
            request.stream(), tenant=tenant, today=today, lane=lane, by=who.key_id, key=key
        )
        return Duplex(answers, media_type=NDJSON[0])

    async def post_event(self, lead_id: UUID, body: LeadEventIn, who: Writer) -> dict[str, str]:
        """Take a booking, a sale or a change of stage; 202 once it is kept.

        A sale or an appointment is answered once nothing can go to its person any more
        before the sequences have taken it in.
        """

        async def work(tx: Transaction) -> None:
            await self._happenings.take(tx, who.tenant_id, body.submitted(lead_id))

        try:
            await committed(self._database, work, tenant=who.tenant_id)
        except UnknownLead:
            raise Problem(404, detail="there is no such lead", pointer="{lead_id}") from None
        except IncompleteEvent as error:
            raise Problem(422, detail=str(error), pointer=f"/{error.field}") from None
        if body.kind in FORBIDDING:
            await self._fence.settle(self._fence.moment())
        return {"lead_id": str(lead_id), "kind": body.kind}
