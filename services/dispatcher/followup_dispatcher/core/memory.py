"""How far back the ledger remembers.

Its months are dropped by age, and a touch belongs to the month its id was made in. One
whose attempts may be forgotten must not be attempted: nobody could say whether it went
out before. Touches are planned step by step, so none waits for years.
"""

from datetime import datetime, timedelta
from uuid import UUID

REMEMBERED = timedelta(days=1750)
"""Touches made longer ago are over. Months are dropped after 61 months (1,856 days at the
least), so whatever is dropped was claimed more than 100 days before: longer ago than any
cap counts (31 days) and than a provider's callbacks take."""


def forgotten(touch_id: UUID, *, now: datetime) -> bool:
    """Whether the ledger may not know any more what became of a touch (RFC 9562, 5.7)."""
    made = (touch_id.int >> 80) / 1000
    return touch_id.version == 7 and now.timestamp() - made > REMEMBERED.total_seconds()  # noqa: PLR2004 - UUIDv7
