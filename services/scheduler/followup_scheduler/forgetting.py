"""Ending the work for somebody who is to be forgotten, before their rows go."""

from collections.abc import Mapping

from sqlalchemy import text

from followup_database import Transaction
from followup_database.personal import Subject

# Enrollments before touches, as everybody locks them.
_ENROLLMENTS = text("""
    SELECT id FROM scheduler.enrollments
    WHERE tenant_id = :tenant_id AND person_id = ANY(CAST(:persons AS uuid[]))
    ORDER BY id FOR UPDATE
""")
# With their places in the window: no answer finds a run any more that would give one back. And
# with the rounds that were answered: no late word about one counts (`Touch.close_round`).
_CANCEL = text("""
    UPDATE scheduler.touches SET state = 'cancelled', outstanding = false,
        round = round + CASE WHEN state = 'planned' AND round > 0 THEN 1 ELSE 0 END
    WHERE tenant_id = :tenant_id AND person_id = ANY(CAST(:persons AS uuid[]))
      AND state IN ('planned', 'commanded')
""")
_TIMERS = text("""
    DELETE FROM scheduler.timers t
    WHERE t.tenant_id = :tenant_id AND (
        t.target IN (SELECT id FROM scheduler.enrollments
            WHERE tenant_id = :tenant_id AND person_id = ANY(CAST(:persons AS uuid[])))
        OR t.target IN (SELECT id FROM scheduler.touches
            WHERE tenant_id = :tenant_id AND person_id = ANY(CAST(:persons AS uuid[])))
        OR t.target IN (SELECT id FROM scheduler.tasks
            WHERE tenant_id = :tenant_id AND person_id = ANY(CAST(:persons AS uuid[]))))
""")


async def end_work(tx: Transaction, subject: Subject) -> Mapping[str, int]:
    """Cancel what has not gone out and let go of every timer; counts of both."""
    params = {"tenant_id": subject.tenant_id, "persons": list(subject.persons)}
    await tx.all(_ENROLLMENTS, **params)
    cancelled = await tx.run(_CANCEL, **params)
    return {"cancelled": cancelled, "scheduler.timers": await tx.run(_TIMERS, **params)}
