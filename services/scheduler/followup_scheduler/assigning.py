"""Tasks that come from no run: kept, and announced like every other."""

from collections.abc import Sequence

from followup_contracts.events import TaskCreated
from followup_database import Transaction
from followup_messaging.outbox import Outbox
from followup_scheduler.store import tasks
from followup_scheduler.store.tasks import NewTask


async def assign(tx: Transaction, outbox: Outbox, opened: Sequence[NewTask]) -> None:
    """Open these tasks and tell everybody, in the caller's transaction."""
    if not opened:
        return
    await tasks.insert(tx, opened)
    await outbox.add(
        tx,
        [
            outbox.message(
                _created(task), tenant_id=task.tenant_id, subject=task.lead_id, time=tx.now
            )
            for task in opened
        ],
    )


def _created(task: NewTask) -> TaskCreated:
    return TaskCreated(
        task_id=task.id,
        lead_id=task.lead_id,
        person_id=task.person_id,
        enrollment_id=task.enrollment_id,
        kind=task.kind,
        at=task.created_at,
    )
