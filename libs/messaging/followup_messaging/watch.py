"""Loops that measure messaging for those who watch it: queues, outbox, dead letters.

Counts go up to `COUNTED` and no further, so that looking stays cheap when things are bad.
"""

import asyncio
from collections.abc import Sequence

from sqlalchemy import text

from followup_contracts.topology import QUEUES
from followup_database import Database
from followup_messaging.errors import BusDown
from followup_messaging.port import Bus
from followup_runtime.loops import Tick
from followup_runtime.metrics import Metrics

COUNTED = 10_000
EVERY = 10.0
_LOOK_LIMIT = 5.0
_SERVICES = tuple(sorted({queue.service for queue in QUEUES}))

# By the key, so that both ends of the outbox are found without reading it; an id is made
# with the row. Machine time: nothing here waits for a business hour.
_OUTBOX = text("""
    SELECT (SELECT count(*) FROM (SELECT FROM messaging.outbox LIMIT :most) AS counted) AS rows,
           COALESCE(extract(epoch FROM clock_timestamp()
             - (SELECT created_at FROM messaging.outbox ORDER BY id LIMIT 1)), 0)::float AS oldest
""")
_DEAD = text("""
    SELECT consumer, count(*) AS letters,
           extract(epoch FROM clock_timestamp() - min(at))::float AS oldest
      FROM (SELECT consumer, at FROM messaging.dead WHERE state = 'open' LIMIT :most) AS open
     GROUP BY consumer
""")


class QueueWatch:
    """How much waits in the queues of one service, and whether the broker is there."""

    def __init__(self, service: str, bus: Bus, metrics: Metrics) -> None:
        self.name = f"{service}.queues"
        self._bus = bus
        self._queues = [queue.name for queue in QUEUES if queue.service == service]
        self._connected = metrics.gauge(
            "followup_broker_connected", "1 while this process is connected to the broker, else 0."
        )
        self._waiting = metrics.gauge(
            "followup_queue_messages", "Messages that wait in a queue for a consumer.", ["queue"]
        )

    async def run_once(self) -> Tick:
        """One look. While the broker is away the last figures stay."""
        self._connected.set(float(self._bus.connected))
        try:
            async with asyncio.timeout(_LOOK_LIMIT):
                depths = await self._bus.depths(self._queues)
        except (BusDown, TimeoutError):
            self._connected.set(0.0)
            return Tick(0, _LOOK_LIMIT)
        for queue, waiting in depths.items():
            self._waiting.labels(queue).set(waiting)
        return Tick(0, EVERY)


class MessagingWatch:
    """What `messaging` holds: unhandled events and open dead letters."""

    name = "messaging.watch"

    def __init__(
        self, database: Database, metrics: Metrics, *, services: Sequence[str] = _SERVICES
    ) -> None:
        self._database = database
        self._services = services
        self._rows = metrics.gauge(
            "followup_outbox_rows", "Events not handled by everybody yet, counted up to 10,000."
        )
        self._age = metrics.gauge(
            "followup_outbox_oldest_seconds", "Age of the oldest of these events; 0 without any."
        )
        self._dead = metrics.gauge(
            "followup_dead_letters", "Open dead letters, counted up to 10,000.", ["consumer"]
        )
        self._dead_age = metrics.gauge(
            "followup_dead_letters_oldest_seconds",
            "How long the oldest open dead letter has waited for somebody; 0 without any.",
            ["consumer"],
        )

    async def run_once(self) -> Tick:
        """One look."""
        async with self._database.transaction() as tx:
            outbox = await tx.first(_OUTBOX, most=COUNTED)
            found = {row["consumer"]: row for row in await tx.all(_DEAD, most=COUNTED)}
        if outbox is not None:
            self._rows.set(outbox["rows"])
            self._age.set(max(0.0, outbox["oldest"]))
        for service in self._services:
            row = found.get(service)
            self._dead.labels(service).set(0 if row is None else row["letters"])
            self._dead_age.labels(service).set(0 if row is None else max(0.0, row["oldest"]))
        return Tick(0, EVERY)
