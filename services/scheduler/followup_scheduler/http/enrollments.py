"""`/v1/enrollments`: enroll by hand, look, halt, pause, resume."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from followup_database import Transaction
from followup_directory import Principal
from followup_people import leads_by_id
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.openapi import also
from followup_runtime.problems import Problem
from followup_scheduler.consequences import tell
from followup_scheduler.core.model import ENDED_STATES, Ordered
from followup_scheduler.enroller import Enroller, Entrance
from followup_scheduler.http.bodies import Enroll, EnrollmentBody, Order
from followup_scheduler.runs import RunStore
from followup_scheduler.store import enrollments, touches
from followup_suppression import StopFence

Reader = Annotated[Principal, Depends(require("enrollments:read"))]
Writer = Annotated[Principal, Depends(require("enrollments:write"))]
Command = Literal["halt", "pause", "resume"]


class EnrollmentRoutes:
    """What the routes need, and what they do."""

    def __init__(
        self, *, databases: Databases, runs: RunStore, enroller: Enroller, fence: StopFence
    ) -> None:
        self._databases = databases
        self._runs = runs
        self._enroller = enroller
        self._fence = fence

    async def enroll(self, principal: Principal, asked: Enroll) -> tuple[EnrollmentBody, bool]:
        """The lead's enrollment in the sequence, and whether it is new."""
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            lead = (await leads_by_id(tx, [asked.lead_id])).get(asked.lead_id)
            if lead is None:
                raise Problem(404, detail="there is no such lead", pointer="/lead_id")
            entrance = Entrance(
                tenant_id=tenant_id,
                lead_id=lead.id,
                person_id=lead.person_id,
                sequence=asked.sequence,
                lane="now",
                anchor=tx.now,
            )
            entered = await self._enroller.enroll(tx, [entrance])
            if entered.unknown:
                raise Problem(422, detail="there is no such sequence", pointer="/sequence")
            if entered.runs:
                return await _shown(tx, tenant_id, entered.runs[0].enrollment.id), True
            _, standing = entered.standing[0]
            return await _shown(tx, tenant_id, standing.last), False

    async def show(self, principal: Principal, enrollment_id: UUID) -> EnrollmentBody:
        """An enrollment with its touches."""
        async with self._databases.api.transaction(tenant=principal.tenant_id, snapshot=True) as tx:
            return await _shown(tx, principal.tenant_id, enrollment_id)

    async def order(
        self, principal: Principal, enrollment_id: UUID, command: Command, order: Order
    ) -> EnrollmentBody:
        """Halt, pause or resume.

        Answered only when no send that a halt or pause forbids can still begin.
        """
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            run = (await self._runs.load(tx, [enrollment_id])).get(enrollment_id)
            if run is None:
                raise _unknown()
            if command != "halt" and run.enrollment.state in ENDED_STATES:
                raise Problem(409, detail=f"this enrollment has {run.enrollment.state}")
            tell(run, Ordered(command, order.reason, tx.now), now=tx.now)
            await self._runs.save(tx, [run])
            shown = await _shown(tx, principal.tenant_id, enrollment_id)
        if command != "resume":
            await self._fence.settle(self._fence.moment())
        return shown


def routes(service: EnrollmentRoutes) -> APIRouter:
    """The resource's routes."""
    router = APIRouter(prefix="/v1/enrollments", tags=["enrollments"])

    @router.post("", status_code=201, responses={200: {"model": EnrollmentBody}, **also(404)})
    async def enroll(principal: Writer, body: Enroll, response: Response) -> EnrollmentBody:
        """Enroll a lead; 200 with the last run where it runs still or may not enter again."""
        shown, new = await service.enroll(principal, body)
        response.status_code = 201 if new else 200
        return shown

    @router.get("/{enrollment_id}")
    async def show(principal: Reader, enrollment_id: UUID) -> EnrollmentBody:
        """An enrollment with its touches."""
        return await service.show(principal, enrollment_id)

    @router.post("/{enrollment_id}/halt")
    async def halt(
        principal: Writer, enrollment_id: UUID, body: Order | None = None
    ) -> EnrollmentBody:
        """End it. Once this is answered, nothing of it goes out any more."""
        return await service.order(principal, enrollment_id, "halt", body or Order())

    @router.post("/{enrollment_id}/pause", responses=also(409))
    async def pause(
        principal: Writer, enrollment_id: UUID, body: Order | None = None
    ) -> EnrollmentBody:
        """Stop it until it is resumed. Once this is answered, nothing of it goes out."""
        return await service.order(principal, enrollment_id, "pause", body or Order())

    @router.post("/{enrollment_id}/resume", responses=also(409))
    async def resume(
        principal: Writer, enrollment_id: UUID, body: Order | None = None
    ) -> EnrollmentBody:
        """Let a paused or held enrollment go on."""
        return await service.order(principal, enrollment_id, "resume", body or Order())

    return router


async def _shown(tx: Transaction, tenant_id: UUID, enrollment_id: UUID) -> EnrollmentBody:
    row = await enrollments.read(tx, tenant_id, enrollment_id)
    if row is None:
        raise _unknown()
    several: list[dict[str, Any]] = await touches.of_enrollment(tx, tenant_id, enrollment_id)
    return EnrollmentBody.model_validate({**row, "touches": several})


def _unknown() -> Problem:
    return Problem(404, detail="there is no such enrollment", pointer="{enrollment_id}")
