"""Making the calls: each at its slot, inside its lease, cut off after eight seconds."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from followup_contracts.payload import Lane
from followup_dispatcher.accounts import Accounts
from followup_dispatcher.claims import ClaimDesk, Claimed
from followup_dispatcher.core.lease import Lease
from followup_dispatcher.outages import patiently
from followup_dispatcher.providers.port import (
    CALL_LIMIT,
    Accepted,
    Answer,
    Call,
    NotBegun,
    Refused,
    RetryLater,
    Unknown,
)
from followup_dispatcher.records import Recorder, Report
from followup_dispatcher.renewals import Renewals
from followup_messaging.failures import origin

log = structlog.get_logger(__name__)

MARGIN = 0.020
"""A lease with less than this left is renewed rather than raced."""
TRIES = 4
"""How often a lease that ran out on the way to the socket is renewed, beyond the first."""
PATIENCE = 8.0
"""Seconds in which a claim must have got a lease that holds; then it is given up, long
before anybody takes it for lost."""
TOO_SLOW = "looking once more takes longer than a lease"
NOT_BEGUN_PAUSE = timedelta(seconds=5)


class Caller:
    """Runs claimed attempts beside one another and hands their answers to the recorder."""

    def __init__(
        self,
        *,
        desk: ClaimDesk,
        recorder: Recorder,
        accounts: Accounts,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._recorder = recorder
        self._accounts = accounts
        self._patience = patience
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()
        self._renewals = Renewals(desk, give_up=self._too_slow, clock=clock)
        self._draining = asyncio.Event()
        self._limits: set[asyncio.Timeout] = set()

    @property
    def under_way(self) -> int:
        """Calls begun or waiting for their slot."""
        return len(self._running)

    def behind(self, lane: Lane) -> bool:
        """Whether claims of a lane come to their calls more slowly than they are made.

        Another claim would only wait with them, and cost what would get them on.
        """
        return self._renewals.behind(lane)

    def begin(self, claims: Sequence[Claimed]) -> None:
        """Start a call for each claim."""
        for claimed in claims:
            task = asyncio.get_running_loop().create_task(self._run(claimed))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def drain(self) -> None:
        """Begin no more calls: what waits for its slot is given up, what has begun goes on."""
        self._draining.set()

    def cut_off(self) -> None:
        """Wait no longer for the answers of calls under way: they are unknown from here on."""
        now = asyncio.get_running_loop().time()
        for limit in self._limits:
            limit.reschedule(now)

    async def quiet(self) -> None:
        """Wait until no call is under way."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def _run(self, claimed: Claimed) -> None:
        wait = claimed.starts_at - self._clock()
        if wait > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._draining.wait()
        else:
            self._desk.began(in_time=claimed.lease.time_left() >= MARGIN)
        left = claimed.starts_at - self._clock()
        if self._draining.is_set() and left > 0:
            await self._give_up([claimed], "the dispatcher is ending", timedelta(seconds=left))
            return
        for last in (False,) * TRIES + (True,):
            leased = await self._leased(claimed)
            if leased is None:
                return
            claimed, looks = leased, _Looks(leased.lease)
            answer = await self._attempt(claimed, looks, last=last)
            if not isinstance(answer, NotBegun):
                self._recorder.report(Report(claimed, answer, looks.last))
                return
            if last or not answer.ours:
                await self._give_up([claimed], answer.reason, NOT_BEGUN_PAUSE)
                return

    async def _leased(self, claimed: Claimed) -> Claimed | None:
        """The claim with enough of a lease to begin; None when it may not, or cannot."""
        until = self._clock() + self._patience
        held: Claimed | None = claimed
        while held is not None and held.lease.time_left() < MARGIN:
            held = await self._renewals.renew(held, until=until)
        return held

    async def _attempt(self, claimed: Claimed, looks: "_Looks", *, last: bool) -> Answer:
        turn = self._accounts.begin(claimed.account_id)
        if turn is None:
            return NotBegun("the account shuts calls out until one on trial is answered")
        answer = await self._call(claimed, looks)
        self._tell_breaker(claimed.account_id, answer, turn=turn, last=last)
        return answer

    async def _call(self, claimed: Claimed, looks: "_Looks") -> Answer:
        call = Call(
            attempt_id=claimed.attempt_id,
            touch_id=claimed.command.touch_id,
            tenant_id=claimed.tenant_id,
            channel=claimed.command.channel,
            to=claimed.to,
            sender=claimed.sender,
            content=claimed.content,
            callback_url=claimed.callback_url,
            valid_for=claimed.valid_for,
            time_left=looks.time_left,
        )
        began = self._clock()
        limit = asyncio.timeout(CALL_LIMIT)
        try:
            async with limit:
                self._limits.add(limit)
                return await claimed.provider.send(call)
        except TimeoutError:
            return Unknown(f"no answer within {self._clock() - began:.1f} s")
        except Exception as error:  # noqa: BLE001 - see below
            # An adapter that raises broke its promise; what it had sent nobody knows.
            log.error("provider_raised", **_culprit(claimed, error))
            return Unknown(f"the adapter failed: {type(error).__name__}")
        finally:
            self._limits.discard(limit)

    def _tell_breaker(self, account: UUID, answer: Answer, *, turn: int, last: bool) -> None:
        match answer:
            case RetryLater(code=code, after=after, account_wide=wide, crowded=crowded) if (
                wide or crowded
            ):
                pause = after.total_seconds() if after else None
                self._accounts.failed(account, code, turn=turn, at_once=wide, pause=pause)
            case Accepted() | Refused() | RetryLater():
                self._accounts.succeeded(account, turn=turn)
            case NotBegun(ours=True) if not last:
                self._accounts.passed(account, turn=turn)
            case Unknown(reason=reason) | NotBegun(reason=reason):
                self._accounts.failed(account, reason, turn=turn)

    async def _too_slow(self, batch: Sequence[Claimed]) -> None:
        await self._give_up(batch, TOO_SLOW, NOT_BEGUN_PAUSE)

    async def _give_up(self, batch: Sequence[Claimed], reason: str, pause: timedelta) -> None:
        try:
            await patiently(lambda: self._desk.release([(one, reason, pause) for one in batch]))
        except Exception as error:  # noqa: BLE001 - see below
            # The claims stay in the ledger and are swept; their calls were never begun.
            for one in batch:
                log.error("claim_not_released", **_culprit(one, error))
            self._desk.forget(batch)


@dataclass(slots=True)
class _Looks:
    """A lease as an adapter looks at it, and when it last did.

    The last look is the attempt's start: from there the first byte goes out at once,
    unless the process is frozen in between, and then the gap shows.
    """

    lease: Lease
    last: datetime = field(default_factory=lambda: datetime.now(UTC))

    def time_left(self) -> float:
        """As `Lease.time_left`."""
        # Before the lease's own clock: whatever freezes us in between, the lease sees it.
        self.last = datetime.now(UTC)
        return self.lease.time_left()


def _culprit(claimed: Claimed, error: Exception) -> dict[str, str]:
    return {
        "attempt_id": str(claimed.attempt_id),
        "error": type(error).__name__,
        "at": origin(error),
    }
