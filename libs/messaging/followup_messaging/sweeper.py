"""The loop that ends outbox rows everybody has handled and publishes the others again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from followup_database import Database, Row, Transaction
from followup_messaging.port import TOGETHER, Bus, Outgoing
from followup_messaging.relay import Parcel, Relay
from followup_runtime.loops import Tick

REPUBLISH_AFTER = timedelta(seconds=30)
LONGEST_PAUSES = 10
"""How far the pause grows, in first pauses: 30 s become 5 min. A consumer that is behind
must not be given a copy of all it has not reached every half minute."""
BATCH = 500
_IDLE = 1.0

# Machine time throughout: a business clock that jumps must not republish anything.
# SKIP LOCKED lets every replica sweep.
_DUE = text("""
    SELECT id, consumers FROM messaging.outbox
     WHERE next_at <= statement_timestamp()
     ORDER BY next_at LIMIT :most
       FOR UPDATE SKIP LOCKED
""")

# Of all rows at once, by a statement of its own. PostgreSQL 18.4 was seen to crash where it
# chose the inbox's month row by row beside the lock. A letter that was dropped is done with
# as much as an open one; one that was replayed is on its way to its consumer again.
_HANDLED = text("""
    SELECT message_id, consumer FROM messaging.inbox
     WHERE message_id = ANY(CAST(:ids AS uuid[]))
     UNION ALL
    SELECT message_id, consumer FROM messaging.dead
     WHERE message_id = ANY(CAST(:ids AS uuid[])) AND state <> 'replayed'
""")
_FINISH = text("DELETE FROM messaging.outbox WHERE id = ANY(CAST(:ids AS uuid[]))")

# The pause until the next look grows with the age of the row: 30 s, 60 s, 120 s …
_AGAIN = text("""
    UPDATE messaging.outbox
       SET next_at = clock_timestamp() + LEAST(
             GREATEST(CAST(:again AS interval), clock_timestamp() - created_at),
             CAST(:longest AS interval))
     WHERE id = ANY(CAST(:ids AS uuid[]))
    RETURNING id, tenant_id, exchange, routing_key, consumers, body
""")


class Sweeper:
    """Looks at rows whose time has come, a batch at a time, until none is left."""

    def __init__(
        self,
        service: str,
        bus: Bus,
        database: Database,
        *,
        relay: Relay,
        republish_after: timedelta = REPUBLISH_AFTER,
    ) -> None:
        self.name = f"{service}.sweeper"
        self._bus = bus
        self._database = database
        self._relay = relay
        self._republish_after = republish_after

    async def run_once(self) -> Tick:
        """One batch. With the bus down nothing is claimed: the rows stay due."""
        if not self._bus.connected:
            return Tick(worked=0, again_in=_IDLE)
        async with self._database.transaction() as tx:
            due = {row["id"]: row["consumers"] for row in await tx.all(_DUE, most=BATCH)}
            if due:
                parcels = [_parcel(row) for row in await self._again(tx, due)]
                tx.after_commit(lambda: self._relay.hand_over(parcels))
        return Tick(worked=len(due), again_in=0.0 if len(due) == BATCH else _IDLE)

    async def _again(self, tx: Transaction, due: Mapping[UUID, Collection[str]]) -> Sequence[Row]:
        """End what everybody has handled; the rows of the rest, their next look put off."""
        handled = {
            (row["message_id"], row["consumer"]) for row in await tx.all(_HANDLED, ids=list(due))
        }
        finished = {
            id_
            for id_, consumers in due.items()
            if consumers and all((id_, consumer) in handled for consumer in consumers)
        }
        await tx.run(_FINISH, ids=list(finished))
        return await tx.all(
            _AGAIN,
            ids=[id_ for id_ in due if id_ not in finished],
            again=self._republish_after,
            longest=self._republish_after * LONGEST_PAUSES,
        )


def _parcel(row: Row) -> Parcel:
    return Parcel(
        Outgoing(
            row["id"],
            row["exchange"],
            row["routing_key"],
            row["body"],
            mandatory=bool(row["consumers"]) or row["exchange"] == "",
            together=TOGETHER.get(row["exchange"], 0),
        ),
        row["tenant_id"],
        stored=True,
        awaited=bool(row["consumers"]),
    )
