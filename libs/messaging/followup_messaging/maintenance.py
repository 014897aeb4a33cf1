"""The loops that make room ahead and let go of what is behind. Machine time throughout.

Each service that owns monthly tables runs `Months` for its schema; the scheduler runs it
for `messaging` too, with `ExpiredLetters`, as every deployment has one.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import text

from followup_database import Database
from followup_database.months import tend_months
from followup_runtime.loops import Tick

DEAD_KEPT = timedelta(days=30)
"""How long a dead letter is kept, whatever its state: one may hold a raw lead."""

_HOUR = 3600.0
_MOST = 10_000
_EXPIRE = text("""
    DELETE FROM messaging.dead WHERE id IN (
      SELECT id FROM messaging.dead
       WHERE at < statement_timestamp() - CAST(:kept AS interval)
       LIMIT :most FOR UPDATE SKIP LOCKED)
""")


class Months:
    """Once an hour: the months of one schema's tables, by one process at a time.

    `clock` stands in for machine time.
    """

    def __init__(
        self, database: Database, schema: str, *, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.name = f"{schema}.months"
        self._database = database
        self._schema = schema
        self._clock = clock

    async def run_once(self) -> Tick:
        """Make months ahead, drop those past their keeping."""
        async with self._database.transaction() as tx:
            at = None if self._clock is None else self._clock()
            changed = await tend_months(tx, self._schema, at=at)
        return Tick(worked=changed, again_in=_HOUR)


class ExpiredLetters:
    """Once an hour: dead letters past their keeping go."""

    name = "messaging.expired_letters"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_once(self) -> Tick:
        """One batch of them."""
        async with self._database.transaction() as tx:
            gone = await tx.run(_EXPIRE, kept=DEAD_KEPT, most=_MOST)
        return Tick(worked=gone, again_in=0.0 if gone == _MOST else _HOUR)
