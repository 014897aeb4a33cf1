"""`/hooks/twilio/{account}/…`: texts in, and states of messages and calls."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace

from starlette.responses import Response

from followup_replies.bodies import FORM, by_name, form_fields, json_object
from followup_replies.errors import Unfit
from followup_replies.planted import ids_of
from followup_replies.twilio import answers
from followup_replies.twilio.forms import inbound_of, report_of
from followup_replies.twilio.signature import (
    HEADER,
    SETTINGS_HEADER,
    Fields,
    Signing,
    genuine,
    secret_for,
)
from followup_replies.vendor import (
    BODY_BYTES,
    Arrival,
    Checked,
    Forged,
    Genuine,
    Hook,
    Vendor,
    nothing_said,
    xml,
)

BODY_DIGEST = "bodySHA256"
"""The query's field that stands for a body that is no form."""

KEYWORD_REPLIES, OURS = "keyword_replies", "ours"
"""The account's setting that says who answers keywords; `ours`: Twilio was asked not to."""
KEYWORDS = frozenset(
    [
        "STOP",
        "UNSUBSCRIBE",
        "END",
        "QUIT",
        "STOPALL",
        "REVOKE",
        "OPTOUT",
        "CANCEL",
        "START",
        "YES",
        "UNSTOP",
        "HELP",
        "INFO",
    ]
)
"""What Twilio answers by itself unless it is told not to, with or without telling us
(help.twilio.com, "Twilio support for opt-out keywords"; docs/messaging/tutorials/
advanced-opt-out)."""


async def check(hook: Hook) -> Checked:
    """Whether a webhook is Twilio's, by either of its modes."""
    signing = Signing.read(hook.headers.get(SETTINGS_HEADER))
    secret = secret_for(signing, hook.secrets)
    if secret is None:
        return Forged("the account has no such secret")
    signed = _signed(hook)
    if signed is None:
        return Forged("the body is not what was signed")
    fits = genuine(
        hook.headers.get(HEADER, ""),
        url=hook.url,
        fields=signed,
        secret=secret,
        algorithm=signing.algorithm,
    )
    return Genuine() if fits else Forged("the signature does not match")


def form_of(hook: Hook) -> dict[str, str]:
    """The fields of a genuine webhook; raises `Unfit`."""
    if hook.body and hook.media_type != FORM:
        return {name: value for name, value in json_object(hook.body).items() if _is_text(value)}
    return by_name(form_fields(hook.body))


def _signed(hook: Hook) -> Fields | None:
    """The fields that are signed with the address; None for a body that is not."""
    if not hook.body or hook.media_type == FORM:
        try:
            return form_fields(hook.body)
        except Unfit:
            return None
    digest = hashlib.sha256(hook.body).hexdigest()
    given = hook.query.get(BODY_DIGEST, "").encode("utf-8", "surrogatepass")
    return [] if hmac.compare_digest(given, digest.encode()) else None


async def _read(hook: Hook) -> list[Arrival]:
    form = form_of(hook)
    if hook.kind != "inbound":
        return [report_of(form, ids_of(hook.query))]
    inbound = inbound_of(form)
    by_vendor = _answers_itself(inbound.body) and hook.setting(KEYWORD_REPLIES) != OURS
    return [replace(inbound, answered="by_vendor" if by_vendor else "here")]


def _answers_itself(body: str) -> bool:
    """Whether Twilio answers a text by its default handling: the bare word, in any case."""
    return body.strip().upper() in KEYWORDS


def _answer(hook: Hook, said: Sequence[str | None]) -> Response:
    return xml(answers.message(said[0])) if hook.kind == "inbound" else nothing_said(hook, said)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


TWILIO = Vendor(
    name="twilio",
    check=check,
    read=_read,
    answer=_answer,
    kinds=frozenset({"inbound", "status"}),
    body_bytes=BODY_BYTES,
)
