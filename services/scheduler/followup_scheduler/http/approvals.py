"""`/v1/approvals`: touches that wait for a person's word before they go out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StringConstraints

from followup_database import Transaction
from followup_directory import Principal
from followup_people import LeadView, PersonView, views
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.openapi import also
from followup_runtime.problems import Problem
from followup_scheduler import pages
from followup_scheduler.http.bodies import Assignee, Note, Request
from followup_scheduler.http.cursors import read_cursor
from followup_scheduler.reviewing import (
    Approved,
    BadWords,
    Decided,
    NoReview,
    Rejected,
    Reviewing,
    body_of,
)
from followup_scheduler.store import reviews

Reader = Annotated[Principal, Depends(require("tasks:read"))]
Writer = Annotated[Principal, Depends(require("tasks:write"))]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]

_MOST = 100


class ApprovalBody(BaseModel):
    """A touch that waits, or waited, for a person.

    `body` is what it would say: the draft, else the template, in which `{{ first_name }}`
    and the like are filled in when it goes out. It waits until `lapses_at`; then
    `otherwise` happens. `drafting` says who wrote it; `wanted`: a model still is to.
    """

    touch_id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID
    name: str | None
    need: str | None
    channel: str
    sequence: str
    version: int
    step: str
    state: Literal["pending", "approved", "rejected", "lapsed", "withdrawn"]
    due_at: datetime
    lapses_at: datetime | None
    otherwise: Literal["skip", "send"]
    drafting: Literal["template", "wanted", "written", "failed"]
    body: dict[str, str]
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


class ApprovalPage(BaseModel):
    """What waits, by when it is due; `next` is the cursor of what follows."""

    items: list[ApprovalBody]
    next: str | None


class Approval(Request):
    """A person's yes, with what they would rather say; Liquid, as in documents."""

    text: Words | None = None
    subject: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None = None
    html: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    voicemail: Words | None = None
    by: Assignee | None = None

    def words(self) -> dict[str, str]:
        """What is said differently."""
        return self.model_dump(include={"text", "subject", "html", "voicemail"}, exclude_none=True)


class Rejection(Request):
    """A person's no."""

    reason: Note | None = None
    by: Assignee | None = None


class ApprovalQuery(BaseModel):
    """Which page of what waits."""

    cursor: Annotated[str, StringConstraints(max_length=400)] | None = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 50


class ApprovalRoutes:
    """What the routes need, and what they do."""

    def __init__(self, *, databases: Databases, reviewing: Reviewing) -> None:
        self._databases = databases
        self._reviewing = reviewing

    async def page(self, principal: Principal, asked: ApprovalQuery) -> ApprovalPage:
        """A page of what waits."""
        after, tenant_id = read_cursor(asked.cursor), principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            rows = await reviews.page(tx, tenant_id, after=after, most=asked.limit + 1)
            shown, more = rows[: asked.limit], len(rows) > asked.limit
            people = await views(tx, [(row["lead_id"], row["person_id"]) for row in shown])
            items = [await _shown(tx, row, people.get(row["lead_id"])) for row in shown]
        last = shown[-1] if more else None
        return ApprovalPage(
            items=items,
            next=None if last is None else pages.write(last["due_at"], last["touch_id"]),
        )

    async def show(self, principal: Principal, touch_id: UUID) -> ApprovalBody:
        """One of them."""
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            return await _read(tx, principal.tenant_id, touch_id)

    async def approve(self, principal: Principal, touch_id: UUID, yes: Approval) -> ApprovalBody:
        """Let it go."""
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            answer = await self._reviewing.approve(
                tx, tenant_id, touch_id, words=yes.words(), by=yes.by
            )
            _must(answer)
            return await _read(tx, tenant_id, touch_id)

    async def reject(self, principal: Principal, touch_id: UUID, no: Rejection) -> ApprovalBody:
        """Skip it."""
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            answer = await self._reviewing.reject(
                tx, tenant_id, touch_id, reason=no.reason, by=no.by
            )
            _must(answer)
            return await _read(tx, tenant_id, touch_id)


def routes(service: ApprovalRoutes) -> APIRouter:
    """The resource's routes."""
    router = APIRouter(prefix="/v1/approvals", tags=["approvals"])

    @router.get("")
    async def page(principal: Reader, asked: Annotated[ApprovalQuery, Query()]) -> ApprovalPage:
        """Touches that wait for a person, by when they are due."""
        return await service.page(principal, asked)

    @router.get("/{touch_id}")
    async def show(principal: Reader, touch_id: UUID) -> ApprovalBody:
        """One touch that waits, or what became of it."""
        return await service.show(principal, touch_id)

    @router.post("/{touch_id}/approve", responses=also(409))
    async def approve(
        principal: Writer, touch_id: UUID, body: Approval | None = None
    ) -> ApprovalBody:
        """Let it go at its time, in other words if you like; 409 where it does not wait."""
        return await service.approve(principal, touch_id, body or Approval())

    @router.post("/{touch_id}/reject", responses=also(409))
    async def reject(
        principal: Writer, touch_id: UUID, body: Rejection | None = None
    ) -> ApprovalBody:
        """Have it skipped; its sequence goes on. 409 where it does not wait."""
        return await service.reject(principal, touch_id, body or Rejection())

    return router


def _must(answer: Approved | Rejected | NoReview | Decided | BadWords) -> None:
    """Raise the problem that an answer is."""
    match answer:
        case NoReview():
            raise _unknown()
        case Decided(state):
            raise Problem(409, detail=f"this touch is {state}")
        case BadWords(part, reason):
            raise Problem(422, detail=reason, pointer=f"/{part}")
        case Approved() | Rejected():
            return


async def _read(tx: Transaction, tenant_id: UUID, touch_id: UUID) -> ApprovalBody:
    row = await reviews.read(tx, tenant_id, touch_id)
    if row is None or row["state"] == "unasked":
        raise _unknown()
    people = await views(tx, [(row["lead_id"], row["person_id"])])
    return await _shown(tx, row, people.get(row["lead_id"]))


async def _shown(
    tx: Transaction, row: Mapping[str, Any], known: tuple[PersonView, LeadView] | None
) -> ApprovalBody:
    names = [] if known is None else [known[0].first_name, known[0].last_name]
    return ApprovalBody.model_validate(
        {
            **row,
            "name": " ".join(name for name in names if name) or None,
            "need": None if known is None else known[1].need,
            "body": await body_of(tx, row),
        }
    )


def _unknown() -> Problem:
    return Problem(404, detail="no touch of that id waits for anybody", pointer="{touch_id}")
