"""Limits of keys: requests a minute, the same however many processes serve them.

What a key may ask is counted in the database, and reserved in runs of a twentieth of the
limit, so that a request costs a statement only now and then. What a process has reserved
and does not use lapses with its minute.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from followup_database import Database
from followup_directory import Principal, reserve_requests

WINDOW = 60
_RUNS = 20
_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Spent:
    """One request of a limited key: whether it may go on, and what is left of its minute."""

    allowed: bool
    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """As in draft-ietf-httpapi-ratelimit-headers-09: the policy, and where it stands."""
        return {
            "RateLimit-Policy": f'"key";q={self.limit};w={WINDOW}',
            "RateLimit": f'"key";r={self.remaining};t={self.reset}',
        }


@dataclass(slots=True)
class _Run:
    """What this process has reserved of a minute, and what nobody had reserved then."""

    left: int
    remaining: int
    ends: float


class Allowances:
    """Spends what keys may ask."""

    def __init__(
        self, database: Database, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._runs: dict[UUID, _Run] = {}

    async def spend(self, who: Principal) -> Spent | None:
        """One request of this key; None for a key without a limit."""
        if who.per_minute is None:
            return None
        now = self._monotonic()
        run = self._runs.get(who.key_id)
        if run is None or now >= run.ends or run.left < 1:
            run = await self._reserve(who, who.per_minute)
        allowed = run.left > 0
        if allowed:
            run.left -= 1
        reset = max(1, math.ceil(run.ends - self._monotonic()))
        return Spent(allowed, who.per_minute, run.left + run.remaining, reset)

    async def _reserve(self, who: Principal, limit: int) -> _Run:
        known = self._runs.get(who.key_id)
        if known is not None and self._monotonic() < known.ends and known.remaining < 1:
            return known  # its minute is used up: no more statements for whoever goes on asking
        async with self._database.transaction() as tx:
            got = await reserve_requests(
                tx, who.tenant_id, who.key_id, most=limit, wanted=max(1, limit // _RUNS)
            )
        run = _Run(got.granted, got.remaining, self._monotonic() + got.seconds)
        self._runs.pop(who.key_id, None)
        if len(self._runs) >= _MOST_KEPT:
            del self._runs[next(iter(self._runs))]
        self._runs[who.key_id] = run
        return run
