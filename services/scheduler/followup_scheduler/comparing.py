"""How the texts that sequences compare were answered, counted now and then."""

import time
from collections.abc import Callable, Mapping
from uuid import UUID

from followup_database import Transaction
from followup_scheduler.core.evidence.tallies import Tally
from followup_scheduler.store.evidence import by_text

FRESH = 60.0
"""Seconds of machine time for which a count is good enough to choose by."""
_KEPT = 2_000

Tallies = Mapping[str, Tally]


class Comparisons:
    """Counts for (tenant, sequence), kept for a minute: choosing costs no statement a lead."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._counted: dict[tuple[UUID, str], tuple[float, Tallies]] = {}

    async def of(
        self, tx: Transaction, tenant_id: UUID, sequence: str, texts: frozenset[str]
    ) -> Tallies:
        """The tallies of these texts; none asked for, none counted."""
        if not texts:
            return {}
        now = self._monotonic()
        counted = self._counted.get((tenant_id, sequence))
        if counted is not None and counted[0] > now and texts <= counted[1].keys():
            return counted[1]
        found = await by_text(tx, tenant_id, sequence, texts)
        tallies = {text: found.get(text, Tally()) for text in texts}
        if len(self._counted) >= _KEPT:
            self._counted.clear()
        self._counted[tenant_id, sequence] = (now + FRESH, tallies)
        return tallies
