"""`/v1/tasks`: what waits for a person."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StringConstraints

from followup_contracts.payload import Moment
from followup_database import new_id
from followup_directory import Principal
from followup_messaging.outbox import Outbox
from followup_people import leads_by_id
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.openapi import also
from followup_runtime.problems import Problem
from followup_scheduler import pages
from followup_scheduler.assigning import assign
from followup_scheduler.http.bodies import (
    Assignee,
    Assignment,
    Completion,
    OwnTask,
    Reason,
    Snooze,
    TaskBody,
    TaskPage,
)
from followup_scheduler.http.cursors import read_cursor
from followup_scheduler.store import tasks
from followup_scheduler.store.tasks import Filter, NewTask
from followup_scheduler.taskbook import Closed, NoTask, NotOpen, TaskBook, WrongOutcome
from followup_suppression import StopFence

Reader = Annotated[Principal, Depends(require("tasks:read"))]
Writer = Annotated[Principal, Depends(require("tasks:write"))]

_MOST = 200


class TaskQuery(BaseModel):
    """Which tasks are asked for; `due_until` is exclusive."""

    state: Literal["open", "done", "withdrawn"] = "open"
    kind: Reason | None = None
    lead_id: UUID | None = None
    assignee: Assignee | None = None
    due_from: Moment | None = None
    due_until: Moment | None = None
    cursor: Annotated[str, StringConstraints(max_length=400)] | None = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 50

    def filter(self) -> Filter:
        """The same for the store."""
        return Filter(
            self.state, self.kind, self.lead_id, self.assignee, self.due_from, self.due_until
        )


class TaskRoutes:
    """What the routes need, and what they do."""

    def __init__(
        self, *, databases: Databases, outbox: Outbox, book: TaskBook, fence: StopFence
    ) -> None:
        self._databases = databases
        self._outbox = outbox
        self._book = book
        self._fence = fence

    async def page(self, principal: Principal, asked: TaskQuery) -> TaskPage:
        """A page of tasks by due time."""
        after, most = read_cursor(asked.cursor), asked.limit
        wanted = asked.filter()
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            rows = await tasks.page(tx, principal.tenant_id, wanted, after=after, most=most + 1)
        items = [TaskBody.model_validate(row) for row in rows[:most]]
        more = len(rows) > most
        return TaskPage(
            items=items, next=pages.write(items[-1].due_at, items[-1].id) if more else None
        )

    async def show(self, principal: Principal, task_id: UUID) -> TaskBody:
        """One task."""
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            row = await tasks.read(tx, principal.tenant_id, task_id)
        if row is None:
            raise _unknown()
        return TaskBody.model_validate(row)

    async def add(self, principal: Principal, asked: OwnTask) -> TaskBody:
        """Open a task of somebody's own about a lead."""
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            lead = (await leads_by_id(tx, [asked.lead_id])).get(asked.lead_id)
            if lead is None:
                raise Problem(404, detail="there is no such lead", pointer="/lead_id")
            task = NewTask(
                id=new_id(),
                tenant_id=tenant_id,
                lead_id=lead.id,
                person_id=lead.person_id,
                enrollment_id=None,
                kind=asked.kind,
                reason="set by a person",
                due_at=asked.due_at,
                created_at=tx.now,
                title=asked.title,
                assignee=asked.assignee,
                remind_at=asked.remind_at,
            )
            await assign(tx, self._outbox, [task])
            return TaskBody.model_validate(await tasks.read(tx, tenant_id, task.id))

    async def complete(self, principal: Principal, task_id: UUID, done: Completion) -> TaskBody:
        """Close a task; where that stops sends, answered only when none can still begin."""
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            answer = await self._book.complete(
                tx, tenant_id, task_id, outcome=done.outcome, note=done.note, then=done.then
            )
        match answer:
            case NoTask():
                raise _unknown()
            case WrongOutcome(allowed):
                raise Problem(
                    422, detail=f"this task ends with {', '.join(allowed)}", pointer="/outcome"
                )
            case Closed(task, cut):
                if cut:
                    await self._fence.settle(self._fence.moment())
                return TaskBody.model_validate(task)

    async def snooze(self, principal: Principal, task_id: UUID, asked: Snooze) -> TaskBody:
        """Put a task off."""
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            if asked.until <= tx.now:
                raise Problem(422, detail="this moment is past", pointer="/until")
            answer = await self._book.snooze(
                tx, principal.tenant_id, task_id, until=asked.until, remind_at=asked.remind_at
            )
        return _changed(answer)

    async def assign(self, principal: Principal, task_id: UUID, asked: Assignment) -> TaskBody:
        """Hand a task to somebody."""
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            answer = await self._book.assign(tx, principal.tenant_id, task_id, asked.assignee)
        return _changed(answer)


def routes(service: TaskRoutes) -> APIRouter:
    """The resource's routes."""
    router = APIRouter(prefix="/v1/tasks", tags=["tasks"])

    @router.get("")
    async def page(principal: Reader, asked: Annotated[TaskQuery, Query()]) -> TaskPage:
        """Tasks by due time."""
        return await service.page(principal, asked)

    @router.post("", status_code=201, responses=also(404))
    async def add(principal: Writer, body: OwnTask) -> TaskBody:
        """Set a task, with a reminder if you like."""
        return await service.add(principal, body)

    @router.get("/{task_id}")
    async def show(principal: Reader, task_id: UUID) -> TaskBody:
        """One task."""
        return await service.show(principal, task_id)

    @router.post("/{task_id}/complete")
    async def complete(
        principal: Writer, task_id: UUID, body: Completion | None = None
    ) -> TaskBody:
        """Close a task; its sequence hears the outcome, and resumes or halts if you say so."""
        return await service.complete(principal, task_id, body or Completion())

    @router.post("/{task_id}/snooze", responses=also(409))
    async def snooze(principal: Writer, task_id: UUID, body: Snooze) -> TaskBody:
        """Have a task be due later; 409 for one that is closed."""
        return await service.snooze(principal, task_id, body)

    @router.post("/{task_id}/assign", responses=also(409))
    async def hand(principal: Writer, task_id: UUID, body: Assignment) -> TaskBody:
        """Give a task to somebody; 409 for one that is closed."""
        return await service.assign(principal, task_id, body)

    return router


def _changed(answer: dict[str, Any] | NoTask | NotOpen) -> TaskBody:
    match answer:
        case NoTask():
            raise _unknown()
        case NotOpen(task):
            raise Problem(409, detail=f"this task is {task['state']}")
        case task:
            return TaskBody.model_validate(task)


def _unknown() -> Problem:
    return Problem(404, detail="there is no such task", pointer="{task_id}")
