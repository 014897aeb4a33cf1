"""What became of events at an endpoint: listed with their attempts, and delivered again."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict

from followup_contracts.payload import Moment
from followup_database import Database, Transaction
from followup_directory import Principal
from followup_intake.outgoing.deliveries import DeliveryState
from followup_intake.outgoing.endpoints import endpoint_by_id
from followup_intake.outgoing.replays import (
    Place,
    delivery_by_id,
    page_of_deliveries,
    replay_failed,
    replay_one,
)
from followup_intake.routes.endpoints import unknown_endpoint
from followup_runtime.auth import require
from followup_runtime.deeds import did
from followup_runtime.openapi import also
from followup_runtime.problems import Problem

Reader = Annotated[Principal, Depends(require("endpoints:read"))]
Writer = Annotated[Principal, Depends(require("endpoints:write"))]


class DeliveryOut(BaseModel):
    """An event for an endpoint.

    `waiting`: an earlier event of the same lead comes first. `under_way`: it is being
    called at this moment. An event made to try the endpoint out has no `sequence`.
    """

    id: UUID
    event_id: UUID
    sequence: int | None
    type: str
    lead_id: UUID | None
    state: DeliveryState
    under_way: bool
    attempts: int
    created_at: datetime
    next_try_at: datetime | None
    finished_at: datetime | None


class AttemptOut(BaseModel):
    """One call: a status with the beginning of the answer, or why there was none."""

    number: int
    at: datetime
    milliseconds: int
    status: int | None
    error: str | None
    answer: str | None


class DeliveryWithTries(DeliveryOut):
    """The same with its latest hundred attempts, the newest first."""

    tries: list[AttemptOut]


class DeliveryPage(BaseModel):
    """Deliveries, the newest first; `next` is the cursor of what follows."""

    items: list[DeliveryOut]
    next: UUID | None


class Since(BaseModel):
    """From when on what failed is delivered again; by when its event happened to be logged."""

    model_config = ConfigDict(extra="forbid")

    since: Moment


class Replayed(BaseModel):
    """How many are delivered again; as many as one request does: there may be more."""

    replayed: int


class DeliveryRoutes:
    """The routes with what they call; `router` is what an app includes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(tags=["endpoints"])
        add = self.router.add_api_route
        many = "/v1/endpoints/{endpoint_id}/deliveries"
        add(many, self.list_deliveries, methods=["GET"])
        add(f"{many}/{{delivery_id}}", self.get_delivery, methods=["GET"])
        one, failed = f"{many}/{{delivery_id}}/replay", "/v1/endpoints/{endpoint_id}/replay"
        again: Any = {"methods": ["POST"], "status_code": 202, "responses": also(409)}
        add(one, self.replay, **again)
        add(failed, self.replay_failed, **again)

    async def list_deliveries(
        self,
        endpoint_id: UUID,
        who: Reader,
        state: DeliveryState | None = None,
        cursor: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> DeliveryPage:
        """Deliveries of the last thirty days, newest first."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            place = await _place(tx, who, endpoint_id)
            found = await page_of_deliveries(tx, place, state=state, before=cursor, most=limit)
        told = [DeliveryOut(**each) for each in found]
        return DeliveryPage(items=told, next=told[-1].id if len(told) == limit else None)

    async def get_delivery(
        self, endpoint_id: UUID, delivery_id: UUID, who: Reader
    ) -> DeliveryWithTries:
        """One delivery, with what each attempt came to."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            place = await _place(tx, who, endpoint_id)
            found = await delivery_by_id(tx, place, delivery_id)
        if found is None:
            raise _unknown()
        return DeliveryWithTries(**found)

    async def replay(self, endpoint_id: UUID, delivery_id: UUID, who: Writer) -> Replayed:
        """Deliver one again, now; under the same webhook-id, with the present truth."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            place = await _place(tx, who, endpoint_id, writing=True)
            if await delivery_by_id(tx, place, delivery_id) is None:
                raise _unknown()
            if not await replay_one(tx, place, delivery_id):
                raise Problem(409, "Under way", "it is being delivered, or waits for another")
        return Replayed(replayed=1)

    async def replay_failed(
        self, endpoint_id: UUID, body: Since, request: Request, who: Writer
    ) -> Replayed:
        """Deliver again what failed since then, the oldest first, each lead's in its order.

        Up to 1,000 at once: ask again until none is left.
        """
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            place = await _place(tx, who, endpoint_id, writing=True)
            count = await replay_failed(tx, place, body.since)
        did(request, detail={"replayed": count})
        return Replayed(replayed=count)


async def _place(
    tx: Transaction, who: Principal, endpoint_id: UUID, *, writing: bool = False
) -> Place:
    found = await endpoint_by_id(tx, who.tenant_id, endpoint_id, locked=writing)
    if found is None:
        raise unknown_endpoint()
    if writing and found.state != "active":
        raise Problem(409, "Disabled", "enable the endpoint before you have anything delivered")
    return Place(who.tenant_id, endpoint_id)


def _unknown() -> Problem:
    return Problem(404, detail="there is no such delivery", pointer="{delivery_id}")
