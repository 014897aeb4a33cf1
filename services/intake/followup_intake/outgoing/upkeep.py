"""What is let go of by age, and what those who watch are shown. Machine time throughout."""

from datetime import timedelta

from sqlalchemy import text

from followup_database import Database
from followup_intake.core.redelivery import RESTING_AFTER
from followup_intake.outgoing.lapses import give_up_old
from followup_messaging import feed
from followup_runtime.loops import Tick
from followup_runtime.metrics import Metrics

KEPT_DAYS = 30
"""How long deliveries and their attempts are kept, and events can be read."""
MOST = 5_000
COUNTED = 10_000
HOUR = 3600.0
LOOK = 10.0

_DELIVERIES = text("""
DELETE FROM intake.deliveries WHERE id IN (
  SELECT id FROM intake.deliveries
  WHERE created_on < statement_timestamp() - make_interval(days => :days)
    AND state IN ('delivered', 'failed')
  ORDER BY created_on LIMIT :most FOR UPDATE SKIP LOCKED)
""")
# A day longer than deliveries: none is left without its event.
_EVENTS = text("""
DELETE FROM intake.events e USING (
  SELECT tenant_id, sequence FROM intake.events
  WHERE logged_on < statement_timestamp() - make_interval(days => :days + 1)
  ORDER BY logged_on LIMIT :most FOR UPDATE SKIP LOCKED) AS old
WHERE e.tenant_id = old.tenant_id AND e.sequence = old.sequence
""")
_UNREAD = text("""
SELECT f.tenant_id FROM messaging.followed f
WHERE f.asked_on < statement_timestamp() - make_interval(days => :days)
  AND NOT EXISTS (SELECT FROM intake.endpoints e WHERE e.tenant_id = f.tenant_id)
ORDER BY f.asked_on LIMIT :most
""")
# Of endpoints that answer: those that do not are shown by themselves.
_LATE = text("""
SELECT COALESCE(extract(epoch FROM clock_timestamp() - min(d.due_on)), 0)::float
FROM (SELECT id FROM intake.endpoints WHERE state = 'active' AND failures < :resting
      AND work_on < statement_timestamp() - interval '1 second'
      ORDER BY work_on LIMIT :most) AS e
CROSS JOIN LATERAL (SELECT due_on FROM intake.deliveries p
  WHERE p.endpoint_id = e.id AND p.state = 'pending' ORDER BY p.due_on LIMIT 1) AS d
""")
_FAILING = text("""
SELECT count(*) FROM (SELECT FROM intake.endpoints
  WHERE state = 'active' AND failures >= :resting LIMIT :most) AS failing
""")


class OutgoingSweep:
    """Deletes deliveries and events past their keeping; ends logs that nobody reads."""

    name = "intake:outgoing_sweep"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_once(self) -> Tick:
        """One batch of each."""
        async with self._database.transaction() as tx:
            lapsed = await give_up_old(tx, age=timedelta(days=KEPT_DAYS), most=MOST)
            deliveries = await tx.run(_DELIVERIES, days=KEPT_DAYS, most=MOST)
            events = await tx.run(_EVENTS, days=KEPT_DAYS, most=MOST)
            unread = await tx.all(_UNREAD, days=KEPT_DAYS, most=MOST)
            if unread:
                tenants = [row["tenant_id"] for row in unread]
                await feed.unfollow(tx, tenants, silence=timedelta(days=KEPT_DAYS))
        again = 0.0 if MOST in (lapsed, deliveries, events) else HOUR
        return Tick(worked=deliveries + events + len(unread), again_in=again)


class OutgoingWatch:
    """How late events are on their way out."""

    name = "intake:outgoing_watch"

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._fed = metrics.gauge(
            "followup_feed_oldest_seconds",
            "How long the first event has waited to be numbered; 0 without any.",
        )
        self._late = metrics.gauge(
            "followup_webhook_oldest_due_seconds",
            "How long the first delivery has been due at an endpoint that answers; 0 without any.",
        )
        self._failing = metrics.gauge(
            "followup_webhook_endpoints_failing",
            "Endpoints that failed at least five times in a row, counted up to 10,000.",
        )

    async def run_once(self) -> Tick:
        """One look."""
        async with self._database.transaction() as tx:
            self._fed.set(await feed.longest_wait(tx))
            late = await tx.scalar(_LATE, resting=RESTING_AFTER, most=COUNTED)
            self._late.set(max(0.0, late))
            failing = await tx.scalar(_FAILING, resting=RESTING_AFTER, most=COUNTED)
            self._failing.set(failing)
        return Tick(worked=0, again_in=LOOK)
