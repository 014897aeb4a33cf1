"""Replies and events that nobody could decide on: a person is asked, and decides instead.

The hold of a word stands until it is decided on, and its person hears nothing meanwhile.
Where that takes more than a minute (its message is a dead letter, or the schedulers are far
behind) it becomes a task under the hold's own name. Closing the task removes the hold; a
decision that comes after all removes both.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import structlog

from followup_database import Database, Transaction
from followup_messaging.outbox import Outbox
from followup_people import LeadView, leads_of_persons
from followup_runtime.loops import Tick
from followup_scheduler.assigning import assign, closed
from followup_scheduler.facts import ids_of
from followup_scheduler.store import tasks, timers
from followup_scheduler.store.tasks import NewTask
from followup_suppression import HELD_LONG, Hold, ask_about_holds, remove_holds

KIND = "decide"
REASON = "nobody has decided on it for a minute: nothing goes out until this is closed"
EVERY = 2.0

_log = structlog.get_logger()


class Undecided:
    """Asks a person about holds that have stood for too long, once; any number may run it."""

    name = "scheduler:undecided"

    def __init__(self, database: Database, outbox: Outbox, *, most: int = 200) -> None:
        self._database = database
        self._outbox = outbox
        self._most = most

    async def run_once(self) -> Tick:
        """One batch, in one transaction."""
        async with self._database.transaction() as tx:
            holds = await ask_about_holds(tx, older=HELD_LONG, most=self._most)
            if holds:
                await self._ask(tx, holds)
        return Tick(len(holds), 0.0 if len(holds) == self._most else EVERY)

    async def _ask(self, tx: Transaction, holds: Sequence[Hold]) -> None:
        names = await ids_of(tx, {hold.person_id for hold in holds})
        leads = await leads_of_persons(tx, sorted({i for ids in names.values() for i in ids}))
        found = {hold: _lead(hold, names[hold.person_id], leads) for hold in holds}
        # Who is forgotten, or another tenant's, is sent nothing that a hold could keep back.
        idle = [(hold.person_id, hold.reply_id) for hold, lead in found.items() if lead is None]
        if idle:
            _log.warning("holds of nobody", holds=[str(name) for _, name in idle])
            await remove_holds(tx, idle)
        opened = [_task(tx, hold, lead) for hold, lead in found.items() if lead is not None]
        await assign(tx, self._outbox, opened)


async def let_go(tx: Transaction, outbox: Outbox, decided: Sequence[tuple[UUID, UUID]]) -> None:
    """Remove the holds, (person, reply or event), of what is decided on.

    A task that asked a person about one of them is withdrawn.
    """
    removed = await remove_holds(tx, decided)
    if not removed.asked:
        return
    withdrawn = await tasks.withdraw_these(tx, removed.asked)
    await timers.clear(tx, [row["id"] for row in withdrawn])
    await outbox.add(tx, [closed(outbox, tx, row["tenant_id"], row) for row in withdrawn])


async def let_go_by_hand(tx: Transaction, names: Collection[UUID], task_id: UUID) -> bool:
    """Remove the hold that a task is about; whether one stood."""
    return (await remove_holds(tx, [(name, task_id) for name in sorted(names)])).count > 0


def _lead(
    hold: Hold, names: Collection[UUID], leads: Mapping[UUID, Sequence[LeadView]]
) -> LeadView | None:
    """The newest lead of who is held, if they are the tenant's."""
    theirs = [
        lead for name in names for lead in leads.get(name, ()) if lead.tenant_id == hold.tenant_id
    ]
    return max(theirs, key=lambda lead: (lead.received_at, lead.id), default=None)


def _task(tx: Transaction, hold: Hold, lead: LeadView) -> NewTask:
    return NewTask(
        id=hold.reply_id,
        tenant_id=hold.tenant_id,
        lead_id=lead.id,
        # Whose the hold is: by now they may be one with the lead's person, and later be two again.
        person_id=hold.person_id,
        enrollment_id=None,
        kind=KIND,
        reason=REASON,
        due_at=tx.now,
        created_at=tx.now,
    )
