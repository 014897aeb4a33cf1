"""Bodies of webhooks as values: forms, multipart forms, JSON; bounded, and fit to be kept.

PostgreSQL holds no NUL in text and JSON no half of a surrogate pair; a genuine message
must not be lost over one, so both become U+FFFD.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import orjson

from followup_replies.errors import Unfit

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
DEEPEST = 32
"""Levels of JSON; vendors need about six."""
MOST_EVENTS = 5_000
"""In one webhook: what a megabyte holds of the smallest."""

_REPLACED = "\ufffd"


def form_fields(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form, in order, blanks too; raises `Unfit`."""
    try:
        return parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise Unfit("") from None


def by_name(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Fields by name, of several of a name the last, fit to be kept."""
    return {whole(name): whole(value) for name, value in fields}


def json_value(body: bytes) -> Any:
    """The value of a JSON body, fit to be kept; raises `Unfit` for what is none."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _forgiven(body)
    return _fit(value, DEEPEST)


def json_object(body: bytes) -> dict[str, Any]:
    """The object in a JSON body; raises `Unfit`."""
    value = json_value(body)
    if not isinstance(value, dict):
        raise Unfit("")
    return value


def whole(text: str) -> str:
    """A text without what cannot be kept."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", _REPLACED).encode("utf-8", "replace").decode()


def text_of(value: Any, *, longest: int = 1_000) -> str:
    """What stands in a field, as a text: of numbers their digits, of anything else nothing."""
    if isinstance(value, str):
        return value.strip()[:longest]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[:longest]
    return ""


def object_of(value: Any) -> Mapping[str, Any]:
    """An object, or an empty one where something else stands."""
    return value if isinstance(value, dict) else {}


def objects_of(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a list; other things in it are left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _forgiven(body: bytes) -> Any:
    """What is JSON but for halves of surrogate pairs, which old encoders write."""
    if b"\\u" not in body:
        raise Unfit("")
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Unfit("") from None


def _refuse(_constant: str) -> None:
    raise ValueError("NaN and infinities are not JSON")


def _fit(value: Any, levels: int) -> Any:
    if levels == 0:
        raise Unfit("")
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {whole(key): _fit(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_fit(item, levels - 1) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value
