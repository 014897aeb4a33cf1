"""`/voice/twilio/{account}/…`: what calls say, and what keys pressed in them do."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from followup_contracts.call_script import CallScript
from followup_replies.desk import FrontDesk
from followup_replies.errors import Unfit
from followup_replies.hooks import Door, unfit, within
from followup_replies.planted import ids_of
from followup_replies.states import Heard
from followup_replies.twilio.forms import heard_of, pressed_of, report_of
from followup_replies.twilio.vendor import TWILIO, form_of
from followup_replies.vendor import Hook, xml
from followup_replies.voice import twiml
from followup_replies.words import words_of
from followup_runtime.problems import Problem


class Calls:
    """What the routes need, and what they do."""

    def __init__(self, door: Door, desk: FrontDesk) -> None:
        self._door = door
        self._desk = desk

    async def answer(self, request: Request, account_id: UUID) -> Response:
        """Somebody or something has picked up: say what is to be said."""
        hook, form = await self._admit(request, account_id)
        script = CallScript.unpacked(hook.query.get("script", ""))
        heard = _hearing(script, heard_of(form.get("AnsweredBy")))
        if script is not None and form.get("CallSid") and form.get("CallStatus"):
            await self._desk.heard(hook.account, report_of(form, ids_of(hook.query)), heard)
        language = hook.setting("voice_language")
        path = self._door.url(request, query=False).rpartition("/")[0]
        return xml(
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
        hook, form = await self._admit(request, account_id)
        pressed = pressed_of(form)
        if pressed is None:
            return xml(twiml.HANG_UP)
        await self._desk.take(hook.account, [pressed])
        language = hook.setting("voice_language")
        return xml(twiml.goodbye(words_of(language).not_again, language=language))

    async def _admit(self, request: Request, account_id: UUID) -> tuple[Hook, dict[str, str]]:
        hook, _ = await self._door.admit(request, TWILIO, account_id, "voice")
        return hook, form_of(hook)


def routes(calls: Calls) -> APIRouter:
    """The webhooks; not part of the API that keys can use, so not in its description."""
    router = APIRouter(prefix="/voice/twilio/{account_id}", include_in_schema=False)
    parts = {"answer": calls.answer, "gather": calls.gather}

    @router.post("/{part}")
    async def said(request: Request, account_id: UUID, part: str) -> Response:
        """What a call says next; answered with TwiML."""
        if part not in parts:
            raise Problem(404, detail="calls have no such part", pointer="{part}")
        try:
            return await within(TWILIO, parts[part](request, account_id))
        except Unfit as error:
            raise unfit(error, TWILIO.unfit) from None

    return router


def _hearing(script: CallScript | None, heard: Heard) -> Heard:
    """A machine that gets no voicemail is just a machine."""
    if heard == "voicemail" and (script is None or script.voicemail is None):
        return "machine"
    return heard
