"""Consent: stated, proved, and asked for a second time (double opt-in)."""

import html
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from followup_contracts.payload import Moment
from followup_database import Database, Transaction, committed
from followup_directory import Principal
from followup_intake import confirmations
from followup_intake.confirmations import Asked, Confirmation, Links
from followup_intake.models import Text
from followup_intake.routes.tenancy import active_tenant
from followup_intake.shapes import ConfirmationLink, ConsentShape
from followup_people import (
    ConsentStatement,
    LeadView,
    consent_history,
    leads_by_id,
    note_refusal,
    persons_by_id,
    record_consent,
)
from followup_runtime.auth import require
from followup_runtime.callers import caller_address
from followup_runtime.databases import Databases
from followup_runtime.deeds import did
from followup_runtime.openapi import Responses, media, shaped
from followup_runtime.problems import Problem
from followup_suppression import StopFence

GOOD_FOR = timedelta(days=7)

Reader = Annotated[Principal, Depends(require("consent:read"))]
Writer = Annotated[Principal, Depends(require("consent:write"))]
Wording = Annotated[str, Field(min_length=1, max_length=10_000)]
ChannelName = Literal["any", "sms", "email", "voice", "whatsapp", "instagram"]

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<body style="font:1.1rem system-ui;max-width:34rem;margin:3rem auto;padding:0 1rem">
<h1>{title}</h1>{body}</body></html>"""


class ConsentIn(BaseModel):
    """What somebody said of being contacted, with what proves it.

    A `yes` needs the wording it was given to. `refused`: they were not interested, which takes
    no consent back; some laws want silence after it. `at`: when it was said; now unless said.
    """

    model_config = ConfigDict(extra="forbid")

    channel: ChannelName = "any"
    state: Literal["yes", "no", "refused"]
    purpose: Annotated[str, Field(min_length=1, max_length=100)] = "marketing"
    wording: Wording | None = None
    method: Annotated[str, Field(min_length=1, max_length=100)] = "api"
    page: Text | None = None
    ip: Annotated[str, Field(max_length=45)] | None = None
    user_agent: Text | None = None
    jurisdiction: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")] | None = None
    at: Moment | None = None


class ConfirmationIn(BaseModel):
    """A consent that is to be confirmed by whoever reads the mail it is asked in."""

    model_config = ConfigDict(extra="forbid")

    channel: ChannelName = "email"
    wording: Wording
    page: Text | None = None
    ip: Annotated[str, Field(max_length=45)] | None = None
    user_agent: Text | None = None


class ConsentRoutes:
    """The routes with what they call; `public_url` is where confirmation links lead."""

    def __init__(
        self, databases: Databases, *, fence: StopFence, links: Links, public_url: str | None
    ) -> None:
        self._database: Database = databases.api
        self._worker: Database = databases.worker
        self._fence = fence
        self._links = links
        self._public_url = public_url
        self.router = APIRouter(tags=["consent"])
        add = self.router.add_api_route
        consent = partial(add, "/v1/leads/{lead_id}/consent")
        made = shaped(ConsentShape, 201)
        consent(self.get_consent, methods=["GET"], responses=shaped(ConsentShape))
        consent(self.post_consent, methods=["POST"], status_code=201, responses=made)
        add(
            "/v1/leads/{lead_id}/consent/confirmation",
            self.post_confirmation,
            methods=["POST"],
            status_code=201,
            responses=shaped(ConfirmationLink, 201),
        )
        ended: Responses = {404: media("text/html", "A page that says the link has ended")}
        page = partial(add, "/c/{token}", response_class=HTMLResponse, responses=ended)
        page(self.show, methods=["GET"])
        page(self.confirm, methods=["POST"])

    async def get_consent(self, lead_id: UUID, who: Reader) -> dict[str, Any]:
        """What holds for each channel, and every record it follows from: the proof.

        `sha256` is of the records as they stand here (RFC 8785 order of keys), so that a
        copy that was handed out can be told from one that was changed.
        """
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            lead = await _lead(tx, lead_id)
            person = (await persons_by_id(tx, [lead.person_id]))[lead.person_id]
            records = await consent_history(tx, who.tenant_id, lead.person_id)
            at = tx.now
        digest = sha256(orjson.dumps(records, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return {
            "lead_id": str(lead_id),
            "person_id": str(lead.person_id),
            "at": at.isoformat(),
            "consent": dict(person.consent),
            "refused": {channel: at.isoformat() for channel, at in person.refused.items()},
            "records": records,
            "sha256": digest,
        }

    async def post_consent(
        self, lead_id: UUID, body: ConsentIn, request: Request, who: Writer
    ) -> dict[str, Any]:
        """Add a record; nothing before it is changed.

        A `no` and a refusal are answered once nothing they forbid can go out any more.
        """
        if body.state == "yes" and body.wording is None:
            raise Problem(422, detail="a yes needs what it was said to", pointer="/wording")

        async def work(tx: Transaction) -> LeadView:
            tenant = await active_tenant(tx, who)
            lead = await _lead(tx, lead_id)
            if body.at is not None and body.at > tx.now + timedelta(minutes=5):
                raise Problem(422, detail="this moment has not come yet", pointer="/at")
            said = ConsentStatement(
                tenant_id=who.tenant_id,
                person_id=lead.person_id,
                lead_id=lead.id,
                channel=body.channel,
                # A refusal is evidence, and states nothing of consent.
                state="unknown" if body.state == "refused" else body.state,
                purpose=body.purpose,
                seller=tenant.settings.business_name or tenant.name,
                addresses=await confirmations.addresses_of(tx, lead.person_id, body.channel),
                wording=body.wording,
                method="refusal" if body.state == "refused" else body.method,
                source="api",
                page=body.page,
                ip=body.ip,
                user_agent=body.user_agent,
                jurisdiction=body.jurisdiction,
                at=min(body.at or tx.now, tx.now),
            )
            await record_consent(tx, [said])
            if body.state == "refused":
                await note_refusal(tx, who.tenant_id, lead.person_id, at=said.at)
            return lead

        lead = await committed(self._database, work, tenant=who.tenant_id)
        did(request, subjects=[lead.person_id], detail={"state": body.state})
        if body.state != "yes":
            await self._fence.settle(self._fence.moment())
        return await self.get_consent(lead_id, who)

    async def post_confirmation(
        self, lead_id: UUID, body: ConfirmationIn, request: Request, who: Writer
    ) -> dict[str, str]:
        """Make a link by which its reader confirms a consent; good for a week.

        Send it in a message that asks for nothing else, or have a template say
        `links.confirm`: the link of that message confirms what was asked last. Until it is
        confirmed nothing is consented to.
        """
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            tenant = await active_tenant(tx, who)
            lead = await _lead(tx, lead_id)
            token, expires_at = await confirmations.ask(
                tx,
                Confirmation(
                    tenant_id=who.tenant_id,
                    person_id=lead.person_id,
                    lead_id=lead.id,
                    channel=body.channel,
                    wording=body.wording,
                    page=body.page,
                    ip=body.ip,
                    user_agent=body.user_agent,
                    seller=tenant.settings.business_name or tenant.name,
                    asked_at=tx.now,
                ),
                good_for=GOOD_FOR,
            )
        base = tenant.settings.public_url or self._public_url or str(request.base_url)
        did(request, subjects=[lead.person_id])
        return {"url": f"{base.rstrip('/')}/c/{token}", "expires_at": expires_at.isoformat()}

    async def show(self, token: str) -> HTMLResponse:
        """Ask once more: mail scanners open links, so that opening confirms nothing."""
        async with self._worker.transaction() as tx:
            found = await self._links.find(tx, token)
        if found is None:
            return _gone()
        body = (
            f"<p>{html.escape(found.what.wording)}</p><form method='post'>"
            f"<button style='font:inherit;padding:.6rem 1.2rem'>I confirm</button></form>"
        )
        return _page(f"{html.escape(found.what.seller)}: please confirm", body)

    async def confirm(self, token: str, request: Request) -> HTMLResponse:
        """Confirm; a second time changes nothing."""

        async def work(tx: Transaction) -> Asked | None:
            found = await self._links.find(tx, token)
            if found is not None and await confirmations.confirm(tx, found):
                await record_consent(tx, [_confirmed(found, request, tx.now)])
            return found

        found = await committed(self._worker, work)
        if found is None:
            return _gone()
        seller = html.escape(found.what.seller)
        return _page("Thank you", f"<p>{seller} has your confirmation.</p>")


def _confirmed(found: Asked, request: Request, now: datetime) -> ConsentStatement:
    what = found.what
    return ConsentStatement(
        tenant_id=what.tenant_id,
        person_id=what.person_id,
        lead_id=what.lead_id,
        channel=what.channel,
        state="yes",
        seller=what.seller,
        addresses=found.addresses,
        wording=what.wording,
        method="double_opt_in",
        source="confirmation",
        page=what.page,
        ip=caller_address(request),
        user_agent=request.headers.get("user-agent", "")[:1000],
        at=now,
        confirmed_at=now,
    )


async def _lead(tx: Transaction, lead_id: UUID) -> LeadView:
    lead = (await leads_by_id(tx, [lead_id])).get(lead_id)
    if lead is None:
        raise Problem(404, detail="there is no such lead", pointer="{lead_id}")
    return lead


def _gone() -> HTMLResponse:
    return _page("This link has ended", "<p>Please ask for a new one.</p>", status=404)


def _page(title: str, body: str, *, status: int = 200) -> HTMLResponse:
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(_PAGE.format(title=title, body=body), status, headers=headers)
