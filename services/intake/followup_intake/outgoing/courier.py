"""The courier: hands deliveries over, as many at once as can be, none waiting for another's.

No round waits for a call. An endpoint has a bounded share of the calls at once, so has a
tenant, and all that keep failing have a quarter of them together: those that answer are not
behind those that do not, nor behind another tenant's that answer slowly.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import structlog

from followup_database import Database, Transaction, committed
from followup_database.errors import is_outage
from followup_directory import SealBroken, Vault
from followup_intake.core.redelivery import (
    RESTING_AFTER,
    Answered,
    GivenUp,
    Unanswered,
    follows,
)
from followup_intake.core.signing import headers
from followup_intake.outgoing.bodies import Body, NotKept, Unmade, bodies_for
from followup_intake.outgoing.deliveries import Claimed, Left, claim
from followup_intake.outgoing.line import Line
from followup_intake.outgoing.records import Attempt, Kept, Recorded, record
from followup_runtime.loops import LoopRunner, Tick
from followup_runtime.metrics import SECONDS, Metrics

CALLS = 64
"""Calls of one process at once."""
FAILING = CALLS // 4
"""Of them to endpoints that keep failing."""
OF_ONE_TENANT = CALLS // 2
"""Of them to endpoints of one tenant, or one to each where it has more: however slowly its
product takes them, others' have the rest."""
EACH = 8
"""Calls to one endpoint at once, by all processes together."""
RECORDS = 3
"""Connections to the database that recording may take: others need them, too."""
IDLE = 1.0
FINISH_SECONDS = 5.0
"""What calls in flight may take when the process ends; the others are made again elsewhere."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Chances:
    """Where time and chance come from; by the machine."""

    unix: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class _Call:
    """A call under way: whose, and whether to an endpoint that keeps failing."""

    tenant_id: UUID
    failing: bool


class Courier:
    """Claims what is due and calls; `wake` is set when there may be more to claim."""

    name = "intake:courier"

    def __init__(
        self,
        database: Database,
        line: Line,
        *,
        vault: Vault,
        metrics: Metrics,
        chances: Chances | None = None,
    ) -> None:
        self.wake = asyncio.Event()
        self._database = database
        self._line = line
        self._vault = vault
        self._chances = chances or Chances()
        self._recording = asyncio.Semaphore(RECORDS)
        self._calls: dict[asyncio.Task[None], _Call] = {}
        self._runner = LoopRunner(self, wake=self.wake, metrics=metrics)
        self._attempts = metrics.counter(
            "followup_webhook_attempts",
            "Attempts to hand an event to an endpoint, by what came of them.",
            ["state"],
        )
        for state in get_args(Recorded):
            self._attempts.labels(state)
        self._unmade = metrics.counter(
            "followup_webhook_bodies_unmade",
            "Attempts that came to nothing because no body could be made of their event.",
        )
        self._disabled = metrics.counter(
            "followup_webhook_endpoints_disabled",
            "Endpoints disabled because they failed for days or answered 410.",
        )
        self._took = metrics.histogram(
            "followup_webhook_seconds", "Time a call to an endpoint took.", buckets=SECONDS
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; calls in flight are then finished, or cut off and made again."""
        await self._runner.run(stop)
        await self.finish(within=FINISH_SECONDS)

    async def finish(self, *, within: float) -> None:
        """Wait for the calls in flight so many seconds, and cut off those that are left."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=within)
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def run_once(self) -> Tick:
        """Claim what there is room for, and begin the calls."""
        free = CALLS - len(self._calls)
        # Those that keep failing come first, within their quarter: they must have some turn.
        for_failing = min(free, FAILING - sum(call.failing for call in self._calls.values()))
        if free <= 0:
            return Tick(worked=0, again_in=IDLE)
        async with self._database.transaction() as tx:
            failing = await claim(
                tx,
                most=for_failing,
                each=1,
                failing=True,
                resting=RESTING_AFTER,
                left=Left(FAILING),
            )
            sound = await claim(
                tx,
                most=free - len(failing),
                each=EACH,
                failing=False,
                resting=RESTING_AFTER,
                left=Left(OF_ONE_TENANT, Counter(call.tenant_id for call in self._calls.values())),
            )
        claimed = [*failing, *sound]
        bodies = await bodies_for(self._database, claimed) if claimed else []
        for each, body in zip(claimed, bodies, strict=True):
            call = asyncio.create_task(self._deliver(each, body))
            self._calls[call] = _Call(each.tenant_id, each.endpoint.failures >= RESTING_AFTER)
            call.add_done_callback(self._ended)
        return Tick(worked=len(claimed), again_in=0.0 if claimed else IDLE)

    def _ended(self, call: asyncio.Task[None]) -> None:
        del self._calls[call]
        self.wake.set()

    async def _deliver(self, claimed: Claimed, body: Body) -> None:
        """Hand one over and keep what came of it. What fails here is claimed again."""
        try:
            kept = await self._handed(claimed, body)
        except Exception as error:  # noqa: BLE001 - its lease runs out, and it is tried again
            if is_outage(error):
                _log.warning("delivery_not_recorded", delivery_id=str(claimed.id))
            else:
                _log.error("delivery_failed", delivery_id=str(claimed.id), exc_info=error)
            return
        self._attempts.labels(kept.state).inc()
        if kept.disabled:
            self._disabled.inc()
            _log.warning("endpoint_disabled", endpoint_id=str(claimed.endpoint.id))

    async def _handed(self, claimed: Claimed, body: Body) -> Kept:
        began_on, began = self._chances.unix(), self._chances.monotonic()
        outcome = await self._called(claimed, body, int(began_on))
        took = self._chances.monotonic() - began
        self._took.observe(took)
        then = follows(outcome, tries=claimed.tries, age=claimed.age, chance=self._chances.chance())
        if isinstance(body, NotKept):
            then = GivenUp()
        attempt = Attempt(datetime.fromtimestamp(began_on, UTC), int(took * 1000), outcome)

        async def work(tx: Transaction) -> Kept:
            return await record(tx, claimed, attempt, then)

        async with self._recording:
            return await committed(self._database, work)

    async def _called(self, claimed: Claimed, body: Body, timestamp: int) -> Answered | Unanswered:
        match body:
            case NotKept():
                return Unanswered("the event is not kept any more", ours=True)
            case Unmade(error=error):
                self._unmade.inc()
                return Unanswered(f"its body could not be made: {error}", ours=True)
            case bytes():
                return await self._posted(claimed, body, timestamp)

    async def _posted(self, claimed: Claimed, body: bytes, timestamp: int) -> Answered | Unanswered:
        try:
            secrets = claimed.endpoint.secrets(self._vault, former=claimed.former_secret)
            signed = headers(
                body, event_id=str(claimed.event_id), timestamp=timestamp, secrets=secrets
            )
            return await self._line.post(claimed.endpoint.url, body, signed)
        except SealBroken:
            return Unanswered("its secret cannot be opened: FOLLOWUP_SECRET_KEYS has changed")
        except Exception as error:  # noqa: BLE001 - unrecorded it would come again for ever
            _log.error("call_failed", delivery_id=str(claimed.id), exc_info=error)
            return Unanswered(f"it could not be called: {type(error).__name__}")
