"""Intake's routes: parse, call, answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from followup_contracts.payload import Lane
from followup_database import Database, Transaction, committed
from followup_directory import Principal, Tenant, tenants_by_id
from followup_intake import requests
from followup_intake.capture import Capture, Captured, Draft, Proof
from followup_intake.core.errors import NotATable
from followup_intake.core.lead import RowResult
from followup_intake.core.normalise import normalise_lead
from followup_intake.errors import KeyReused, StillRunning
from followup_intake.happenings import FORBIDDING, Happenings, IncompleteEvent, UnknownLead
from followup_intake.imports import Importer
from followup_intake.models import LeadEventIn, LeadIn, LeadOut
from followup_people import leads_by_id
from followup_runtime.auth import require
from followup_runtime.limits import nul_in
from followup_runtime.problems import Problem, from_validation
from followup_suppression import StopFence

MAX_LINE = 64 * 1024
MAX_BATCH = 64 * 1024 * 1024
MAX_FILE = 256 * 1024 * 1024
BATCH = 500

Line = tuple[int, bytes]
"""A line of a batch and its number, from 1."""

_Saved = list[Captured]

Writer = Annotated[Principal, Depends(require("leads:write"))]
Reader = Annotated[Principal, Depends(require("leads:read"))]
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)
]


class Duplex(StreamingResponse):
    """A response that is written while its request is still being read.

    The stock one listens for a disconnect beside it, and would take the body's parts
    for itself.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Write; a client that has gone ends the reading with an error of its own."""
        await self.stream_response(send)


class Routes:
    """The routes with what they call; `router` is what an app includes."""

    def __init__(
        self,
        database: Database,
        *,
        capture: Capture,
        happenings: Happenings,
        importer: Importer,
        fence: StopFence,
    ) -> None:
        self._database = database
        self._fence = fence
        self._capture = capture
        self._happenings = happenings
        self._importer = importer
        self.router = APIRouter(tags=["intake"])
        add = self.router.add_api_route
        add("/v1/leads", self.post_lead, methods=["POST"], status_code=201, response_model=LeadOut)
        add("/v1/leads/batch", self.post_batch, methods=["POST"], response_class=StreamingResponse)
        add("/v1/leads/import", self.post_import, methods=["POST"])
        add("/v1/leads/{lead_id}", self.get_lead, methods=["GET"])
        add("/v1/leads/{lead_id}/events", self.post_event, methods=["POST"], status_code=202)

    async def post_lead(
        self, body: LeadIn, request: Request, who: Writer, key: IdempotencyKey = None
    ) -> Response:
        """Take one lead; 201, or 200 when its `external_id` or `Idempotency-Key` is known.

        With consent `no`, also of a lead that is known, it is answered once nothing can go
        to its person any more.
        """
        raw = await request.body()

        async def work(tx: Transaction) -> requests.Answer:
            kept = await _taken(tx, key, raw)
            if kept is not None:
                return kept
            answer = await self._one(tx, body, who)
            if key is not None:
                await requests.keep(tx, key, answer)
            return answer

        answer = await committed(self._database, work, tenant=who.tenant_id)
        if body.consent in (False, "no"):
            await self._fence.settle(self._fence.moment())
        return JSONResponse(dict(answer.body), answer.status)

    async def _one(self, tx: Transaction, body: LeadIn, who: Principal) -> requests.Answer:
        tenant = await _tenant(tx, who)
        draft = _draft(body, 1, tenant, tx.now, proof=_proof(body))
        if draft.result.lead is None:
            raise _refusal(draft.result)
        (captured,) = await self._capture.save(tx, tenant, [draft], lane="now")
        return requests.Answer(
            200 if captured.repeated else 201, _out(draft.result, captured).model_dump(mode="json")
        )

    async def post_batch(self, request: Request, who: Writer, lane: Lane = "later") -> Duplex:
        """Take leads as NDJSON, one a line; a line of answer each, in order.

        Lines are committed in groups, so a batch that is cut off keeps what was
        answered; give each lead an `external_id` to send it again safely.
        """
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind not in ("application/x-ndjson", "application/ndjson", "application/jsonl"):
            raise Problem(
                415, detail="this route reads application/x-ndjson", pointer="Content-Type:"
            )
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            tenant = await _tenant(tx, who)
        return Duplex(self._batch(request, tenant, lane), media_type="application/x-ndjson")

    async def post_import(self, request: Request, who: Writer) -> dict[str, Any]:
        """Take a CSV or TSV file as the body; leads get lane `later`. Safe to send again."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            tenant, today = await _tenant(tx, who), tx.now.date()
        with SpooledTemporaryFile(max_size=8 * 1024 * 1024) as file:
            async for block in request.stream():
                await asyncio.to_thread(file.write, block)
            file.seek(0)
            try:
                report = await self._importer.run(file, tenant=tenant, today=today)  # type: ignore[arg-type]  # a spooled file is a binary file
            except NotATable as error:
                raise Problem(422, "Not a table", str(error), pointer="") from None
        return {
            "import_id": str(report.id),
            "rows": report.rows,
            "accepted": report.accepted,
            "merged": report.merged,
            "refused": report.refused,
            "reasons": report.reasons,
            "refusals": report.refusals,
        }

    async def get_lead(self, lead_id: UUID, who: Reader) -> dict[str, Any]:
        """One lead."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            lead = (await leads_by_id(tx, [lead_id])).get(lead_id)
        if lead is None:
            raise Problem(404, detail="there is no such lead", pointer="{lead_id}")
        return {
            "id": str(lead.id),
            "person_id": str(lead.person_id),
            "source": lead.source,
            "asked": lead.asked,
            "need": lead.need,
            "value": None if lead.value is None else str(lead.value),
            "attributes": dict(lead.attributes),
            "received_at": lead.received_at.isoformat(),
        }

    async def post_event(self, lead_id: UUID, body: LeadEventIn, who: Writer) -> dict[str, str]:
        """Take a booking, a sale or a change of stage; 202 once it is kept.

        A sale or an appointment is answered once nothing can go to its person any more
        before the sequences have taken it in.
        """

        async def work(tx: Transaction) -> None:
            await self._happenings.take(tx, who.tenant_id, body.submitted(lead_id))

        try:
            await committed(self._database, work, tenant=who.tenant_id)
        except UnknownLead:
            raise Problem(404, detail="there is no such lead", pointer="{lead_id}") from None
        except IncompleteEvent as error:
            raise Problem(422, detail=str(error), pointer=f"/{error.field}") from None
        if body.kind in FORBIDDING:
            await self._fence.settle(self._fence.moment())
        return {"lead_id": str(lead_id), "kind": body.kind}

    async def _batch(self, request: Request, tenant: Tenant, lane: Lane) -> AsyncIterator[bytes]:
        number = 0
        try:
            async for lines in _groups(request):
                number = lines[-1][0]
                answers = await self._save(lines, tenant, lane)
                yield b"".join(orjson.dumps(answers[n]) + b"\n" for n in sorted(answers))
        except Problem as problem:
            # The status is out already; the last line has to tell.
            said = problem.said or problem.title
            yield orjson.dumps({"line": number + 1, "status": "stopped", "detail": said}) + b"\n"

    async def _save(
        self, lines: Sequence[Line], tenant: Tenant, lane: Lane
    ) -> dict[int, dict[str, Any]]:
        """Take a group of lines in one transaction; the answers by line."""

        async def work(tx: Transaction) -> tuple[dict[int, dict[str, Any]], list[Draft], _Saved]:
            # Reading half a thousand leads takes a while; requests beside it go on.
            answers, drafts = await asyncio.to_thread(_parsed, lines, tenant, tx.now)
            return answers, drafts, await self._capture.save(tx, tenant, drafts, lane=lane)

        answers, drafts, saved = await committed(self._database, work, tenant=tenant.id)
        if any(one.refused for one in saved):
            await self._fence.settle(self._fence.moment())
        for draft, captured in zip(drafts, saved, strict=True):
            out = _out(draft.result, captured).model_dump(mode="json")
            answers[captured.row] = {"line": captured.row, "status": "accepted", **out}
        return answers


def _parsed(
    lines: Sequence[Line], tenant: Tenant, now: datetime
) -> tuple[dict[int, dict[str, Any]], list[Draft]]:
    """Answers to the lines that are refused, and drafts of the others."""
    answers: dict[int, dict[str, Any]] = {}
    drafts: list[Draft] = []
    for number, line in lines:
        try:
            draft = _draft(_parse(line), number, tenant, now, proof=Proof("api"))
            if draft.result.lead is None:
                raise _refusal(draft.result)
        except Problem as problem:
            answers[number] = {
                "line": number,
                "status": "refused",
                "detail": problem.said or problem.title,
                "errors": problem.errors,
            }
        else:
            drafts.append(draft)
    return answers, drafts


async def _groups(request: Request) -> AsyncIterator[list[Line]]:
    """Lines that are not empty, in groups; of one that is too long only what shows it."""
    held, lines, number = b"", list[Line](), 0
    async for block in request.stream():
        *whole, held = (held + block).split(b"\n")
        lines += [(n, line) for n, line in enumerate(whole, number + 1) if line.strip()]
        number += len(whole)
        held = held[: MAX_LINE + 1]
        while len(lines) >= BATCH:
            group, lines = lines[:BATCH], lines[BATCH:]
            yield group
    if held.strip():
        lines.append((number + 1, held))
    if lines:
        yield lines


def _parse(line: bytes) -> LeadIn:
    if len(line) > MAX_LINE:
        raise Problem(413, detail=f"the line is longer than {MAX_LINE} bytes", pointer="")
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "Malformed JSON", str(error), pointer="") from None
    pointer = nul_in(value)
    if pointer is not None:
        raise Problem(400, "Malformed text", "a text holds a NUL character", pointer=pointer)
    try:
        return LeadIn.model_validate(value)
    except ValidationError as error:
        found = from_validation(error.errors(include_input=False, include_url=False))
        raise Problem(422, "Invalid lead", found[0]["detail"], errors=found) from None


def _draft(body: LeadIn, row: int, tenant: Tenant, now: datetime, *, proof: Proof) -> Draft:
    result = normalise_lead(
        body.fields(), today=now.date(), default_country=tenant.settings.default_country
    )
    lead = result.lead
    if lead is not None and body.received_at is None:
        # The moment of the request is no date that is missing.
        lead = replace(lead, received_at=now)
    return Draft(
        replace(result, row=row, lead=lead),
        lead,  # type: ignore[arg-type]  # a refused one is turned away before it is saved
        proof,
        external_id=body.external_id,
        stated_zone=body.zone,
        sequence=body.sequence,
        audience=body.audience,
    )


def _refusal(result: RowResult) -> Problem:
    errors = [
        {"pointer": pointer, "detail": detail}
        for note, pointer, detail in (
            ("bad_phone", "/phone", "this is no phone number that can be reached"),
            ("bad_email", "/email", "this is no e-mail address"),
        )
        if note in result.other_reasons
    ]
    detail = "neither a usable phone number nor a usable e-mail address"
    return Problem(
        422,
        "Nobody can be reached",
        detail,
        errors=errors or [{"pointer": "/phone", "detail": detail}],
    )


def _out(result: RowResult, captured: Captured) -> LeadOut:
    return LeadOut(
        lead_id=captured.lead_id,
        person_id=captured.person_id,
        verdict="accept" if result.verdict == "accept" else "accept_with_warning",
        reason=result.reason,
        other_reasons=result.other_reasons,
        merged=captured.merged,
        repeated=captured.repeated,
    )


def _proof(body: LeadIn) -> Proof:
    return Proof(method="api", page=body.consent_page)


async def _taken(tx: Transaction, key: str | None, raw: bytes) -> requests.Answer | None:
    if key is None:
        return None
    try:
        return await requests.take(tx, key, raw)
    except KeyReused as error:
        raise Problem(422, "Key reused", str(error), pointer="Idempotency-Key:") from None
    except StillRunning as error:
        raise Problem(409, "Under way", str(error), pointer="Idempotency-Key:") from None


async def _tenant(tx: Transaction, who: Principal) -> Tenant:
    found = (await tenants_by_id(tx, [who.tenant_id])).get(who.tenant_id)
    if found is None or found.state != "active":
        raise Problem(403, detail="the tenant is not active")
    return found
