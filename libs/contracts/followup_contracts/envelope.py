"""CloudEvents 1.0 in JSON structured mode: the form every message travels in.

`application/cloudevents+json`, so that any language can take part. `tenantid` and
`traceparent` (W3C Trace Context) are extension attributes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from followup_contracts.payload import Payload
from followup_contracts.registry import MESSAGES

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
"""Several events in one message: a JSON array of them."""
MAX_BYTES = 256 * 1024
"""A longer message is refused unread: ours are under 2 KB, raw leads under 64 KB."""


class Unreadable(ValueError):
    """The bytes are no message of ours; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Message:
    """A payload with what identifies it. `id` is a UUIDv7 and the key for idempotency."""

    id: UUID
    tenant_id: UUID
    source: str
    subject: str
    time: datetime
    data: Payload
    traceparent: str | None = None

    @classmethod
    def of(
        cls,
        data: Payload,
        *,
        id: UUID,  # noqa: A002 - CloudEvents calls it so
        tenant_id: UUID,
        source: str,
        subject: UUID | str,
        time: datetime,
        traceparent: str | None = None,
    ) -> Self:
        """A message from `source` (a service's name) about `subject` (an id)."""
        return cls(id, tenant_id, f"followup/{source}", str(subject), time, data, traceparent)

    @property
    def type(self) -> str:
        """`followup.<what>.v<n>`."""
        return self.data.type_name

    @property
    def routing_key(self) -> str:
        """What queues are bound by."""
        return self.data.route()


def encode(message: Message) -> bytes:
    """The message as CloudEvents JSON."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": message.id,
        "source": message.source,
        "type": message.type,
        "subject": message.subject,
        "time": message.time.astimezone(UTC),
        "datacontenttype": "application/json",
        "tenantid": message.tenant_id,
        "data": message.data,
    }
    if message.traceparent is not None:
        event["traceparent"] = message.traceparent
    return to_json(event)


def decode(body: bytes) -> Message:
    """The message in these bytes; raises `Unreadable` and nothing else."""
    if len(body) > MAX_BYTES:
        raise Unreadable(f"the message has {len(body)} bytes, the limit is {MAX_BYTES}")
    try:
        event = from_json(body)
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}") from None
    if not isinstance(event, dict):
        raise Unreadable("the message is no JSON object")
    kind = event.get("type")
    payload = MESSAGES.get(kind) if isinstance(kind, str) else None
    if payload is None:
        raise Unreadable(f"/type: {kind!r} is no type this version knows")
    try:
        return Message(
            id=_uuid(event, "id"),
            tenant_id=_uuid(event, "tenantid"),
            source=_text(event, "source"),
            subject=_text(event, "subject"),
            time=_time(event),
            data=payload.model_validate(event.get("data")),
            traceparent=_optional_text(event, "traceparent"),
        )
    except ValidationError as error:
        raise Unreadable(_explain(error)) from None


def _text(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"/{name}: a text is required")
    return value


def _optional_text(event: dict[str, Any], name: str) -> str | None:
    return _text(event, name) if event.get(name) is not None else None


def _uuid(event: dict[str, Any], name: str) -> UUID:
    try:
        return UUID(_text(event, name))
    except ValueError as error:
        raise Unreadable(f"/{name}: {error}") from None


def _time(event: dict[str, Any]) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(event, "time"))
    except ValueError as error:
        raise Unreadable(f"/time: {error}") from None
    if moment.tzinfo is None:
        raise Unreadable("/time: a zone is required")
    return moment


def _explain(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    pointer = "/".join(str(part) for part in ("", "data", *first["loc"]))
    return f"{pointer}: {first['msg']}"
