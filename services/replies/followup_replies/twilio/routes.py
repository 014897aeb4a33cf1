"""`/hooks/twilio/{account}/…`: texts in, states of messages and calls, and what calls say."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from followup_contracts.call_script import CallScript
from followup_replies.hooks import Door, Hook
from followup_replies.inbound import InboundDesk
from followup_replies.reports import ReportDesk
from followup_replies.states import Heard
from followup_replies.twilio import twiml
from followup_replies.twilio.forms import (
    Unfit,
    heard_of,
    ids_of,
    inbound_of,
    opted_out_of,
    pressed_of,
    report_of,
)
from followup_replies.words import words_of
from followup_runtime.problems import Problem


class TwilioHooks:
    """What the routes need, and what they do."""

    def __init__(self, door: Door, *, inbound: InboundDesk, reports: ReportDesk) -> None:
        self._door = door
        self._inbound = inbound
        self._reports = reports

    async def inbound(self, request: Request, account_id: UUID) -> Response:
        """A text came in."""
        hook = await self._door.twilio(request, account_id)
        try:
            message = inbound_of(hook.form)
        except Unfit as error:
            raise _unfit(error) from None
        return _xml(twiml.message(await self._inbound.take(hook.account, message)))

    async def status(self, request: Request, account_id: UUID) -> Response:
        """A message or a call has come to a state."""
        hook = await self._door.twilio(request, account_id)
        try:
            report = report_of(hook.form, ids_of(hook.query))
        except Unfit as error:
            raise _unfit(error) from None
        await self._reports.take(hook.account, report, opted_out=opted_out_of(hook.form))
        return Response(status_code=204)

    async def answer(self, request: Request, account_id: UUID) -> Response:
        """Somebody or something has picked up: say what is to be said."""
        hook = await self._door.twilio(request, account_id)
        script = CallScript.unpacked(hook.query.get("script", ""))
        heard = _hearing(script, heard_of(hook.form.get("AnsweredBy")))
        sid = hook.form.get("CallSid", "")
        if script is not None and sid:
            await self._reports.heard(hook.account, sid, ids_of(hook.query), heard)
        language = _language(hook)
        path = self._door.url(request, query=False).rpartition("/")[0]
        return _xml(
            twiml.call(
                script,
                heard,
                press=words_of(language).press,
                gather_url=f"{path}/gather",
                language=language,
            )
        )

    async def gather(self, request: Request, account_id: UUID) -> Response:
        """Somebody pressed a key: 9 is a stop, for texts and calls."""
        hook = await self._door.twilio(request, account_id)
        try:
            pressed = pressed_of(hook.form)
        except Unfit as error:
            raise _unfit(error) from None
        if pressed is None:
            return _xml(twiml.HANG_UP)
        await self._inbound.take(hook.account, pressed)
        language = _language(hook)
        return _xml(twiml.goodbye(words_of(language).not_again, language=language))


def routes(service: TwilioHooks) -> APIRouter:
    """The webhooks; not part of the API that keys can use, so not in its description."""
    router = APIRouter(prefix="/hooks/twilio/{account_id}", include_in_schema=False)

    @router.post("/inbound")
    async def inbound(request: Request, account_id: UUID) -> Response:
        """A text came in; answered with TwiML."""
        return await service.inbound(request, account_id)

    @router.post("/status")
    async def status(request: Request, account_id: UUID) -> Response:
        """A message's or a call's state."""
        return await service.status(request, account_id)

    @router.post("/answer")
    async def answer(request: Request, account_id: UUID) -> Response:
        """What a call says; answered with TwiML."""
        return await service.answer(request, account_id)

    @router.post("/gather")
    async def gather(request: Request, account_id: UUID) -> Response:
        """A key pressed in a call; answered with TwiML."""
        return await service.gather(request, account_id)

    return router


def _hearing(script: CallScript | None, heard: Heard) -> Heard:
    """A machine that gets no voicemail is just a machine."""
    if heard == "voicemail" and (script is None or script.voicemail is None):
        return "machine"
    return heard


def _language(hook: Hook) -> str | None:
    language = hook.account.settings.get("voice_language")
    return language if isinstance(language, str) and language else None


def _xml(body: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{body}', media_type=twiml.MEDIA_TYPE)


def _unfit(error: Unfit) -> Problem:
    return Problem(422, detail="missing, or longer than it can be", pointer=f"/{error}")
