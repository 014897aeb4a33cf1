"""What each vendor says, in its own shapes (sources: the vendors' API references).

Bodies are whole and as the vendors write them, with a recipient in the sentences of their
errors: nothing of those may come out again.
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from followup_testkit.vendors.speaking import Asked, Dialect, Kept, Told

SECRET = "s3cr3t-of-the-account"
SIGNING_SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def _at(path: str, method: str = "POST") -> Callable[[Asked], bool]:
    return lambda asked: asked.method == method and asked.path == path


def _header(name: str, value: str) -> Callable[[Asked], bool]:
    return lambda asked: asked.headers.get(name) == value


def basic(user: str) -> Callable[[Asked], bool]:
    """Whether a request proves itself as this user by the secret (RFC 7617)."""
    token = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
    return _header("authorization", f"Basic {token}")


def _vonage_part(status: str, **more: str) -> Told:
    return Told(200, {"message-count": "1", "messages": [{"status": status, **more}]})


def _vonage_record(asked: Asked, held: Mapping[str, Kept]) -> Told | None:
    if asked.path != "/v2/reports/records":
        return None
    name = asked.query["client_ref"]
    rows = [{"client_ref": name, "message_id": held[name].ref}] if name in held else []
    return Told(200, {"request_status": "SUCCESS", "items_count": len(rows), "records": rows})


VONAGE = Dialect(
    vendor="vonage",
    channel="sms",
    takes=_at("/sms/json"),
    proven=lambda asked: asked.form.get("api_secret") == SECRET,
    attempt=lambda asked: asked.form.get("client-ref"),
    took=lambda asked, ref: _vonage_part(
        "0",
        **{
            "to": asked.form["to"],
            "message-id": ref,
            "remaining-balance": "3.14",
            "message-price": "0.03",
            "network": "12345",
            "client-ref": asked.form["client-ref"],
        },
    ),
    refusals={
        "refused": _vonage_part("3", **{"error-text": "Invalid to: 14155550123"}),
        "opted_out": _vonage_part("7", **{"error-text": "Number barred: 14155550123"}),
        "crowded": _vonage_part("1", **{"error-text": "Throughput Rate Exceeded"}),
        "broken": _vonage_part("15", **{"error-text": "Illegal Sender Address - rejected"}),
    },
    unproven=_vonage_part("4", **{"error-text": "Bad Credentials"}),
    record=_vonage_record,
)


def _telnyx_error(status: int, code: str, title: str) -> Told:
    detail = f"{title}: +14155550123"
    return Told(status, {"errors": [{"code": code, "title": title, "detail": detail}]})


def _telnyx_record(asked: Asked, held: Mapping[str, Kept]) -> Told | None:
    if asked.path != "/v2/detail_records":
        return None
    rows = [
        {
            "record_type": "message_detail_record",
            "uuid": kept.ref,
            "tags": name,
            "cld": kept.asked.json["to"],
        }
        for name, kept in held.items()
    ]
    return Told(200, {"data": rows, "meta": {"page_number": 1, "total_results": len(rows)}})


def _telnyx_took(asked: Asked, ref: str) -> Told:
    to = [{"phone_number": asked.json["to"], "status": "queued", "carrier": "", "line_type": ""}]
    data = {"record_type": "message", "direction": "outbound", "id": ref, "to": to, "parts": 1}
    return Told(200, {"data": data})


TELNYX = Dialect(
    vendor="telnyx",
    channel="sms",
    takes=_at("/v2/messages"),
    proven=_header("authorization", f"Bearer {SECRET}"),
    attempt=lambda asked: asked.json["tags"][0],
    took=_telnyx_took,
    refusals={
        "refused": _telnyx_error(422, "10004", "Missing required parameter"),
        "opted_out": _telnyx_error(403, "40300", "Blocked due to STOP message"),
        "crowded": _telnyx_error(429, "10011", "Too many requests"),
        "broken": _telnyx_error(400, "40305", "Invalid 'from' address"),
    },
    unproven=_telnyx_error(401, "10009", "Authentication failed"),
    record=_telnyx_record,
)


def _sendgrid_error(status: int, field: str | None, message: str) -> Told:
    return Told(status, {"errors": [{"message": message, "field": field, "help": None}]})


def _sendgrid_record(asked: Asked, held: Mapping[str, Kept]) -> Told | None:
    if asked.path != "/v3/messages":
        return None
    name = asked.query["query"].partition('"')[2].partition('"')[0]
    rows = [{"msg_id": held[name].ref, "status": "processed"}] if name in held else []
    return Told(200, {"messages": rows})


SENDGRID = Dialect(
    vendor="sendgrid",
    channel="email",
    takes=_at("/v3/mail/send"),
    proven=_header("authorization", f"Bearer {SECRET}"),
    attempt=lambda asked: asked.json["personalizations"][0]["custom_args"]["attempt"],
    took=lambda _asked, ref: Told(202, None, {"X-Message-Id": ref}),
    refusals={
        "refused": _sendgrid_error(400, "subject", "The subject is required."),
        "opted_out": _sendgrid_error(
            400, "personalizations.0.to.0.email", "dana@example.com: not a valid address"
        ),
        "crowded": _sendgrid_error(429, None, "too many requests"),
        "broken": _sendgrid_error(
            403, "from", "The from address does not match a verified Sender Identity."
        ),
    },
    unproven=_sendgrid_error(401, None, "The provided authorization grant is invalid"),
    record=_sendgrid_record,
)


def _postmark_error(status: int, code: int, message: str) -> Told:
    return Told(status, {"ErrorCode": code, "Message": f"{message} dana@example.com"})


def _postmark_took(asked: Asked, ref: str) -> Told:
    return Told(
        200,
        {
            "To": asked.json["To"],
            "SubmittedAt": "2026-11-22T10:00:00.0000000+00:00",
            "MessageID": ref,
            "ErrorCode": 0,
            "Message": "OK",
        },
    )


def _postmark_record(asked: Asked, held: Mapping[str, Kept]) -> Told | None:
    if asked.path != "/messages/outbound":
        return None
    name = asked.query["metadata_attempt"]
    rows = [{"MessageID": held[name].ref, "Status": "Sent"}] if name in held else []
    return Told(200, {"TotalCount": len(rows), "Messages": rows})


POSTMARK = Dialect(
    vendor="postmark",
    channel="email",
    takes=_at("/email"),
    proven=_header("x-postmark-server-token", SECRET),
    attempt=lambda asked: asked.json["Metadata"]["attempt"],
    took=_postmark_took,
    refusals={
        "refused": _postmark_error(422, 300, "Invalid email request"),
        "opted_out": _postmark_error(422, 406, "You tried to send to an inactive recipient"),
        "crowded": _postmark_error(429, 429, "Rate limit exceeded"),
        "broken": _postmark_error(422, 400, "Sender signature not found"),
    },
    unproven=_postmark_error(401, 10, "Bad or missing Server API token"),
    record=_postmark_record,
)


def _mailgun_error(status: int, message: str) -> Told:
    return Told(status, {"message": message})


def _mailgun_record(asked: Asked, held: Mapping[str, Kept]) -> Told | None:
    if asked.path != "/v3/mg.example.com/events":
        return None
    name = asked.query["message-id"].partition("@")[0]
    events = [
        {"event": "accepted", "message": {"headers": {"message-id": kept.ref}}}
        for attempt, kept in held.items()
        if attempt == name
    ]
    return Told(200, {"items": events, "paging": {}})


MAILGUN = Dialect(
    vendor="mailgun",
    channel="email",
    takes=_at("/v3/mg.example.com/messages"),
    proven=basic("api"),
    attempt=lambda asked: asked.form["v:attempt"],
    took=lambda _asked, ref: Told(200, {"id": ref, "message": "Queued. Thank you."}),
    refusals={
        "refused": _mailgun_error(400, "to parameter is not a valid address: dana@example.com"),
        "crowded": _mailgun_error(429, "Too many requests"),
        "broken": _mailgun_error(404, "Domain not found: mg.example.com"),
    },
    unproven=_mailgun_error(401, "Forbidden"),
    record=_mailgun_record,
)


def _ses_error(status: int, name: str, message: str) -> Told:
    return Told(status, {"message": message}, {"x-amzn-ErrorType": name})


SES = Dialect(
    vendor="ses",
    channel="email",
    takes=_at("/v2/email/outbound-emails"),
    proven=lambda asked: (
        asked.headers.get("authorization", "").startswith(f"AWS4-HMAC-SHA256 Credential={SECRET}/")
        and "x-amz-date" in asked.headers
    ),
    attempt=lambda asked: next(
        tag["Value"] for tag in asked.json["EmailTags"] if tag["Name"] == "attempt"
    ),
    took=lambda _asked, ref: Told(200, {"MessageId": ref}),
    refusals={
        "refused": _ses_error(400, "MessageRejected", "Email was rejected: dana@example.com"),
        "crowded": _ses_error(429, "TooManyRequestsException", "Maximum sending rate exceeded."),
        "broken": _ses_error(
            400,
            "MessageRejected:http://internal.amazon.com/coral/com.amazonaws.ses/",
            "Email address is not verified. The following identities failed: ray@shop.example",
        ),
    },
    unproven=_ses_error(
        403, "SignatureDoesNotMatch", "The request signature we calculated does not match"
    ),
)


def _meta_error(status: int, code: int, message: str, **more: Any) -> Told:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbC"}
    return Told(status, {"error": error | more})


_META_REFUSALS = {
    "refused": _meta_error(400, 131047, "(#131047) Re-engagement message 14155550123"),
    "opted_out": _meta_error(400, 131050, "(#131050) User stopped marketing 14155550123"),
    "crowded": _meta_error(400, 130429, "(#130429) Rate limit hit"),
    "broken": _meta_error(400, 131045, "(#131045) Incorrect certificate"),
}
_META_UNPROVEN = _meta_error(401, 190, "Error validating access token", error_subcode=463)

WHATSAPP = Dialect(
    vendor="meta",
    channel="whatsapp",
    takes=_at("/v23.0/106540352242922/messages"),
    proven=_header("authorization", f"Bearer {SECRET}"),
    attempt=lambda asked: asked.json["biz_opaque_callback_data"],
    took=lambda asked, ref: Told(
        200,
        {
            "messaging_product": "whatsapp",
            "contacts": [{"input": asked.json["to"], "wa_id": asked.json["to"]}],
            "messages": [{"id": ref, "message_status": "accepted"}],
        },
    ),
    refusals=_META_REFUSALS,
    unproven=_META_UNPROVEN,
)

INSTAGRAM = Dialect(
    vendor="meta",
    channel="instagram",
    takes=_at("/v23.0/17841400000000000/messages"),
    proven=_header("authorization", f"Bearer {SECRET}"),
    attempt=lambda _asked: None,
    took=lambda asked, ref: Told(
        200, {"recipient_id": asked.json["recipient"]["id"], "message_id": ref}
    ),
    refusals=_META_REFUSALS
    | {
        "refused": _meta_error(
            400, 10, "(#10) This message is sent outside of allowed window", error_subcode=2534022
        ),
        "opted_out": _meta_error(400, 100, "No matching user found", error_subcode=2018001),
    },
    unproven=_META_UNPROVEN,
)


def _signed(asked: Asked) -> bool:
    key = base64.b64decode(SIGNING_SECRET.removeprefix("whsec_"))
    name, at = asked.headers["webhook-id"], asked.headers["webhook-timestamp"]
    own = hmac.digest(key, f"{name}.{at}.".encode() + asked.body, "sha256")
    return hmac.compare_digest(
        asked.headers["webhook-signature"], "v1," + base64.b64encode(own).decode()
    )


def _webhook_record(asked: Asked, held: Mapping[str, Kept]) -> Told | None:
    name = asked.query.get("attempt", "")
    return Told(200, {"id": held[name].ref}) if name in held else None


WEBHOOK = Dialect(
    vendor="webhook",
    channel="sms",
    takes=_at("/send"),
    proven=_signed,
    attempt=lambda asked: asked.headers["webhook-id"],
    took=lambda _asked, ref: Told(202, {"id": ref}),
    refusals={
        "refused": Told(422, {"code": "no_route", "reason": "nobody serves this country"}),
        "opted_out": Told(422, {"code": "opted_out", "reason": "said stop", "suppress": True}),
        "crowded": Told(429),
        "broken": Told(403),
    },
    unproven=Told(401),
    record=_webhook_record,
)

DIALECTS: tuple[Dialect, ...] = (
    VONAGE,
    TELNYX,
    SENDGRID,
    POSTMARK,
    MAILGUN,
    SES,
    WHATSAPP,
    INSTAGRAM,
    WEBHOOK,
)
