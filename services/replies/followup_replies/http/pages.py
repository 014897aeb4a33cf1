"""Cursor pages: an opaque word says where the next page begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

import orjson


def write(place: Sequence[str]) -> str:
    """The cursor of a page that begins behind this place."""
    return urlsafe_b64encode(orjson.dumps(list(place))).decode().rstrip("=")


def read(cursor: str) -> tuple[str, str]:
    """The two parts of a place; raises `ValueError` for what is no cursor of ours."""
    match orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))):
        case [str(first), str(second)]:
            return first, second
        case _:
            raise ValueError("a cursor has two parts")
