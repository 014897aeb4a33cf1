"""`/v1/leads/{id}/timeline`: what was decided about a lead, done and heard, and why."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from followup_directory import Principal
from followup_people import leads_by_id, views
from followup_policy.zones import whereabouts
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.problems import Problem
from followup_scheduler import timeline
from followup_scheduler.facts import place_of
from followup_scheduler.http.bodies import HappeningBody, TimelineBody
from followup_scheduler.store import journal, tasks, touches

Reader = Annotated[Principal, Depends(require("leads:read"))]


class TimelineRoutes:
    """What the route needs, and what it does."""

    def __init__(self, *, databases: Databases) -> None:
        self._databases = databases

    async def timeline(
        self, principal: Principal, lead_id: UUID, *, begin: int, limit: int
    ) -> TimelineBody:
        """A stretch of the timeline."""
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id, snapshot=True) as tx:
            lead = (await leads_by_id(tx, [lead_id])).get(lead_id)
            if lead is None:
                raise Problem(404, detail="there is no such lead", pointer="{lead_id}")
            known = await views(tx, [(lead_id, lead.person_id)])
            told = timeline.compose(
                journal=await journal.of_lead(tx, tenant_id, lead_id),
                touches=await touches.of_lead(tx, tenant_id, lead_id),
                tasks=await tasks.of_lead(tx, tenant_id, lead_id),
            )
        zones = sorted(whereabouts(place_of(known[lead_id][0])).zones) if lead_id in known else []
        end = begin + limit
        return TimelineBody(
            lead_id=lead_id,
            person_id=lead.person_id,
            zones=zones,
            items=[_shown(happening, zones) for happening in told[begin:end]],
            next=str(end) if end < len(told) else None,
        )


def routes(service: TimelineRoutes) -> APIRouter:
    """The resource's routes."""
    router = APIRouter(tags=["leads"])

    @router.get("/v1/leads/{lead_id}/timeline")
    async def timeline(
        principal: Reader,
        lead_id: UUID,
        cursor: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
    ) -> TimelineBody:
        """Everything about a lead in order, with rules, zones and local times."""
        return await service.timeline(principal, lead_id, begin=cursor, limit=limit)

    return router


def _shown(happening: timeline.Happening, zones: list[str]) -> HappeningBody:
    return HappeningBody(
        at=happening.at,
        local=happening.local(zones),
        what=happening.what,
        why=dict(happening.why),
        enrollment_id=happening.enrollment_id,
        touch_id=happening.touch_id,
        step=happening.step,
        channel=happening.channel,
    )
