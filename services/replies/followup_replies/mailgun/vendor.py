"""`/hooks/mailgun/{account}/…`: events of letters, and letters that a route forwards."""

from collections.abc import Sequence
from datetime import timedelta

import orjson

from followup_replies.bodies import json_object, object_of, text_of
from followup_replies.email.arrivals import forwarded
from followup_replies.errors import Unfit
from followup_replies.mail import Letter, headers_of
from followup_replies.mailgun.events import report_of
from followup_replies.mailgun.signature import TOLERANCE, Signed
from followup_replies.posted import Posted, posted
from followup_replies.vendor import (
    MAIL_BYTES,
    Arrival,
    Checked,
    Forged,
    Genuine,
    Hook,
    Vendor,
    well,
)

KEY = "webhook_signing_key"
_REMEMBERED = 2 * TOLERANCE + timedelta(minutes=1)
"""A token is good from a tolerance before its moment until one behind it."""


async def _check(hook: Hook) -> Checked:
    signed = await _signed(hook)
    if signed is None:
        return Forged("no signature")
    if not signed.genuine(signing_key=hook.secrets.get(KEY, ""), at=hook.at):
        return Forged("the signature does not match, or is old")
    return Genuine(once=signed.token, remembered=_REMEMBERED)


async def _signed(hook: Hook) -> Signed | None:
    """The signature, as it came: beside the event, or among the fields of a form."""
    if hook.media_type == "application/json":
        try:
            body = orjson.loads(hook.body)
        except orjson.JSONDecodeError:
            return None
        fields = object_of(object_of(body).get("signature"))
    else:
        try:
            fields = (await posted(hook)).fields
        except Unfit:
            return None
    parts = [text_of(fields.get(name)) for name in ("timestamp", "token", "signature")]
    return Signed(*parts)


async def _read(hook: Hook) -> Sequence[Arrival]:
    if hook.media_type == "application/json":
        return [report_of(json_object(hook.body))]
    return _arrivals(await posted(hook))


def _arrivals(form: Posted) -> Sequence[Arrival]:
    fields = form.fields
    recipient, return_path = fields.get("recipient", ""), fields.get("sender")
    if "body-mime" in fields:
        return forwarded(form.octets("body-mime"), recipient=recipient, return_path=return_path)
    listed = form.json("message-headers")
    pairs = listed if isinstance(listed, list) else []
    letter = Letter(
        sender=return_path or fields.get("from", ""),
        recipient=recipient,
        subject=fields.get("subject", ""),
        text=fields.get("body-plain", ""),
        html=fields.get("body-html", ""),
        headers=headers_of(pair for pair in pairs if _is_pair(pair)),
        payload=form.payload(),
        return_path=return_path,
    )
    return [letter.inbound()]


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2  # noqa: PLR2004 - name and value


MAILGUN = Vendor(
    name="mailgun",
    check=_check,
    read=_read,
    answer=well,
    body_bytes=MAIL_BYTES,
    unfit=406,  # Mailgun does not come again after this one
)
