"""Forgetting what was written, and providers told of, as long ago as a tenant says."""

from datetime import timedelta
from uuid import UUID

from followup_database import Database
from followup_directory import forget_confirmations, tenants_that_forget
from followup_replies.store import callbacks, clicks, copies, messages, written
from followup_runtime.loops import Tick

MOST = 1_000
CONFIRMED = timedelta(days=1)
"""Confirmations go within minutes or not at all; their copies are kept no longer than this."""
EVERY = 600.0


class Retention:
    """Empties, by business time, texts and raw reports that are older than a tenant keeps.

    Whoever they are of: somebody known who is still heard of, somebody of the tenant's own,
    or nobody. What was made of them stays (intents, states, when), and so does what tells a
    repetition. Clicks on counted links go whole.
    """

    name = "replies:retention"

    def __init__(self, database: Database, *, most: int = MOST) -> None:
        self._database = database
        self._most = most

    async def run_once(self) -> Tick:
        """A bounded number of messages, reports and clicks of every tenant that sets a limit."""
        async with self._database.transaction() as tx:
            forgetting = await tenants_that_forget(tx)
            worked = await forget_confirmations(tx, after=CONFIRMED, most=self._most)
        for each, days in forgetting.items():
            worked += await self._forget(each, days)
        return Tick(worked=worked, again_in=1.0 if worked else EVERY)

    async def _forget(self, tenant_id: UUID, days: int) -> int:
        async with self._database.transaction() as tx:
            before = tx.now - timedelta(days=days)
            done = 0
            # What is emptied here first needs its copy no more.
            for forget in (
                messages.forget_old,
                written.forget_old,
                callbacks.forget_old,
                clicks.forget_old,
                copies.forget_old,
            ):
                done += await forget(tx, tenant_id, before=before, most=self._most)
            return done
