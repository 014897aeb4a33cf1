"""Whose message it is, as far as bytes that may be anything can tell."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from followup_contracts.envelope import MAX_BYTES

_LONGEST_TYPE = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids and the type in an envelope; None for what is not there."""

    message_id: UUID | None = None
    tenant_id: UUID | None = None
    type: str | None = None


def identify(body: bytes) -> Identity:
    """The ids of a message even if the rest of it makes no sense; never raises.

    A message of a newer version is unreadable here and still known to its outbox:
    a dead letter without its id would have it published again for ever.
    """
    if len(body) > MAX_BYTES:
        return Identity()
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return Identity()
    if not isinstance(event, dict):
        return Identity()
    kind = event.get("type")
    named = kind.replace("\0", "")[:_LONGEST_TYPE] if isinstance(kind, str) else None
    return Identity(_uuid(event.get("id")), _uuid(event.get("tenantid")), named)


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
