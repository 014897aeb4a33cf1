"""`/hooks/sendgrid/{account}/…`: events of letters, and letters that Inbound Parse forwards.

Events are signed. Inbound Parse is too where a security policy says so, else the address
has the account's password in it.
"""

from collections.abc import Sequence
from datetime import timedelta

from followup_replies.bodies import FORM, json_value, object_of
from followup_replies.email.arrivals import forwarded
from followup_replies.mail import Letter, first_address, headers_in
from followup_replies.posted import Posted, posted
from followup_replies.proof import fresh, knows_password
from followup_replies.sendgrid.events import reports_of
from followup_replies.sendgrid.signature import SIGNATURE, TIMESTAMP, genuine
from followup_replies.vendor import MAIL_BYTES, Arrival, Checked, Forged, Genuine, Hook, Vendor

KEY = "webhook_public_key"
TOLERANCE = timedelta(hours=24)
"""So long SendGrid tries again, and nobody says that it signs anew each time. A replay within
it changes nothing: events are known by their ids."""


async def _check(hook: Hook) -> Checked:
    signature, stamp = hook.headers.get(SIGNATURE), hook.headers.get(TIMESTAMP, "")
    if signature is None:
        # Events hold no secret but the signature; only letters may come by password.
        by_password = _is_letter(hook) and knows_password(hook)
        return Genuine() if by_password else Forged("no signature")
    public_key = hook.secrets.get(KEY) or hook.setting(KEY) or ""
    if not fresh(stamp, at=hook.at, tolerance=TOLERANCE):
        return Forged("the signature is of another day")
    fits = genuine(signature, timestamp=stamp, body=hook.body, public_key=public_key)
    return Genuine() if fits else Forged("the signature does not match")


async def _read(hook: Hook) -> Sequence[Arrival]:
    if _is_letter(hook):
        return _arrivals(await posted(hook))
    return reports_of(json_value(hook.body))


def _is_letter(hook: Hook) -> bool:
    return hook.media_type in {"multipart/form-data", FORM}


def _arrivals(form: Posted) -> Sequence[Arrival]:
    fields, envelope = form.fields, object_of(form.json("envelope"))
    recipient = first_address(envelope.get("to")) or fields.get("to", "")
    told = envelope.get("from")
    return_path = told if isinstance(told, str) else None
    if "email" in fields and "headers" not in fields:
        return forwarded(form.octets("email"), recipient=recipient, return_path=return_path)
    letter = Letter(
        sender=first_address(told) or fields.get("from", ""),
        recipient=recipient,
        subject=fields.get("subject", ""),
        text=fields.get("text", ""),
        html=fields.get("html", ""),
        headers=headers_in(fields.get("headers", "")),
        payload=form.payload(),
        return_path=return_path,
    )
    return [letter.inbound()]


SENDGRID = Vendor(name="sendgrid", check=_check, read=_read, body_bytes=MAIL_BYTES)
