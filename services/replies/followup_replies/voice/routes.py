"""`/voice/twilio/{account}/…`: what calls say, and what keys pressed in them do."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from followup_replies.errors import Unfit
from followup_replies.hooks import Door, unfit, within
from followup_replies.twilio.vendor import TWILIO, form_of
from followup_replies.vendor import xml
from followup_replies.voice.calls import Call, Calls
from followup_runtime.problems import Problem

Part = Callable[[Call], Awaitable[str]]


def routes(door: Door, calls: Calls) -> APIRouter:
    """The webhooks; not part of the API that keys can use, so not in its description."""
    router = APIRouter(prefix="/voice/twilio/{account_id}", include_in_schema=False)
    parts: Mapping[str, Part] = {
        "answer": calls.answer,
        "incoming": calls.incoming,
        "gather": calls.gather,
        "consent": calls.consent,
        "whisper": calls.whisper,
        "accept": calls.accept,
        "dialed": calls.dialed,
    }

    @router.post("/{part}")
    async def spoken(request: Request, account_id: UUID, part: str) -> Response:
        """What a call says next; answered with TwiML."""
        if part not in parts:
            raise Problem(404, detail="calls have no such part", pointer="{part}")
        return await within(TWILIO, _spoken(door, request, account_id, parts[part]))

    return router


async def _spoken(door: Door, request: Request, account_id: UUID, part: Part) -> Response:
    hook, _ = await door.admit(request, TWILIO, account_id, "voice")
    base = door.url(request, query=False).rpartition("/")[0]
    try:
        return xml(await part(Call(hook, form_of(hook), base)))
    except Unfit as error:
        raise unfit(error, TWILIO.unfit) from None
