"""`/v1/leads/{id}/conversation`: what was said with a lead, both ways, in order."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_directory import Principal, tenants_by_id
from followup_people import leads_by_id, same_person
from followup_replies.http import pages
from followup_replies.store import messages, said
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.problems import Problem

Reader = Annotated[Principal, Depends(require("leads:read"))]

_FIRST = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


class Told(BaseModel):
    """What became known of a touch: `delivered`, `bounced`, `opened`, `clicked` …, and when."""

    event: str
    at: datetime


class Said(BaseModel):
    """One thing said, in the words that went out, while they are kept.

    `state` and `written_by` are of what went out: `waiting`, `sent` …, and who of ours wrote it.
    `events`: what the provider told of it, and clicks on its counted links; an open or a click
    is no answer of theirs.
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
    events: list[Told] = Field(default_factory=list)


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
            items = await self._filled(tx, principal.tenant_id, lead_id, rows[:limit])
        more = len(rows) > limit
        following = [items[-1].at.isoformat(), str(items[-1].id)] if more else None
        return ConversationPage(items=items, next=pages.write(following) if following else None)

    async def _filled(
        self, tx: Transaction, tenant_id: UUID, lead_id: UUID, rows: Sequence[dict[str, Any]]
    ) -> list[Said]:
        """With the words of touches, as far back as the tenant keeps any, and their events."""
        since = await _kept_since(tx, tenant_id)
        sent = [row for row in rows if row["direction"] == "outbound"]
        mute = {row["touch_id"] for row in sent if row["body"] is None and row["at"] >= since}
        words = await said.words(tx, tenant_id, mute) if mute else {}
        touches = {row["touch_id"] for row in sent}
        told = await said.events(tx, tenant_id, lead_id, touches) if touches else {}
        items = []
        for row in rows:
            subject, body = words.get(row["id"], (row["subject"], row["body"]))
            events = told.get(row["touch_id"], []) if row["direction"] == "outbound" else []
            whole = {**row, "subject": subject, "body": body, "events": events}
            items.append(Said.model_validate(whole))
        return items


async def _kept_since(tx: Transaction, tenant_id: UUID) -> datetime:
    """Since when the tenant keeps what was said."""
    tenant = (await tenants_by_id(tx, [tenant_id])).get(tenant_id)
    days = None if tenant is None else tenant.settings.retention_days
    return _FIRST[0] if days is None else tx.now - timedelta(days=days)


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
