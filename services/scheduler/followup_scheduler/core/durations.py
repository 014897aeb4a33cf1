"""Lengths of time as people write them: `90s`, `5m`, `1h`, `2d`."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_PATTERN = r"^(0|[1-9][0-9]{0,4})(s|m|h|d)$"
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_LONGEST = timedelta(days=1_830)


def read(text: str) -> timedelta:
    """The duration that `text` names; ValueError says how to write one."""
    found = re.match(_PATTERN, text)
    if found is None:
        raise ValueError(f"{text!r} is no duration: write a whole number and s, m, h or d")
    length = timedelta(seconds=int(found[1]) * dict(_UNITS)[found[2]])
    if length > _LONGEST:
        raise ValueError(f"{text!r} is longer than five years")
    return length


def write(length: timedelta) -> str:
    """The shortest way to write `length`, in the largest unit that fits without rest."""
    seconds = int(length.total_seconds())
    for unit, size in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}m" if not seconds else f"{seconds}s"


def _accept(value: Any) -> Any:
    return read(value) if isinstance(value, str) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_accept),
    PlainSerializer(write, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _PATTERN, "examples": ["5m", "1h", "2d"]}),
]
"""A duration in a document. Serialised as it is written."""
