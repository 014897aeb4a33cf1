"""Opening tasks and announcing what becomes of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from followup_contracts import Message
from followup_contracts.events import TaskCompleted, TaskCreated, TaskReminded
from followup_database import Transaction
from followup_messaging.outbox import Outbox
from followup_scheduler.store import tasks, timers
from followup_scheduler.store.tasks import NewTask
from followup_scheduler.touch import Timer


async def assign(tx: Transaction, outbox: Outbox, opened: Sequence[NewTask]) -> None:
    """Open tasks that come from no run and tell everybody, in the caller's transaction."""
    if not opened:
        return
    await open_tasks(tx, opened)
    await outbox.add(
        tx,
        [
            outbox.message(
                created(task), tenant_id=task.tenant_id, subject=task.lead_id, time=tx.now
            )
            for task in opened
        ],
    )


async def open_tasks(tx: Transaction, opened: Sequence[NewTask]) -> None:
    """Store tasks and the timers of their reminders."""
    await tasks.insert(tx, opened)
    reminders = [
        reminder(task.id, task.tenant_id, task.remind_at)
        for task in opened
        if task.remind_at is not None
    ]
    if reminders:
        await timers.set_(tx, reminders)


def reminder(task_id: UUID, tenant_id: UUID, at: datetime) -> Timer:
    """The timer that reminds of a task."""
    return Timer(task_id, tenant_id, "later", "remind", at)


def created(task: NewTask) -> TaskCreated:
    """The news of a new task."""
    return TaskCreated(
        task_id=task.id,
        lead_id=task.lead_id,
        person_id=task.person_id,
        enrollment_id=task.enrollment_id,
        kind=task.kind,
        at=task.created_at,
    )


def closed(outbox: Outbox, tx: Transaction, tenant_id: UUID, row: Mapping[str, Any]) -> Message:
    """The news that a task is closed; what a person wrote beside its outcome stays here."""
    event = TaskCompleted(**_about(row), outcome=row["outcome"], at=tx.now)
    return outbox.message(event, tenant_id=tenant_id, subject=event.lead_id, time=tx.now)


def reminded(outbox: Outbox, tx: Transaction, tenant_id: UUID, row: Mapping[str, Any]) -> Message:
    """The news that somebody should be reminded of a task."""
    event = TaskReminded(**_about(row), due_at=row["due_at"], at=tx.now)
    return outbox.message(event, tenant_id=tenant_id, subject=event.lead_id, time=tx.now)


def _about(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "task_id": row["id"],
        "lead_id": row["lead_id"],
        "person_id": row["person_id"],
        "enrollment_id": row["enrollment_id"],
        "kind": row["kind"],
    }
