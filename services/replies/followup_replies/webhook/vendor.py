"""`/hooks/webhook/{account}/…`: any provider that speaks our own words."""

from collections.abc import Mapping
from types import MappingProxyType

from followup_replies.bodies import json_object, objects_of, text_of
from followup_replies.errors import Unfit
from followup_replies.letters import unknown
from followup_replies.plain import CallBody, InboundBody, StatusBody, read_body
from followup_replies.vendor import Arrival, Checked, Forged, Genuine, Hook, Vendor
from followup_replies.webhook.signature import genuine

SECRETS = ("webhook_secret", "signing_secret")
"""The first of these that the account has; the second signs what we send, too."""
MOST = 500
"""Events in one webhook."""

_BODIES: Mapping[str, type[InboundBody | StatusBody | CallBody]] = MappingProxyType(
    {"message.received": InboundBody, "message.status": StatusBody, "call.status": CallBody}
)


async def _check(hook: Hook) -> Checked:
    secret = next((hook.secrets[name] for name in SECRETS if hook.secrets.get(name)), "")
    fits = genuine(hook.headers, body=hook.body, secret=secret, at=hook.at)
    return Genuine() if fits else Forged("no signature fits")


async def _read(hook: Hook) -> list[Arrival]:
    """One event, `{"type": …, "data": …}`, or several under `events`."""
    body = json_object(hook.body)
    several = objects_of(body.get("events")) if "events" in body else [body]
    if len(several) > MOST:
        raise Unfit("/events")
    arrivals: list[Arrival] = []
    for event in several:
        name = text_of(event.get("type"))
        model = _BODIES.get(name)
        if model is None:
            arrivals.append(unknown(event, name or "unknown"))
        else:
            arrivals.append(read_body(model, event.get("data"), channel=hook.account.channel))
    return arrivals


WEBHOOK = Vendor(name="webhook", check=_check, read=_read)
