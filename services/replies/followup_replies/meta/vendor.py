"""`/hooks/meta/{account}/…`: WhatsApp and Instagram."""

from collections.abc import Sequence

from starlette.responses import PlainTextResponse

from followup_replies.bodies import json_object
from followup_replies.meta.events import arrivals_of
from followup_replies.meta.signature import SIGNATURE, challenge_of, genuine
from followup_replies.vendor import Arrival, Checked, Forged, Genuine, Greeting, Hook, Vendor, well

SECRET = "app_secret"  # noqa: S105 - the name of one
TOKEN = "verify_token"  # noqa: S105 - the name of one


async def _check(hook: Hook) -> Checked:
    if hook.method == "GET":
        asked = challenge_of(hook.query, verify_token=hook.secrets.get(TOKEN, ""))
        return Forged("another verify token") if asked is None else Genuine()
    signature, secret = hook.headers.get(SIGNATURE, ""), hook.secrets.get(SECRET, "")
    fits = genuine(signature, body=hook.body, app_secret=secret)
    return Genuine() if fits else Forged("the signature does not match")


async def _greet(hook: Hook) -> Greeting:
    if hook.method != "GET":
        return None
    return PlainTextResponse(hook.query["hub.challenge"])


async def _read(hook: Hook) -> Sequence[Arrival]:
    return arrivals_of(json_object(hook.body), channel=hook.account.channel)


META = Vendor(
    name="meta",
    check=_check,
    greet=_greet,
    read=_read,
    answer=well,
    methods=frozenset({"GET", "POST"}),
)
