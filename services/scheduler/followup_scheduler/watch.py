"""What waits at the scheduler, measured for those who watch it."""

from datetime import timedelta

from sqlalchemy import text

from followup_database import Database
from followup_runtime.loops import Tick
from followup_runtime.metrics import Metrics
from followup_scheduler.touch import LANE_NUMBERS

COUNTED = 10_000
EVERY = 10.0
OVERDUE = timedelta(seconds=60)
"""From here on a timer is late; business time, as timers are."""

# A timer with a channel asks for a place in its tenant's window and waits for it by
# design (a campaign's backlog); one without waits for the scheduler alone.
_WAITS = {"own": "channel IS NULL AND kind = 'touch'", "wake": "channel IS NULL AND kind = 'wake'"}
_WAITS["window"] = "channel IS NOT NULL"
_TIMERS = text(
    " UNION ALL ".join(
        f"""SELECT '{lane}' AS lane, '{waits}' AS waits,
              (SELECT due_at FROM scheduler.timers WHERE lane = {number} AND {which}
                ORDER BY due_at LIMIT 1) AS first,
              (SELECT count(*) FROM (
                SELECT FROM scheduler.timers WHERE lane = {number} AND {which}
                  AND due_at < CAST(:late AS timestamptz) LIMIT :most) AS counted) AS overdue"""
        for lane, number in sorted(LANE_NUMBERS.items())
        for waits, which in sorted(_WAITS.items())
    )
)
# Machine time: a command's answer takes as long as machines take.
_UNANSWERED = text("""
SELECT COALESCE(extract(epoch FROM clock_timestamp() - min(commanded_at)), 0)::float
FROM scheduler.touches WHERE state = 'commanded'
""")


class Watch:
    """Overdue timers, and how far the reconciler is behind."""

    name = "scheduler:watch"

    def __init__(self, database: Database, metrics: Metrics, *, unanswered: timedelta) -> None:
        self._database = database
        self._unanswered = unanswered
        self._overdue = metrics.gauge(
            "followup_scheduler_timers_overdue",
            "Timers due more than a minute ago, counted up to 10,000. waits: own (a touch"
            " that may go), window (for a place in its tenant's window), wake.",
            ["lane", "waits"],
        )
        self._oldest = metrics.gauge(
            "followup_scheduler_oldest_timer_overdue_seconds",
            "How long the first due timer has been due; 0 if none is.",
            ["lane", "waits"],
        )
        self._late = metrics.gauge(
            "followup_scheduler_reconciler_lateness_seconds",
            "How long the oldest unanswered command should have been commanded again.",
        )

    async def run_once(self) -> Tick:
        """One look."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_TIMERS, late=tx.now - OVERDUE, most=COUNTED)
            age: float = await tx.scalar(_UNANSWERED)
            now = tx.now
        for row in rows:
            late = timedelta(0) if row["first"] is None else now - row["first"]
            labels = (row["lane"], row["waits"])
            self._oldest.labels(*labels).set(max(0.0, late.total_seconds()))
            self._overdue.labels(*labels).set(row["overdue"])
        self._late.set(max(0.0, age - self._unanswered.total_seconds()))
        return Tick(0, EVERY)
