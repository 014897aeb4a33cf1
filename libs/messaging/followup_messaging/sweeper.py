"""The loop that ends outbox rows everybody has handled and publishes the others again."""

from datetime import timedelta

from sqlalchemy import text

from followup_database import Database
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
# SKIP LOCKED lets every replica sweep. A letter that was dropped is done with as much
# as an open one; one that was replayed is on its way to its consumer again. The pause
# until the next look grows with the age of the row: 30 s, 60 s, 120 s …
_SWEEP = text("""
    WITH due AS (
      SELECT id, consumers FROM messaging.outbox
       WHERE next_at <= statement_timestamp()
       ORDER BY next_at LIMIT :most
         FOR UPDATE SKIP LOCKED),
    finished AS (
      DELETE FROM messaging.outbox o USING due
       WHERE o.id = due.id AND cardinality(due.consumers) > 0
         AND NOT EXISTS (
           SELECT FROM unnest(due.consumers) AS c(name)
            WHERE NOT EXISTS (SELECT FROM messaging.inbox i
                               WHERE i.message_id = due.id AND i.consumer = c.name)
              AND NOT EXISTS (SELECT FROM messaging.dead d
                               WHERE d.message_id = due.id AND d.consumer = c.name
                                 AND d.state <> 'replayed'))
      RETURNING o.id),
    again AS (
      UPDATE messaging.outbox o
         SET next_at = clock_timestamp() + LEAST(
               GREATEST(CAST(:again AS interval), clock_timestamp() - o.created_at),
               CAST(:longest AS interval))
        FROM due
       WHERE o.id = due.id AND NOT EXISTS (SELECT FROM finished f WHERE f.id = due.id)
      RETURNING o.id, o.tenant_id, o.exchange, o.routing_key, o.consumers, o.body)
    SELECT (SELECT count(*) FROM due) AS seen, a.*
      FROM (SELECT 1) AS one LEFT JOIN again a ON true
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
            rows = await tx.all(
                _SWEEP,
                most=BATCH,
                again=self._republish_after,
                longest=self._republish_after * LONGEST_PAUSES,
            )
            parcels = [
                Parcel(
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
                for row in rows
                if row["id"] is not None
            ]
            tx.after_commit(lambda: self._relay.hand_over(parcels))
        seen = int(rows[0]["seen"])
        return Tick(worked=seen, again_in=0.0 if seen == BATCH else _IDLE)
