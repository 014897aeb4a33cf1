"""What waits at the dispatcher, measured for those who watch it."""

from sqlalchemy import text

from followup_database import Database
from followup_dispatcher.accounts import Accounts
from followup_dispatcher.providers.registry import Factories
from followup_runtime.loops import Tick
from followup_runtime.metrics import Metrics

COUNTED = 10_000
EVERY = 5.0

# Machine time: since when nobody has known.
_UNKNOWN = text("""
SELECT count(*) AS attempts,
       COALESCE(extract(epoch FROM clock_timestamp() - min(answered_on)), 0)::float AS oldest
FROM (SELECT answered_on FROM dispatcher.attempts WHERE state = 'unknown'
      ORDER BY ask_on LIMIT :most) AS unknown
""")


class Watch:
    """Attempts whose outcome nobody knows, and accounts this process does not call."""

    name = "dispatcher:watch"

    def __init__(
        self, database: Database, metrics: Metrics, *, accounts: Accounts, vendors: Factories
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._vendors = tuple(vendors)
        self._unknown = metrics.gauge(
            "followup_attempts_unknown",
            "Attempts whose outcome is unknown, counted up to 10,000.",
        )
        self._oldest = metrics.gauge(
            "followup_attempts_oldest_unknown_seconds",
            "How long the oldest of these has been unknown; 0 without any.",
        )
        self._open = metrics.gauge(
            "followup_provider_breakers_open",
            "Provider accounts this process does not call for now, or makes a trial call to.",
            ["provider", "channel"],
        )
        for vendor in vendors:
            self._open.labels(*vendor)  # shown from the start: a first event is a rise from 0

    async def run_once(self) -> Tick:
        """One look."""
        async with self._database.transaction() as tx:
            row = await tx.first(_UNKNOWN, most=COUNTED)
        if row is not None:
            self._unknown.set(row["attempts"])
            self._oldest.set(max(0.0, row["oldest"]))
        broken = self._accounts.broken_off()
        for vendor in self._vendors:
            self._open.labels(*vendor).set(broken.get(vendor, 0))
        return Tick(0, EVERY)
