"""Epochs of enrollments: a command of an older one is not carried out any more.

Raised by halt, pause, cancellation and re-planning. No row means 0.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_database.engine import to_json

_RAISE = text("""
    INSERT INTO suppression.epochs AS e (tenant_id, enrollment_id, epoch)
    SELECT r.tenant_id, r.enrollment_id, 1
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(tenant_id uuid, enrollment_id uuid)
    ORDER BY r.enrollment_id
    ON CONFLICT (enrollment_id) DO UPDATE SET epoch = e.epoch + 1
    RETURNING enrollment_id, epoch
""")

_EPOCHS = text("""
    SELECT enrollment_id, epoch FROM suppression.epochs
    WHERE enrollment_id = ANY(CAST(:ids AS uuid[]))
""")


async def raise_epochs(
    tx: Transaction, enrollments: Sequence[tuple[UUID, UUID]]
) -> dict[UUID, int]:
    """Raise each enrollment, given as (tenant, enrollment), by one; returns the new epochs.

    Rows are taken in key order, so that two batches never wait for each other in a
    circle. One named twice is raised once.
    """
    unique = {enrollment: tenant for tenant, enrollment in enrollments}
    rows = [{"tenant_id": t, "enrollment_id": e} for e, t in unique.items()]
    raised = await tx.all(_RAISE, rows=to_json(rows))
    return {row["enrollment_id"]: row["epoch"] for row in raised}


async def epochs(tx: Transaction, enrollment_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The epoch of every enrollment asked for."""
    rows = await tx.all(_EPOCHS, ids=list(enrollment_ids))
    return dict.fromkeys(enrollment_ids, 0) | {r["enrollment_id"]: r["epoch"] for r in rows}
