"""`/hooks/sandbox/{account}/…`: the same as a vendor's webhooks, for people who are not there.

JSON, signed: `X-Followup-Signature` is the HMAC-SHA256 of the raw body in hex, under the
account's sandbox key (`Keys.sandbox_keys`). From there on everything is the real path.
"""

import hmac
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from followup_contracts.payload import Channel
from followup_directory import Account
from followup_replies.addresses import LONGEST
from followup_replies.hooks import Door
from followup_replies.inbound import Inbound, InboundDesk
from followup_replies.reports import ReportDesk
from followup_replies.states import Heard, Report, TouchIds
from followup_runtime.problems import Problem, from_validation

HEADER = "x-followup-signature"

SandboxKeys = Callable[[UUID], Sequence[bytes]]

_Id = Annotated[str, Field(min_length=1, max_length=64)]
_Address = Annotated[str, Field(min_length=1, max_length=LONGEST)]
_Header = Annotated[str, Field(max_length=1_000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class InboundBody(_Body):
    """A message; `id` is the same each time it is told of."""

    id: _Id
    channel: Channel
    sender: _Address = Field(alias="from")
    recipient: Annotated[str, Field(max_length=LONGEST)] = Field(default="", alias="to")
    body: Annotated[str, Field(max_length=32_000)] = ""
    subject: Annotated[str, Field(max_length=1_000)] | None = None
    headers: Annotated[dict[_Header, _Header], Field(max_length=50)] = Field(default_factory=dict)
    opt_out: Literal["STOP", "START", "HELP"] | None = None


class IdsBody(_Body):
    """Whom a report is about; without it `ref` says so."""

    touch: UUID
    attempt: UUID
    enrollment: UUID
    lead: UUID
    person: UUID


class StatusBody(_Body):
    """What became of a message; `ref` is what the sandbox gave when it took it.

    `recipient` of a permanent failure is an address that is nobody's.
    """

    ref: _Id
    state: Literal["queued", "sent", "delivered", "undelivered", "failed", "canceled", "read"]
    code: _Id | None = None
    permanent: bool = False
    recipient: _Address | None = None
    about: IdsBody | None = None


class CallBody(_Body):
    """What became of a call, and who heard it."""

    ref: _Id
    state: Literal[
        "queued", "ringing", "in_progress", "completed", "busy", "no_answer", "failed", "canceled"
    ]
    heard: Heard | None = None
    seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    about: IdsBody | None = None


class InboundAnswer(BaseModel):
    """What the sender is answered at once, if anything."""

    answer: str | None


_B = TypeVar("_B", bound=_Body)


class SandboxHooks:
    """What the routes need, and what they do."""

    def __init__(
        self, door: Door, *, keys: SandboxKeys, inbound: InboundDesk, reports: ReportDesk
    ) -> None:
        self._door = door
        self._keys = keys
        self._inbound = inbound
        self._reports = reports

    async def inbound(self, request: Request, account_id: UUID) -> InboundAnswer:
        """A message came in."""
        account, said = await self._read(request, account_id, InboundBody)
        if said.channel != account.channel:
            raise Problem(422, detail=f"this account is for {account.channel}", pointer="/channel")
        message = Inbound(
            channel=said.channel,
            vendor_id=said.id,
            sender=said.sender,
            recipient=said.recipient,
            body=said.body,
            subject=said.subject,
            headers=said.headers,
            vendor_opt_out=said.opt_out,
        )
        return InboundAnswer(answer=await self._inbound.take(account, message))

    async def status(self, request: Request, account_id: UUID) -> None:
        """A message has come to a state."""
        account, said = await self._read(request, account_id, StatusBody)
        report = Report(
            kind="message",
            provider_ref=said.ref,
            state=said.state,
            dedupe_key=f"{said.ref}:{said.state}",
            payload=said.model_dump(mode="json"),
            ids=_ids(said.about),
            code=said.code,
            permanent=said.permanent,
            dead=said.recipient if said.permanent else None,
        )
        await self._reports.take(account, report)

    async def call(self, request: Request, account_id: UUID) -> None:
        """A call has come to a state."""
        account, said = await self._read(request, account_id, CallBody)
        report = Report(
            kind="call",
            provider_ref=said.ref,
            state=said.state,
            dedupe_key=f"{said.ref}:{said.state}",
            payload=said.model_dump(mode="json"),
            ids=_ids(said.about),
            seconds=said.seconds,
            heard=said.heard,
        )
        await self._reports.take(account, report)

    async def _read(
        self, request: Request, account_id: UUID, model: type[_B]
    ) -> tuple[Account, _B]:
        account = await self._door.account(account_id, "sandbox")
        raw = await request.body()
        given = request.headers.get(HEADER, "").encode("utf-8", "surrogatepass")
        keys = self._keys(account.id)
        if not any([hmac.compare_digest(given, signature(key, raw)) for key in keys]):  # noqa: C419 - all of them, whichever fits
            raise self._door.refused("sandbox")
        try:
            return account, model.model_validate_json(raw)
        except ValidationError as error:
            errors = from_validation(error.errors(include_url=False, include_input=False))
            status = 400 if error.errors()[0]["type"] == "json_invalid" else 422
            raise Problem(status, "Invalid request", errors=errors) from None


def signature(key: bytes, raw: bytes) -> bytes:
    """What `X-Followup-Signature` must be for a body."""
    return hmac.digest(key, raw, "sha256").hex().encode()


def routes(service: SandboxHooks) -> APIRouter:
    """The sandbox's webhooks."""
    router = APIRouter(prefix="/hooks/sandbox/{account_id}", include_in_schema=False)

    @router.post("/inbound")
    async def inbound(request: Request, account_id: UUID) -> InboundAnswer:
        """Somebody writes."""
        return await service.inbound(request, account_id)

    @router.post("/status", status_code=204)
    async def status(request: Request, account_id: UUID) -> None:
        """A message's state."""
        await service.status(request, account_id)

    @router.post("/call", status_code=204)
    async def call(request: Request, account_id: UUID) -> None:
        """A call's state."""
        await service.call(request, account_id)

    return router


def _ids(about: IdsBody | None) -> TouchIds | None:
    if about is None:
        return None
    return TouchIds(
        touch_id=about.touch,
        attempt_id=about.attempt,
        enrollment_id=about.enrollment,
        lead_id=about.lead,
        person_id=about.person,
    )
