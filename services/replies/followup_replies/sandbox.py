"""`/hooks/sandbox/{account}/…`: the same as a vendor's webhooks, for people who are not there.

JSON, signed: `X-Followup-Signature` is the HMAC-SHA256 of the raw body in hex, under the
account's sandbox key (`Keys.sandbox_keys`). From there on everything is the real path.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from starlette.responses import Response

from followup_replies.bodies import json_value
from followup_replies.inbound import Inbound
from followup_replies.plain import CallBody, InboundBody, StatusBody, read_body
from followup_replies.vendor import (
    BODY_BYTES,
    Arrival,
    Checked,
    Forged,
    Genuine,
    Hook,
    Vendor,
    json,
    nothing_said,
)

HEADER = "x-followup-signature"

SandboxKeys = Callable[[UUID], Sequence[bytes]]

_BODIES: Mapping[str, type[InboundBody | StatusBody | CallBody]] = {
    "inbound": InboundBody,
    "status": StatusBody,
    "call": CallBody,
}


def sandbox(keys: SandboxKeys) -> Vendor:
    """The sandbox as a vendor: an inbox that answers in JSON, states of messages and calls."""

    async def check(hook: Hook) -> Checked:
        given = hook.headers.get(HEADER, "").encode("utf-8", "surrogatepass")
        fitting = [
            hmac.compare_digest(given, signature(key, hook.body)) for key in keys(hook.account.id)
        ]
        return Genuine() if any(fitting) else Forged("no key fits")

    return Vendor(
        name="sandbox",
        check=check,
        read=_read,
        answer=_answer,
        kinds=frozenset(_BODIES),
        body_bytes=BODY_BYTES,
    )


def signature(key: bytes, raw: bytes) -> bytes:
    """What `X-Followup-Signature` must be for a body."""
    return hmac.digest(key, raw, "sha256").hex().encode()


async def _read(hook: Hook) -> list[Arrival]:
    arrival = read_body(_BODIES[hook.kind], json_value(hook.body), channel=hook.account.channel)
    return [replace(arrival, answered="here") if isinstance(arrival, Inbound) else arrival]


def _answer(hook: Hook, answers: Sequence[str | None]) -> Response:
    if hook.kind != "inbound":
        return nothing_said(hook, answers)
    return json({"answer": answers[0]})
