"""The cursor of a page, out of a request."""

from datetime import datetime
from uuid import UUID

from followup_runtime.problems import Problem
from followup_scheduler import pages


def read_cursor(cursor: str | None) -> tuple[datetime, UUID]:
    """Behind what the page begins; without a cursor at the very first."""
    if cursor is None:
        return pages.FIRST
    try:
        return pages.read(cursor)
    except pages.BadCursor as error:
        raise Problem(422, detail=str(error), pointer="?cursor") from None
