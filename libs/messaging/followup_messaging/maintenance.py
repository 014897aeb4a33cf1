"""The loop that makes room ahead and lets go of what is behind.

Partitions are made months before they are needed, so that a loop that does not run is
noticed long before rows land in the default partition. Machine time throughout.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text

from followup_database import Database, Transaction
from followup_database.errors import is_outage
from followup_database.partitions import create_months
from followup_runtime.loops import Tick

AHEAD = 13
DEAD_KEPT = timedelta(days=30)
"""How long a dead letter is kept, whatever its state: one may hold a raw lead."""

_HOUR = 3600.0
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtext('messaging.maintenance'))")
_NOW = text("SELECT clock_timestamp()")
_EXPIRE = text("""
    DELETE FROM messaging.dead WHERE id IN (
      SELECT id FROM messaging.dead
       WHERE at < clock_timestamp() - CAST(:kept AS interval)
       LIMIT 10000)
""")
_CHILDREN = text("""
    SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = CAST(:parent AS regclass) ORDER BY c.relname
""")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class MonthlyTable:
    """A table partitioned by month. Months older than `kept_months` are dropped; None: never."""

    schema: str
    table: str
    kept_months: int | None = None


MONTHLY = (
    # A row of the outbox goes when its message was handled; nothing is dropped.
    MonthlyTable("messaging", "outbox"),
    # What the inbox forgets could be handled twice; nothing is under way that long.
    MonthlyTable("messaging", "inbox", kept_months=3),
)


class Maintenance:
    """Once an hour, by one process at a time.

    Needs the login role to own the tables. Where it does not (roles kept apart), the
    months are left to `followup migrate` and a line in the log says so.
    """

    name = "messaging.maintenance"

    def __init__(self, database: Database, *, tables: Sequence[MonthlyTable] = MONTHLY) -> None:
        self._database = database
        self._tables = tuple(tables)

    async def run_once(self) -> Tick:
        """Make months ahead, drop old ones, expire dead letters; what it changed."""
        async with self._database.transaction() as tx:
            changed = await tx.run(_EXPIRE, kept=DEAD_KEPT)
        try:
            async with self._database.transaction() as tx:
                if await tx.scalar(_LOCK):
                    changed += await self._tend(tx)
        except Exception as error:
            if is_outage(error) or not _is_forbidden(error):
                raise
            _log.warning("partitions not maintained", reason="the login role does not own them")
        return Tick(worked=changed, again_in=_HOUR)

    async def _tend(self, tx: Transaction) -> int:
        now = await tx.scalar(_NOW)
        await tx.run(text("SET LOCAL ROLE NONE"))  # the owner again, for this transaction
        await tx.run(text("SET LOCAL lock_timeout = '2s'"))
        return sum([await self._tend_table(tx, table, now) for table in self._tables])

    async def _tend_table(self, tx: Transaction, table: MonthlyTable, now: datetime) -> int:
        parent = f"{table.schema}.{table.table}"
        there = {row["name"] for row in await tx.all(_CHILDREN, parent=parent)}
        for statement in create_months(table.schema, table.table, start=now, count=AHEAD):
            if _name_in(statement) not in there:
                await tx.run(text(statement))
        old = [name for name in there if _is_past(name, table, now)]
        for name in old:
            await tx.run(text(f"DROP TABLE {table.schema}.{name}"))
        after = {row["name"] for row in await tx.all(_CHILDREN, parent=parent)}
        return len(there ^ after)


def first_kept(now: datetime, kept_months: int) -> datetime:
    """The month that still stays: so many whole months before the present one."""
    months = now.astimezone(UTC).year * 12 + now.astimezone(UTC).month - 1 - kept_months
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def _is_past(name: str, table: MonthlyTable, now: datetime) -> bool:
    suffix = name.removeprefix(f"{table.table}_")
    if table.kept_months is None or suffix == "rest":
        return False
    month = datetime.strptime(suffix, "%Y_%m").replace(tzinfo=UTC)
    return month < first_kept(now, table.kept_months)


def _name_in(statement: str) -> str:
    """The partition a statement of `create_months` makes."""
    return statement.split(" PARTITION OF ", 1)[0].rsplit(".", 1)[1]


def _is_forbidden(error: Exception) -> bool:
    return getattr(getattr(error, "orig", None), "sqlstate", None) == "42501"
