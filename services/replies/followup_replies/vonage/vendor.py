"""`/hooks/vonage/{account}/…`: texts in and states of texts, by either API, POST or GET."""

from collections.abc import Sequence
from typing import Any

import orjson

from followup_replies.bodies import by_name, form_fields, json_object
from followup_replies.errors import Unfit
from followup_replies.planted import NAMES, carried
from followup_replies.vendor import (
    BODY_BYTES,
    Arrival,
    Checked,
    Forged,
    Genuine,
    Hook,
    Unchecked,
    Vendor,
    well,
)
from followup_replies.vonage.events import arrival_of
from followup_replies.vonage.signature import HASH, params_genuine, token_genuine

SECRET = "signature_secret"  # noqa: S105 - the name of one
METHOD = "signature_method"


async def _check(hook: Hook) -> Checked:
    secret = hook.secrets.get(SECRET)
    if not secret:
        return Forged("the account has no secret")
    scheme, _, token = hook.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        fits = token_genuine(token.strip(), body=hook.body, secret=secret, at=hook.at)
        return Genuine() if fits else Forged("the token does not match, or is old")
    params = _params(hook)
    if params is None:
        return Forged("no parameters")
    if "sig" not in params and "message_uuid" in params:
        # By its own word the vendor sometimes fails to sign, and a 5xx has it come again
        # with a signature (developer.vonage.com/en/messages/concepts/signed-webhooks).
        return Unchecked("not signed")
    method = hook.setting(METHOD) or HASH
    # Whether it signs what our callback's address holds already, it does not say.
    spellings = (params, {**carried(hook.query), **params})
    known = [params_genuine(p, secret=secret, method=method, at=hook.at) for p in spellings]
    return Genuine() if any(known) else Forged("the signature does not match, or is old")


def _params(hook: Hook) -> dict[str, str] | None:
    """The parameters as texts, for the signature; None where there are none."""
    try:
        said = _said(hook)
    except Unfit:
        return None
    return {name: _plain(value) for name, value in said.items()}


def _said(hook: Hook) -> dict[str, Any]:
    """What the vendor says: in the query, in a form or in JSON; raises `Unfit`."""
    if not hook.body:
        # The vendor signs its own parameters, not what our callback's address holds.
        return by_name([field for field in hook.query.items() if field[0] not in NAMES])
    if hook.media_type == "application/json":
        return json_object(hook.body)
    return dict(by_name(form_fields(hook.body)))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


async def _read(hook: Hook) -> Sequence[Arrival]:
    return [arrival_of(_said(hook), carried(hook.query), channel=hook.account.channel)]


VONAGE = Vendor(
    name="vonage",
    check=_check,
    read=_read,
    answer=well,
    methods=frozenset({"GET", "POST"}),
    body_bytes=BODY_BYTES,
)
