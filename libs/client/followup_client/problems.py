"""Problem details (RFC 9457) as exceptions."""

import math
from http import HTTPStatus
from typing import Any

import httpx

from followup_client.errors import (
    Conflict,
    Failed,
    Fault,
    Invalid,
    NotAllowed,
    NotFound,
    Refused,
    TooMany,
)

_CLASSES: dict[int, type[Refused]] = {
    HTTPStatus.UNAUTHORIZED: NotAllowed,
    HTTPStatus.FORBIDDEN: NotAllowed,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.GONE: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.TOO_MANY_REQUESTS: TooMany,
}


def problem(response: httpx.Response) -> Refused:
    """What an answer other than success says; one without problem details has its status."""
    status = response.status_code
    told = _object(response)
    title, detail, kind = told.get("title"), told.get("detail"), told.get("type")
    return _class(status)(
        status,
        title if isinstance(title, str) else response.reason_phrase or "No success",
        detail if isinstance(detail, str) else None,
        faults=_faults(told.get("errors")),
        type=kind if isinstance(kind, str) else "about:blank",
        retry_after=_seconds(response.headers.get("retry-after")),
    )


def _class(status: int) -> type[Refused]:
    known = _CLASSES.get(status)
    if known is not None:
        return known
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Invalid
    # A redirect is none of ours: something stands between.
    return Failed if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Refused


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        told = response.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _faults(told: Any) -> tuple[Fault, ...]:
    several = told if isinstance(told, list) else []
    return tuple(
        Fault(str(each.get("pointer", "")), str(each.get("detail", "")))
        for each in several
        if isinstance(each, dict)
    )


def _seconds(text: str | None) -> float | None:
    """Seconds of a `Retry-After`; a date there is not ours, and is left out."""
    try:
        seconds = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
