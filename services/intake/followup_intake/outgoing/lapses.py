"""Deliveries that are past their keeping without an end: given up, so others have their turn.

What waits for one of its lead that is gone would wait for ever, and everything after it.
"""

from datetime import timedelta

from sqlalchemy import text

from followup_database import Transaction

_OLD = text("""
SELECT id, endpoint_id FROM intake.deliveries
WHERE created_on < statement_timestamp() - CAST(:age AS interval)
  AND state IN ('waiting', 'pending')
ORDER BY created_on LIMIT :most
""")
_ENDPOINTS = text("""
SELECT id FROM intake.endpoints WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
""")
# One that is being called is left to its caller.
_GIVE_UP = text("""
UPDATE intake.deliveries SET state = 'failed', token = NULL, finished_on = clock_timestamp()
WHERE id = ANY(CAST(:ids AS uuid[])) AND state IN ('waiting', 'pending')
  AND (token IS NULL OR due_on <= statement_timestamp())
RETURNING endpoint_id, lead_id
""")
_NEXT = text("""
UPDATE intake.deliveries SET state = 'pending', due_on = clock_timestamp(),
  opened_on = clock_timestamp()
WHERE id IN (
  SELECT DISTINCT ON (w.endpoint_id, w.lead_id) w.id
  FROM unnest(CAST(:endpoints AS uuid[]), CAST(:leads AS uuid[])) AS r(endpoint_id, lead_id)
  JOIN intake.deliveries w ON w.endpoint_id = r.endpoint_id AND w.lead_id = r.lead_id
    AND w.state = 'waiting'
  WHERE NOT EXISTS (SELECT FROM intake.deliveries p
    WHERE p.endpoint_id = r.endpoint_id AND p.lead_id = r.lead_id AND p.state = 'pending')
  ORDER BY w.endpoint_id, w.lead_id, w.sequence)
""")
_WAKE = text("""
UPDATE intake.endpoints
SET work_on = LEAST(work_on, GREATEST(clock_timestamp(), COALESCE(rest_on, '-infinity')))
WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'active'
""")


async def give_up_old(tx: Transaction, *, age: timedelta, most: int) -> int:
    """Give up what is older and not done with, up to `most` (a worker's); how many."""
    old = await tx.all(_OLD, age=age, most=most)
    if not old:
        return 0
    # As whoever adds or records does: what is promoted here is not overlooked there.
    endpoints = sorted({row["endpoint_id"] for row in old})
    await tx.all(_ENDPOINTS, ids=endpoints)
    gone = await tx.all(_GIVE_UP, ids=[row["id"] for row in old])
    leads = {(row["endpoint_id"], row["lead_id"]) for row in gone if row["lead_id"] is not None}
    following = sorted(leads)
    await tx.run(
        _NEXT,
        endpoints=[endpoint for endpoint, _ in following],
        leads=[lead for _, lead in following],
    )
    await tx.run(_WAKE, ids=endpoints)
    return len(gone)
