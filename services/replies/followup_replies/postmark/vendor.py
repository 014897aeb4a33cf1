"""`/hooks/postmark/{account}/…`: records of letters, and letters that came in.

Postmark signs nothing: the address it is given holds a user and a password
(postmarkapp.com/developer/webhooks/webhooks-overview#protecting-your-webhook).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from followup_replies.bodies import json_object, object_of, objects_of, text_of
from followup_replies.inbound import LONGEST_BODY
from followup_replies.mail import Letter, headers_of
from followup_replies.postmark.events import report_of
from followup_replies.proof import knows_password
from followup_replies.vendor import MAIL_BYTES, Arrival, Checked, Forged, Genuine, Hook, Vendor


async def _check(hook: Hook) -> Checked:
    return Genuine() if knows_password(hook) else Forged("the password does not match")


async def _read(hook: Hook) -> Sequence[Arrival]:
    body = json_object(hook.body)
    if body.get("RecordType", "Inbound") == "Inbound" and "FromFull" in body:
        return [_letter(body).inbound()]
    return [report_of(body)]


def _letter(body: Mapping[str, Any]) -> Letter:
    listed = objects_of(body.get("Headers"))
    headers = headers_of((h.get("Name"), h.get("Value", "")) for h in listed)
    sender = text_of(object_of(body.get("FromFull")).get("Email"))
    # Postmark takes these out of the headers and gives them fields of their own.
    own = {"from": sender, "date": text_of(body.get("Date"))}
    return Letter(
        name=text_of(body.get("MessageID")),
        sender=sender,
        recipient=text_of(body.get("OriginalRecipient")) or text_of(body.get("To")),
        subject=text_of(body.get("Subject")),
        text=text_of(body.get("TextBody"), longest=LONGEST_BODY),
        html=text_of(body.get("HtmlBody"), longest=LONGEST_BODY * 8),
        headers={name: value for name, value in own.items() if value} | headers,
        payload=_payload(body),
    )


def _payload(body: Mapping[str, Any]) -> dict[str, Any]:
    """All of it but what is attached; of that what it is called."""
    attached = [
        {name: a.get(name) for name in ("Name", "ContentType", "ContentLength", "ContentID")}
        for a in objects_of(body.get("Attachments"))
    ]
    return {**body, "Attachments": attached}


POSTMARK = Vendor(
    name="postmark",
    check=_check,
    read=_read,
    body_bytes=MAIL_BYTES,
    unfit=403,  # the only status after which Postmark does not come again
)
