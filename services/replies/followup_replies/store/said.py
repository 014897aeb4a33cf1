"""What touches said and what became of them: their words, what providers told, and clicks.

The words stand in the dispatcher's ledger alone, which shows them in a view of its own
(docs/decisions/words-by-a-view.md): what is erased there is gone here.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_replies.store import clicks

_WORDS = text("""
SELECT attempt_id, subject, body FROM dispatcher.said
WHERE tenant_id = :tenant AND touch_id = ANY(CAST(:touches AS uuid[])) AND body IS NOT NULL
""")

# By person, for whom there is an index; of a touch tried twice both attempts count.
_EVENTS = text("""
SELECT s.touch_id, c.state, c.at FROM replies.sent_touches AS s
JOIN replies.callbacks AS c ON c.person_id = s.person_id AND c.attempt_id = s.attempt_id
WHERE s.tenant_id = :tenant AND c.tenant_id = :tenant AND s.lead_id = :lead
  AND s.touch_id = ANY(CAST(:touches AS uuid[])) AND c.kind <> 'other'
ORDER BY c.at, c.id LIMIT :most
""")

MOST_EVENTS = 5_000
"""Of all the touches of a page: a letter may be opened many times."""

EVENTS: Mapping[str, str] = MappingProxyType(
    {"undelivered": "bounced", "canceled": "failed", "read": "opened"}
)
"""States that have another name in the vocabulary of events (anymail.dev, "Tracking sent mail
status": queued, sent, rejected, failed, bounced, deferred, delivered, opened, clicked,
complained, unsubscribed). Calls keep the names of theirs."""


async def words(
    tx: Transaction, tenant_id: UUID, touches: Collection[UUID]
) -> dict[UUID, tuple[str | None, str]]:
    """Attempt → subject and text as they went out, of these touches; what is erased has none."""
    rows = await tx.all(_WORDS, tenant=tenant_id, touches=list(touches))
    return {row["attempt_id"]: (row["subject"], row["body"]) for row in rows}


async def events(
    tx: Transaction, tenant_id: UUID, lead_id: UUID, touches: Collection[UUID]
) -> dict[UUID, list[dict[str, Any]]]:
    """Touch → what its provider told, and the clicks on our links, in order: `event`, `at`."""
    rows = await tx.all(
        _EVENTS, tenant=tenant_id, lead=lead_id, touches=list(touches), most=MOST_EVENTS
    )
    told = [(row["touch_id"], EVENTS.get(row["state"], row["state"]), row["at"]) for row in rows]
    followed = await clicks.of_touches(tx, tenant_id, touches, most=MOST_EVENTS)
    found: dict[UUID, list[dict[str, datetime | str]]] = {}
    for touch_id, event, at in sorted(
        [*told, *((touch_id, "clicked", at) for touch_id, at in followed)],
        key=lambda each: each[2],
    ):
        found.setdefault(touch_id, []).append({"event": event, "at": at})
    return found
