"""JSON Schema (2020-12) of messages, generated from their classes."""

from typing import Any

from followup_contracts.ingress import LeadEventSubmitted, LeadSubmitted
from followup_contracts.payload import Payload

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PROSE = frozenset({"title", "description"})
_FROM_OUTSIDE: frozenset[type[Payload]] = frozenset({LeadSubmitted, LeadEventSubmitted})


def payload_schema(payload: type[Payload]) -> dict[str, Any]:
    """The schema of a message's `data`, with the words of its class.

    For what we publish it describes what stands in every message; for what others
    publish to us, what we accept.
    """
    mode = "validation" if payload in _FROM_OUTSIDE else "serialization"
    return payload.model_json_schema(mode=mode)  # type: ignore[arg-type]  # one of its literals


def contract(payload: type[Payload]) -> dict[str, Any]:
    """The part of the schema that a published version never changes: no words, a name."""
    stripped = _without_prose(payload_schema(payload))
    return {"$schema": DIALECT, "$id": f"urn:followup:{payload.type_name}", **stripped}


def envelope_schema() -> dict[str, Any]:
    """CloudEvents 1.0 as we use it: every message without its `type` and `data`."""
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {
                "type": "string",
                "format": "uuid",
                "description": "UUIDv7; the key for idempotency.",
            },
            "source": {**text, "description": "followup/<service>, or your own URI."},
            "type": text,
            "subject": {**text, "description": "The id of what the message is about."},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "tenantid": {"type": "string", "format": "uuid"},
            "traceparent": {**text, "description": "W3C Trace Context."},
            "data": {"type": "object"},
        },
        "required": ["specversion", "id", "source", "type", "subject", "time", "tenantid", "data"],
    }


def _without_prose(schema: dict[str, Any]) -> dict[str, Any]:
    """Without titles and descriptions; a property of such a name stays."""
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _PROSE and isinstance(value, str):
            continue
        if key in ("properties", "$defs"):
            kept[key] = {name: _without_prose(inner) for name, inner in value.items()}
        elif isinstance(value, dict):
            kept[key] = _without_prose(value)
        elif isinstance(value, list):
            kept[key] = [_without_prose(v) if isinstance(v, dict) else v for v in value]
        else:
            kept[key] = value
    return kept
