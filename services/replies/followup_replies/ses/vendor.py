"""`/hooks/ses/{account}/…`: what SES publishes to a topic of the account's."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import structlog
from starlette.responses import Response

from followup_replies.bodies import json_object, object_of, text_of
from followup_replies.email.arrivals import forwarded
from followup_replies.errors import Unfit
from followup_replies.letters import unknown
from followup_replies.mail import first_address
from followup_replies.proof import decoded
from followup_replies.ses.certificates import Certificates, Fetch, fetch
from followup_replies.ses.events import reports_of, type_of
from followup_replies.ses.notification import Notification
from followup_replies.vendor import (
    MAIL_BYTES,
    Arrival,
    Checked,
    Forged,
    Genuine,
    Greeting,
    Hook,
    Unchecked,
    Vendor,
    well,
)

TOPICS = "topic_arns"

_log = structlog.get_logger(__name__)


def ses(certificates: Certificates | None = None, *, get: Fetch = fetch) -> Vendor:
    """SES as a vendor. `get` confirms subscriptions to topics of the account's."""
    known = certificates or Certificates(get)

    async def check(hook: Hook) -> Checked:
        return await _checked(hook, known)

    async def greet(hook: Hook) -> Greeting:
        return await _greeted(hook, get)

    return Vendor(
        name="ses", check=check, greet=greet, read=_read, answer=well, body_bytes=MAIL_BYTES
    )


async def _checked(hook: Hook, certificates: Certificates) -> Checked:
    told = Notification.read(hook.body)
    if told is None:
        return Forged("no notification")
    if told.topic not in _topics(hook):
        return Forged("a topic that is not the account's")
    url = told.certificate_url
    if url is None or not told.fresh(hook.at):
        return Forged("a strange certificate" if url is None else "too old")
    try:
        key = await certificates.key(url, at=hook.at)
    except (httpx.HTTPError, ValueError) as error:
        return Unchecked(f"the certificate can't be had: {type(error).__name__}")
    fits = key is not None and told.signed_by(key)
    return Genuine() if fits else Forged("the signature does not match")


def _topics(hook: Hook) -> frozenset[str]:
    listed = hook.account.settings.get(TOPICS)
    several = listed if isinstance(listed, list) else [listed]
    return frozenset(topic for topic in several if isinstance(topic, str) and topic)


async def _greeted(hook: Hook, get: Fetch) -> Greeting:
    """Confirm a subscription: the topic is the account's, so it is expected."""
    told = Notification.read(hook.body)
    if told is None or told.kind == "Notification":
        return None
    if told.kind == "UnsubscribeConfirmation":
        _log.warning("topic_unsubscribed", account=str(hook.account.id))
        return Response(status_code=200)
    url = told.subscribe_url
    if url is None:
        raise Unfit("/SubscribeURL")
    try:
        await get(url)
    except (httpx.HTTPError, ValueError) as error:
        return Unchecked(f"the subscription can't be confirmed: {type(error).__name__}")
    _log.info("topic_subscribed", account=str(hook.account.id))
    return Response(status_code=200)


async def _read(hook: Hook) -> Sequence[Arrival]:
    envelope = json_object(hook.body)
    try:
        message = json_object(text_of(envelope.get("Message"), longest=MAIL_BYTES).encode())
    except Unfit:  # such as "Successfully validated SNS topic …"
        return [unknown(envelope, "notification")]
    if type_of(message) == "received":
        return _arrivals(message)
    return reports_of(message)


def _arrivals(message: Mapping[str, Any]) -> Sequence[Arrival]:
    """The letter that a receipt rule put into the notification; raises `Unfit` without one."""
    mail, receipt = object_of(message.get("mail")), object_of(message.get("receipt"))
    content = text_of(message.get("content"), longest=MAIL_BYTES)
    if not content:  # the rule put it into a bucket instead
        raise Unfit("/Message/content")
    encoded = text_of(object_of(receipt.get("action")).get("encoding")).upper() == "BASE64"
    raw = decoded("".join(content.split())) if encoded else content.encode("utf-8", "replace")
    if raw is None:
        raise Unfit("/Message/content")
    return forwarded(
        raw,
        recipient=first_address(receipt.get("recipients")),
        return_path=text_of(mail.get("source")),
    )
