"""How requests are written that schemathesis has no way of its own for."""

import json
from itertools import count
from typing import Any

import schemathesis

_NUMBERS = count(1)


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Give each request a key of its own: another's stands for another request."""
    key = case.headers.get("Idempotency-Key") if case.headers else None
    if isinstance(key, str) and key:
        case.headers["Idempotency-Key"] = f"request-{next(_NUMBERS)}"


@schemathesis.serializer("application/x-ndjson", "application/ndjson", "application/jsonl")
def lines(_context: Any, value: Any) -> bytes:
    """A text as it is, else a line of JSON for each item."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    items = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)
