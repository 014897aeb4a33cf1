"""A tenant's events, in pages or as a stream."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from followup_database import Database
from followup_directory import Principal
from followup_intake.outgoing.bodies import bodies_shown
from followup_intake.outgoing.log import events_after, last_number
from followup_intake.outgoing.stream import MEDIA_TYPE, Reading, Streams
from followup_intake.routes.tenancy import active_tenant
from followup_intake.shapes import EventPage
from followup_messaging import feed
from followup_runtime.auth import require, still_good
from followup_runtime.openapi import Responses
from followup_runtime.problems import Problem

SCOPE = "events:read"
RECORDS = "leads:read"
"""Without this an event has its ids alone."""
_LARGEST = 2**53

Reader = Annotated[Principal, Depends(require(SCOPE))]
Number = Annotated[int, Query(ge=0, le=_LARGEST, description="The number to begin behind")]
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=20, description="The same, as a browser says it"),
]
_CONTENT: Responses = {
    200: {
        "model": EventPage,
        "description": "A page of events; a stream of them for `Accept: text/event-stream`",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


class EventRoutes:
    """The route with what it calls; `router` is what an app includes."""

    def __init__(self, database: Database, streams: Streams) -> None:
        self._database = database
        self._streams = streams
        self.router = APIRouter(tags=["events"])
        self.router.add_api_route(
            "/v1/events",
            self.get_events,
            methods=["GET"],
            response_class=Response,
            responses=_CONTENT,
        )

    async def get_events(
        self,
        request: Request,
        who: Reader,
        cursor: Number | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 100,
        last_event_id: LastEventId = None,
    ) -> Response:
        """Events in the order of their numbers, as a page or, if asked for, as a stream.

        They are logged from the first request on, or from the first endpoint. A stream
        without a number begins now, a page with the oldest there is.
        """
        behind = _number(last_event_id) if last_event_id else cursor
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            await active_tenant(tx, who)
            await feed.follow(tx, who.tenant_id)
            last = await last_number(tx, who.tenant_id)
        if MEDIA_TYPE in request.headers.get("accept", "").lower():
            return self._stream(request, who, last if behind is None else behind)
        return await self._page(who, behind or 0, limit)

    async def _page(self, who: Principal, after: int, limit: int) -> Response:
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            found = await events_after(tx, who.tenant_id, after, most=limit)
        bodies = await bodies_shown(self._database, who.tenant_id, found, whole=who.may(RECORDS))
        items = b"[" + b",".join(bodies) + b"]"
        behind = str(found[-1].sequence) if len(found) == limit else None
        page = b'{"items":' + items + b',"next":' + orjson.dumps(behind) + b"}"
        return Response(page, media_type="application/json")

    def _stream(self, request: Request, who: Principal, after: int) -> StreamingResponse:
        if not self._streams.has_room(who):
            raise Problem(429, detail="too many streams are open", headers={"Retry-After": "30"})

        async def good() -> bool:
            return await still_good(request, SCOPE)

        reading = Reading(after, who.may(RECORDS), good)
        return self._streams.opened(who, reading)


def _number(given: str) -> int:
    if not (given.isascii() and given.isdigit()) or int(given) > _LARGEST:
        raise Problem(422, detail="this is no number of an event", pointer="Last-Event-ID:")
    return int(given)
