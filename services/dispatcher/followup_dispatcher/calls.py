"""Making the calls: each at its slot, inside its lease, cut off after eight seconds."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from followup_dispatcher.accounts import Accounts
from followup_dispatcher.claims import ClaimDesk, Claimed
from followup_dispatcher.core.lease import Lease
from followup_dispatcher.core.pace import Pace
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
from followup_messaging.failures import origin

log = structlog.get_logger(__name__)

MARGIN = 0.020
"""A lease with less than this left is renewed rather than raced."""
TOGETHER = 0.003
"""Seconds in which leases that ran out are gathered, to be renewed in one transaction."""
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
        self._renewals: list[_Renewal] = []
        self._renewing: asyncio.Task[None] | None = None
        self._pace = Pace()
        self._draining = asyncio.Event()
        self._limits: set[asyncio.Timeout] = set()

    @property
    def under_way(self) -> int:
        """Calls begun or waiting for their slot."""
        return len(self._running)

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
            held = await self._renew(held, until=until)
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

    async def _give_up(self, batch: Sequence[Claimed], reason: str, pause: timedelta) -> None:
        try:
            await patiently(lambda: self._desk.release([(one, reason, pause) for one in batch]))
        except Exception as error:  # noqa: BLE001 - see below
            # The claims stay in the ledger and are swept; their calls were never begun.
            for one in batch:
                log.error("claim_not_released", **_culprit(one, error))
            self._desk.forget(batch)

    async def _renew(self, claimed: Claimed, *, until: float) -> Claimed | None:
        future: asyncio.Future[Claimed | None] = asyncio.get_running_loop().create_future()
        self._renewals.append(_Renewal(claimed, future, until))
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._renew_together())
        return await future

    async def _renew_together(self) -> None:
        while self._renewals:
            await asyncio.sleep(TOGETHER)
            await self._drop_tired()
            size = self._pace.size
            batch, self._renewals = self._renewals[:size], self._renewals[size:]
            began = self._clock()
            going = await self._renewed([one.claimed for one in batch])
            self._pace = self._pace.after(len(batch), self._clock() - began)
            for one in batch:
                one.settle(going.get(one.claimed.attempt_id))

    async def _drop_tired(self) -> None:
        """Give up what has waited for too long, so that the rest has its turn."""
        now = self._clock()
        tired = [one for one in self._renewals if one.until <= now]
        if tired:
            self._renewals = [one for one in self._renewals if one.until > now]
            await self._give_up([one.claimed for one in tired], TOO_SLOW, NOT_BEGUN_PAUSE)
        for one in tired:
            one.settle(None)

    async def _renewed(self, batch: list[Claimed]) -> dict[UUID, Claimed]:
        """What may go on, by attempt; a batch that fails is gone through one by one."""
        try:
            going = await patiently(lambda: self._desk.renew(batch))
        except Exception as error:  # noqa: BLE001 - one that fails must not take others along
            if len(batch) == 1:
                # The claim stays in the ledger and is swept; the call was never begun.
                log.error("claim_not_renewed", **_culprit(batch[0], error))
                self._desk.forget(batch)
                return {}
            found: dict[UUID, Claimed] = {}
            for one in batch:
                found |= await self._renewed([one])
            return found
        return {one.attempt_id: one for one in going}


@dataclass(frozen=True, slots=True)
class _Renewal:
    """A claim that waits to be looked at once more, until when, and who waits for it."""

    claimed: Claimed
    future: asyncio.Future[Claimed | None]
    until: float

    def settle(self, claimed: Claimed | None) -> None:
        if not self.future.done():
            self.future.set_result(claimed)


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
