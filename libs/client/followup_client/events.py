"""Calls about events: what happened, in the order of its numbers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from followup_client.call import Call, Page, Seen, asked, at, model


class Event(Seen):
    """Something that happened; the same that endpoints are told, with the same `id`.

    `data` has ids, and `lead` and `person` as they are now, if the key may read leads.
    """

    id: UUID
    type: str
    timestamp: datetime
    sequence: int
    data: dict[str, Any]


def page(*, behind: int = 0, limit: int = 100) -> Call[Page[Event]]:
    """Events behind a number; those of the last 30 days, since somebody first asked."""
    params = asked(cursor=behind, limit=limit)
    return Call("intake", "GET", at("events"), model(Page[Event]), params=params)
