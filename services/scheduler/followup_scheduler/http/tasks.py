"""`/v1/tasks`, `/v1/agenda`: what waits for a person."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from followup_contracts.events import TaskCompleted
from followup_contracts.payload import Moment
from followup_directory import Principal
from followup_messaging.outbox import Outbox
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.problems import Problem
from followup_scheduler import pages
from followup_scheduler.http.bodies import (
    AgendaBody,
    AgendaItem,
    Completion,
    TaskBody,
    TaskPage,
)
from followup_scheduler.store import tasks

Reader = Annotated[Principal, Depends(require("tasks:read"))]
Writer = Annotated[Principal, Depends(require("tasks:write"))]

_FOREVER = datetime.max.replace(tzinfo=UTC)
_WEEK = timedelta(days=7)
_MOST = 200


class TaskRoutes:
    """What the routes need, and what they do."""

    def __init__(self, *, databases: Databases, outbox: Outbox) -> None:
        self._databases = databases
        self._outbox = outbox

    async def page(
        self, principal: Principal, *, state: str, cursor: str | None, limit: int
    ) -> TaskPage:
        """A page of tasks by due time."""
        after = pages.FIRST if cursor is None else _read(cursor)
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            rows = await tasks.page(
                tx, principal.tenant_id, state=state, after=after, until=_FOREVER, most=limit + 1
            )
        items = [TaskBody.model_validate(row) for row in rows[:limit]]
        more = len(rows) > limit
        return TaskPage(
            items=items, next=pages.write(items[-1].due_at, items[-1].id) if more else None
        )

    async def agenda(self, principal: Principal, until: datetime | None) -> AgendaBody:
        """Open tasks due up to a moment, at most 200; without one, of the next seven days."""
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            end = until or tx.now + _WEEK
            rows = await tasks.page(
                tx, principal.tenant_id, state="open", after=pages.FIRST, until=end, most=_MOST
            )
            now = tx.now
        items = [AgendaItem.model_validate({**row, "overdue": row["due_at"] < now}) for row in rows]
        return AgendaBody(until=end, items=items)

    async def complete(self, principal: Principal, task_id: UUID, done: Completion) -> TaskBody:
        """Close a task and tell everybody; closing it again changes nothing."""
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            row = await tasks.complete(tx, tenant_id, task_id, outcome=done.outcome)
            if row is None:
                row = await tasks.read(tx, tenant_id, task_id)
                if row is None:
                    raise Problem(404, detail="there is no such task", pointer="{task_id}")
                return TaskBody.model_validate(row)
            event = TaskCompleted(
                task_id=task_id,
                lead_id=row["lead_id"],
                person_id=row["person_id"],
                enrollment_id=row["enrollment_id"],
                kind=row["kind"],
                outcome="done",
                at=tx.now,
            )
            message = self._outbox.message(
                event, tenant_id=tenant_id, subject=event.lead_id, time=tx.now
            )
            await self._outbox.add(tx, [message])
        return TaskBody.model_validate(row)


def routes(service: TaskRoutes) -> APIRouter:
    """The resource's routes."""
    router = APIRouter(tags=["tasks"])

    @router.get("/v1/tasks")
    async def page(
        principal: Reader,
        state: Literal["open", "done"] = "open",
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
    ) -> TaskPage:
        """Tasks by due time."""
        return await service.page(principal, state=state, cursor=cursor, limit=limit)

    @router.post("/v1/tasks/{task_id}/complete")
    async def complete(
        principal: Writer, task_id: UUID, body: Completion | None = None
    ) -> TaskBody:
        """Close a task. What it was about goes on by resuming its enrollment."""
        return await service.complete(principal, task_id, body or Completion())

    @router.get("/v1/agenda")
    async def agenda(principal: Reader, until: Moment | None = None) -> AgendaBody:
        """Who needs follow-up, what is overdue first."""
        return await service.agenda(principal, until)

    return router


def _read(cursor: str) -> tuple[datetime, UUID]:
    try:
        return pages.read(cursor)
    except pages.BadCursor as error:
        raise Problem(422, detail=str(error), pointer="?cursor") from None
