"""`/v1/leads/{id}/conversation`: what was said with a lead, both ways, in order."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from followup_contracts.payload import Channel
from followup_directory import Principal
from followup_people import leads_by_id, same_person
from followup_replies.http import pages
from followup_replies.store import messages
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.problems import Problem

Reader = Annotated[Principal, Depends(require("leads:read"))]

_FIRST = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


class Said(BaseModel):
    """One thing said. The words of a sequence's touch are at `/v1/touches/{touch_id}`.

    `state` and `written_by` are of what went out: `waiting`, `sent` …, and who of ours wrote it.
    `guessed`: an answer that may be to another of several conversations with its person.
    """

    id: UUID
    direction: Literal["inbound", "outbound"]
    channel: Channel
    at: datetime
    touch_id: UUID | None
    subject: str | None
    body: str | None
    intent: str | None
    opt_out: bool | None
    confidence: float | None
    until: date | None
    state: str | None
    written_by: str | None
    guessed: bool | None


class ConversationPage(BaseModel):
    """A stretch of a conversation, oldest first."""

    items: list[Said]
    next: str | None


class ConversationRoutes:
    """What the route needs, and what it does."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def page(
        self, principal: Principal, lead_id: UUID, cursor: str | None, limit: int
    ) -> ConversationPage:
        """A stretch of it."""
        after = _FIRST if cursor is None else _after(cursor)
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            lead = (await leads_by_id(tx, [lead_id])).get(lead_id)
            if lead is None:
                raise Problem(404, detail="there is no such lead", pointer="{lead_id}")
            names = (await same_person(tx, [lead.person_id])).get(lead.person_id, frozenset())
            rows = await messages.conversation(
                tx,
                principal.tenant_id,
                lead_id,
                persons=sorted(names | {lead.person_id}),
                after=after,
                most=limit + 1,
            )
        items = [Said.model_validate(row) for row in rows[:limit]]
        more = len(rows) > limit
        following = [items[-1].at.isoformat(), str(items[-1].id)] if more else None
        return ConversationPage(items=items, next=pages.write(following) if following else None)


def routes(service: ConversationRoutes) -> APIRouter:
    """The resource's routes."""
    router = APIRouter(tags=["leads"])

    @router.get("/v1/leads/{lead_id}/conversation")
    async def page(
        principal: Reader,
        lead_id: UUID,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> ConversationPage:
        """What was said, both ways."""
        return await service.page(principal, lead_id, cursor, limit)

    return router


def _after(cursor: str) -> tuple[datetime, UUID]:
    try:
        moment, id_ = pages.read(cursor)
        at = datetime.fromisoformat(moment)
        found = at.astimezone(UTC), UUID(id_)
    except (ValueError, OverflowError):
        raise _foreign() from None
    if at.tzinfo is None:
        raise _foreign()
    return found


def _foreign() -> Problem:
    return Problem(422, detail="this cursor was not given by us", pointer="?cursor")
