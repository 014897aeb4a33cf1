"""Statements on `replies.clicks`: who followed which counted link, and when."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_suppression.clicks import Click

MOST = 100
"""Clicks on one link that are kept: a link may be passed on to anybody, and followed for ever."""

_INSERT = text("""
INSERT INTO replies.clicks (touch_id, link, minute, tenant_id, person_id, at)
SELECT CAST(:touch AS uuid), CAST(:link AS bytea),
  date_trunc('minute', CAST(:at AS timestamptz)), CAST(:tenant AS uuid), CAST(:person AS uuid),
  CAST(:at AS timestamptz)
WHERE (
  SELECT count(*) FROM (
    SELECT FROM replies.clicks
    WHERE touch_id = CAST(:touch AS uuid) AND link = CAST(:link AS bytea) LIMIT :most
  ) AS kept
) < :most
ON CONFLICT (touch_id, link, minute) DO NOTHING
""")

_FORGET_OLD = text("""
DELETE FROM replies.clicks WHERE (touch_id, link, minute) IN (
  SELECT touch_id, link, minute FROM replies.clicks
  WHERE tenant_id = :tenant AND at < :before
  ORDER BY at LIMIT :most FOR UPDATE SKIP LOCKED)
""")

_OF = text("""
SELECT touch_id, at FROM replies.clicks
WHERE tenant_id = :tenant AND touch_id = ANY(CAST(:touches AS uuid[]))
ORDER BY at LIMIT :most
""")


async def insert(tx: Transaction, click: Click, token: str) -> bool:
    """Keep a click at this moment.

    False where one of the same minute is kept already, or `MOST` of the same link.
    """
    kept = await tx.run(
        _INSERT,
        touch=click.touch_id,
        link=sha256(token.encode()).digest()[:8],
        tenant=click.tenant_id,
        person=click.person_id,
        at=tx.now,
        most=MOST,
    )
    return kept == 1


async def forget_old(tx: Transaction, tenant_id: UUID, *, before: datetime, most: int) -> int:
    """Delete a tenant's clicks from before that moment, up to `most`, oldest first."""
    return await tx.run(_FORGET_OLD, tenant=tenant_id, before=before, most=most)


async def of_touches(
    tx: Transaction, tenant_id: UUID, touches: Collection[UUID], *, most: int
) -> list[tuple[UUID, datetime]]:
    """The clicks on links of these touches, in order, up to `most`."""
    rows = await tx.all(_OF, tenant=tenant_id, touches=list(touches), most=most)
    return [(row["touch_id"], row["at"]) for row in rows]
