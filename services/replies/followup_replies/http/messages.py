"""`/v1/leads/{id}/messages`: a person of the tenant answers in the conversation."""

from datetime import datetime
from typing import Annotated, Any, assert_never
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from followup_contracts.payload import Channel
from followup_database import Transaction, committed
from followup_directory import Principal
from followup_replies.store import written
from followup_replies.store.written import WrittenState
from followup_replies.writing import (
    LONGEST_SUBJECT,
    WRITABLE,
    Asked,
    Kept,
    KeyTaken,
    NoLead,
    Suppressed,
    Unfit,
    Writing,
)
from followup_replies.writing import Answer as Written
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.problems import Problem
from followup_suppression import StopFence

PATH = "/v1/leads/{lead_id}/messages"
Reader = Annotated[Principal, Depends(require("messages:read"))]
Writer = Annotated[Principal, Depends(require("messages:write"))]
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=255)]


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class NewMessage(BaseModel):
    """What is to be said, as it stands. Without a channel it goes where they last wrote."""

    model_config = ConfigDict(extra="forbid")

    text: Words
    channel: Channel | None = None
    subject: Annotated[Line, Field(max_length=LONGEST_SUBJECT)] | None = None
    by: Annotated[Line, Field(max_length=200)] | None = None


class MessageBody(BaseModel):
    """A message somebody wrote, and what became of it.

    `waiting` with a `rule` is put off by it until `not_before`; `skipped` will not go out.
    """

    id: UUID
    lead_id: UUID
    person_id: UUID
    touch_id: UUID
    channel: Channel
    subject: str | None
    body: str | None
    written_by: str | None
    state: WrittenState
    rule: str | None
    reason: str | None
    not_before: datetime | None
    at: datetime
    updated_at: datetime


class MessageRoutes:
    """What the routes need, and what they do."""

    def __init__(self, databases: Databases, *, writing: Writing, fence: StopFence) -> None:
        self._databases = databases
        self._writing = writing
        self._fence = fence

    async def write(
        self, principal: Principal, lead_id: UUID, key: str, asked: NewMessage
    ) -> MessageBody:
        """Have it sent; answered once automation of the lead can begin no send any more."""
        tenant_id = principal.tenant_id
        if asked.channel is not None and asked.channel not in WRITABLE:
            raise Problem(422, detail="nothing is written there", pointer="/channel")
        wanted = Asked(key, asked.text, asked.channel, asked.subject, asked.by)

        async def work(tx: Transaction) -> Written:
            return await self._writing.write(tx, tenant_id, lead_id, wanted)

        kept = _must(await committed(self._databases.api, work, tenant=tenant_id))
        await self._fence.settle(self._fence.moment())
        return await self.show(principal, lead_id, kept.id)

    async def show(self, principal: Principal, lead_id: UUID, message_id: UUID) -> MessageBody:
        """A message as it stands."""
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            row = await written.read(tx, tenant_id, lead_id, message_id)
        if row is None:
            raise Problem(404, detail="there is no such message", pointer="{message_id}")
        return _body(row)


def routes(service: MessageRoutes) -> APIRouter:
    """The resource's routes."""
    router = APIRouter(prefix=PATH, tags=["leads"])

    @router.post("", status_code=202)
    async def write(principal: Writer, lead_id: UUID, key: Key, body: NewMessage) -> MessageBody:
        """Answer from the same thread and sender; what runs for the lead pauses.

        Law, caps and stops hold. Once for a key: the same again is answered as it stands now.
        """
        return await service.write(principal, lead_id, key, body)

    @router.get("/{message_id}")
    async def show(principal: Reader, lead_id: UUID, message_id: UUID) -> MessageBody:
        """What became of a message that was written."""
        return await service.show(principal, lead_id, message_id)

    return router


def _body(row: dict[str, Any]) -> MessageBody:
    return MessageBody.model_validate({**row, "touch_id": row["id"]})


def _must(answer: Written) -> Kept:
    """The message, or the problem that an answer is."""
    match answer:
        case Kept():
            return answer
        case NoLead():
            raise Problem(404, detail="there is no such lead", pointer="{lead_id}")
        case KeyTaken():
            raise Problem(
                422,
                "Key reused",
                "this Idempotency-Key was used with another request",
                pointer="Idempotency-Key:",
            )
        case Unfit(field=field, reason=reason):
            raise Problem(422, detail=reason, pointer=f"/{field}")
        case Suppressed():
            raise Problem(
                409, "Suppressed", "the address is on the suppression list", pointer="/channel"
            )
        case _:
            assert_never(answer)
