"""Statements on `replies.clicks`: who followed which counted link, and when."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_suppression.clicks import Click

_INSERT = text("""
INSERT INTO replies.clicks (touch_id, link, minute, tenant_id, person_id, at)
VALUES (:touch, :link, date_trunc('minute', CAST(:at AS timestamptz)), :tenant, :person, :at)
ON CONFLICT (touch_id, link, minute) DO NOTHING
""")

_OF = text("""
SELECT touch_id, at FROM replies.clicks
WHERE tenant_id = :tenant AND touch_id = ANY(CAST(:touches AS uuid[]))
ORDER BY at LIMIT :most
""")


async def insert(tx: Transaction, click: Click, token: str) -> bool:
    """Keep a click at this moment; False where one of the same minute is kept already."""
    kept = await tx.run(
        _INSERT,
        touch=click.touch_id,
        link=sha256(token.encode()).digest()[:8],
        tenant=click.tenant_id,
        person=click.person_id,
        at=tx.now,
    )
    return kept == 1


async def of_touches(
    tx: Transaction, tenant_id: UUID, touches: Collection[UUID], *, most: int
) -> list[tuple[UUID, datetime]]:
    """The clicks on links of these touches, in order, up to `most`."""
    rows = await tx.all(_OF, tenant=tenant_id, touches=list(touches), most=most)
    return [(row["touch_id"], row["at"]) for row in rows]
