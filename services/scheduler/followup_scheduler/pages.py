"""Cursor pages: an opaque word says where the next page begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

import orjson

FIRST = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
"""Before every (moment, id)."""


class BadCursor(ValueError):
    """The cursor is none of ours."""


def write(moment: datetime, id_: UUID) -> str:
    """The cursor of a page that begins behind this (moment, id)."""
    return urlsafe_b64encode(orjson.dumps([moment, str(id_)])).decode().rstrip("=")


def read(cursor: str) -> tuple[datetime, UUID]:
    """What a cursor says; raises `BadCursor`."""
    try:
        moment, id_ = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        at = datetime.fromisoformat(moment)
        found = at.astimezone(UTC), UUID(id_)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadCursor("this cursor was not given by us") from error
    if at.tzinfo is None:
        raise BadCursor("this cursor was not given by us")
    return found
