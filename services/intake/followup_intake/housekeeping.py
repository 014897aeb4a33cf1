"""Forgetting what nobody asks for again."""

from followup_database import Database
from followup_directory.answers import forget_answers
from followup_intake import requests
from followup_intake.fetches import forget_fetches
from followup_runtime.loops import Tick


class RequestSweep:
    """Deletes answers kept for an `Idempotency-Key` after two days, fetches after a month."""

    name = "intake:requests"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_once(self) -> Tick:
        """One round, once an hour."""
        async with self._database.transaction() as tx:
            worked = await requests.forget_old(tx) + await forget_fetches(tx)
            worked += await forget_answers(tx)
        return Tick(worked=worked, again_in=3600.0)
