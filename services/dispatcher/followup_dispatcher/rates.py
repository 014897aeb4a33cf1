"""Rate limits shared by all replicas: one row an account and one a sender.

A replica reserves a run of slots in one statement; the row is locked until its
transaction ends, which is why rates come last in a claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from followup_database.engine import Transaction, to_json
from followup_dispatcher.core.slots import Run


@dataclass(frozen=True, slots=True)
class Want:
    """Slots of a rate for touches that cost so many each, in order.

    None begins further ahead than `horizon`. `burst` slots may be taken at once after a
    pause; 1 means an even stream.
    """

    key: str
    tenant_id: UUID
    per_second: float
    burst: int
    costs: tuple[int, ...]
    horizon: timedelta


_ENTER = text("""
INSERT INTO dispatcher.rates (key, tenant_id, next_at)
SELECT key, tenant_id, CAST(:now AS timestamptz) - interval '1 hour'
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(key text, tenant_id uuid)
ORDER BY key ON CONFLICT DO NOTHING
""")

# `free` is the first slot that can still be had: no earlier than the burst allows. A touch
# is granted when its first slot lies within the horizon; the last one may overrun it, so a
# long message waits its turn like any other and what is charged is what was handed out.
_RESERVE = text("""
WITH want AS (
  SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    key text, every float8, burst float8, costs jsonb, horizon float8)
), held AS (
  SELECT r.key, w.every, w.costs, w.horizon,
         GREATEST(r.next_at,
                  CAST(:now AS timestamptz) - make_interval(secs => w.every * (w.burst - 1))
         ) AS free
  FROM dispatcher.rates r JOIN want w ON w.key = r.key ORDER BY r.key FOR UPDATE OF r
), granted AS (
  SELECT h.key, h.every, h.free, COALESCE(sum(c.cost) FILTER (
           WHERE h.free + make_interval(secs => h.every * c.before)
              <= CAST(:now AS timestamptz) + make_interval(secs => h.horizon)), 0)::int AS slots
  FROM held h CROSS JOIN LATERAL (
    SELECT e.value::int AS cost,
           sum(e.value::int) OVER (ORDER BY e.ordinality) - e.value::int AS before
    FROM jsonb_array_elements_text(h.costs) WITH ORDINALITY AS e(value, ordinality)) AS c
  GROUP BY h.key, h.every, h.free
)
UPDATE dispatcher.rates r SET next_at = g.free + make_interval(secs => g.every * g.slots)
FROM granted g WHERE r.key = g.key
RETURNING r.key, g.free, g.slots, g.every
""")


async def reserve(tx: Transaction, wants: Sequence[Want]) -> dict[str, Run]:
    """Reserve a run for each want, atomically: the first touches of it, as far as they fit."""
    if not wants:
        return {}
    await tx.run(
        _ENTER,
        rows=to_json([{"key": w.key, "tenant_id": w.tenant_id} for w in wants]),
        now=tx.now,
    )
    rows = [
        {
            "key": w.key,
            "every": 1.0 / w.per_second,
            "burst": max(1, w.burst),
            "costs": w.costs,
            "horizon": w.horizon.total_seconds(),
        }
        for w in wants
    ]
    granted = await tx.all(_RESERVE, rows=to_json(rows), now=tx.now)
    return {
        row["key"]: Run(row["free"], row["slots"], timedelta(seconds=row["every"]))
        for row in granted
    }
