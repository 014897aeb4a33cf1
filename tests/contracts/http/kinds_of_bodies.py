"""How bodies are written that schemathesis has no way of its own for."""

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/ndjson", "application/jsonl")
def lines(_context: Any, value: Any) -> bytes:
    """A text as it is, else a line of JSON for each item."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    items = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)
