"""`POST /v1/touches/preview`: a touch as it would go out now, and whether it would."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from followup_contracts.channels import TRAITS
from followup_contracts.commands import SendTouch
from followup_contracts.envelope import Message
from followup_contracts.payload import Channel
from followup_database import Database, Transaction, new_id
from followup_directory import Principal, template_hash, templates
from followup_dispatcher.core.verdict import Candidate, Defer, Pass, Skip, decide
from followup_dispatcher.drafting import Draft, Drafter, Unsendable
from followup_dispatcher.picture import Picture, Surveyor
from followup_dispatcher.shapes import PreviewShape
from followup_people import views
from followup_policy.segments import is_gsm
from followup_runtime.auth import require
from followup_runtime.openapi import also, shaped
from followup_runtime.problems import Problem

TouchReader = Annotated[Principal, Depends(require("touches:read"))]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Body = Annotated[dict[str, str], Field(min_length=1, max_length=4)]


class PreviewIn(BaseModel):
    """A template, in full or by its hash, and whom to render it for."""

    model_config = ConfigDict(extra="forbid")

    channel: Channel
    lead_id: UUID
    template: Body | Hash
    sequence: Annotated[str, Field(max_length=100)] = "preview"
    step: Annotated[str, Field(max_length=100)] = "preview"
    transactional: bool = False
    answer: bool = False


class PreviewRoutes:
    """The route with what it reads."""

    def __init__(self, database: Database, *, surveyor: Surveyor, drafter: Drafter) -> None:
        self._database = database
        self._surveyor = surveyor
        self._drafter = drafter
        self.router = APIRouter(tags=["dispatcher"])
        self.router.add_api_route(
            "/v1/touches/preview",
            self.preview,
            methods=["POST"],
            responses={**shaped(PreviewShape), **also(404, 409)},
        )

    async def preview(self, body: PreviewIn, who: TouchReader) -> dict[str, Any]:
        """A touch as this lead would read it, from whom, and whether it would go out now.

        Nothing is sent, reserved or kept.
        """
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            words = await _words(tx, who.tenant_id, body)
            message = await _imagined(tx, who.tenant_id, body)
            picture = await self._surveyor.look(tx, [message], looking=True)
            candidate = picture.candidate(message, tx.now)
            if isinstance(candidate, Skip) and candidate.rule == "no_contact_point":
                raise Problem(422, candidate.rule, candidate.reason, pointer="/channel")
            if not isinstance(candidate, Candidate):
                raise Problem(409, candidate.rule, candidate.reason)
            verdict = decide(candidate, now=tx.now)
            drafted = await self._drafter.draft(
                tx, message, picture, where=candidate.where, body=words
            )
        match drafted:
            case Unsendable(code=code, reason=reason):
                raise Problem(422, code, reason, pointer="/template")
            case Defer() | Skip():
                raise Problem(409, drafted.rule, drafted.reason)
            case Draft():
                return {**_shown(drafted, picture), "verdict": _told(verdict)}


async def _words(tx: Transaction, tenant_id: UUID, body: PreviewIn) -> dict[str, Any]:
    if isinstance(body.template, dict):
        parts = TRAITS[body.channel].parts
        return {part: said for part, said in body.template.items() if part in parts}
    key = (tenant_id, body.template)
    found = await templates(tx, [key])
    if key not in found:
        raise Problem(404, detail="there is no such template", pointer="/template")
    return dict(found[key].body)


async def _imagined(tx: Transaction, tenant_id: UUID, body: PreviewIn) -> Message:
    """A command for a touch that is only looked at."""
    found = (await views(tx, [(body.lead_id, body.lead_id)])).get(body.lead_id)
    if found is None:
        raise Problem(404, detail="there is no such lead", pointer="/lead_id")
    touch_id, enrollment_id = new_id(), new_id()
    written = body.template if isinstance(body.template, dict) else None
    command = SendTouch(
        touch_id=touch_id,
        enrollment_id=enrollment_id,
        lead_id=body.lead_id,
        person_id=found[0].id,
        channel=body.channel,
        lane="now",
        round=1,
        epoch=0,
        sequence=body.sequence,
        version=1,
        step=body.step,
        contact_round=f"{enrollment_id}:{body.step}",
        template=template_hash(body.channel, written) if written else str(body.template),
        transactional=body.transactional,
        answer=body.answer,
        due_at=tx.now,
    )
    return Message.of(
        command, id=new_id(), tenant_id=tenant_id, source="preview", subject=touch_id, time=tx.now
    )


def _shown(draft: Draft, picture: Picture) -> dict[str, Any]:
    content, segmented = draft.content, TRAITS[draft.command.channel].segmented
    settings = picture.tenants[draft.tenant_id].settings
    return {
        "to": draft.to,
        "sender": draft.sender,
        "account": draft.account.name,
        "sandbox": draft.account.provider == "sandbox" or settings.dry_run,
        "subject": content.subject,
        "text": content.text,
        "html": content.html,
        "voicemail": content.voicemail,
        "template": content.template,
        "headers": dict(content.headers),
        "segments": draft.segments if segmented else None,
        "alphabet": ("GSM-7" if is_gsm(content.text) else "UCS-2") if segmented else None,
    }


def _told(verdict: Pass | Defer | Skip) -> dict[str, Any]:
    match verdict:
        case Pass(explained=explained):
            return {"result": "go", "rule": None, "reason": explained, "not_before": None}
        case Defer(rule=rule, reason=reason, not_before=not_before):
            return {"result": "wait", "rule": rule, "reason": reason, "not_before": not_before}
        case Skip(rule=rule, reason=reason):
            return {"result": "never", "rule": rule, "reason": reason, "not_before": None}
