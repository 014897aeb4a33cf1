"""Making the calls: each at its slot, inside its lease, cut off after eight seconds."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from followup_database.errors import is_outage
from followup_dispatcher.accounts import Accounts
from followup_dispatcher.claims import ClaimDesk, Claimed
from followup_dispatcher.core.verdict import Defer
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

log = structlog.get_logger(__name__)

MARGIN = 0.020
"""A lease with less than this left is renewed rather than raced."""
TOGETHER = 0.003
"""Seconds in which leases that ran out are gathered, to be renewed in one transaction."""
TRIES = 4
"""How often a lease that ran out on the way to the socket is renewed, beyond the first."""
NOT_BEGUN_PAUSE = timedelta(seconds=5)


class Caller:
    """Runs claimed attempts beside one another and hands their answers to the recorder."""

    def __init__(
        self,
        *,
        desk: ClaimDesk,
        recorder: Recorder,
        accounts: Accounts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._recorder = recorder
        self._accounts = accounts
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()
        self._renewals: list[tuple[Claimed, asyncio.Future[Claimed | None]]] = []
        self._renewing: asyncio.Task[None] | None = None

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

    async def quiet(self) -> None:
        """Wait until no call is under way."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def _run(self, claimed: Claimed) -> None:
        wait = claimed.starts_at - self._clock()
        if wait > 0:
            await asyncio.sleep(wait)
        for last in (False,) * TRIES + (True,):
            while claimed.lease.time_left() < MARGIN:
                renewed = await self._renew(claimed)
                if renewed is None:
                    return
                claimed = renewed
            started = datetime.now(UTC)
            answer = await self._attempt(claimed)
            if not isinstance(answer, NotBegun):
                self._recorder.report(Report(claimed, answer, started))
                return
            if last and answer.ours:
                self._accounts.failed(claimed.account_id, answer.reason, at_once=False)
            if last or not answer.ours:
                await self._give_up(claimed, answer)
                return

    async def _attempt(self, claimed: Claimed) -> Answer:
        self._accounts.begun(claimed.account_id)
        answer = await self._call(claimed)
        self._tell_breaker(claimed, answer)
        return answer

    async def _call(self, claimed: Claimed) -> Answer:
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
            time_left=claimed.lease.time_left,
        )
        try:
            async with asyncio.timeout(CALL_LIMIT):
                return await claimed.provider.send(call)
        except TimeoutError:
            return Unknown(f"no answer within {CALL_LIMIT:.0f} s")
        except Exception as error:
            # An adapter that raises broke its promise; what it had sent nobody knows.
            log.exception("provider_raised", attempt_id=str(claimed.attempt_id))
            return Unknown(f"the adapter failed: {type(error).__name__}")

    def _tell_breaker(self, claimed: Claimed, answer: Answer) -> None:
        account = claimed.account_id
        match answer:
            case Accepted() | Refused() | RetryLater(account_wide=False):
                self._accounts.succeeded(account)
            case RetryLater(code=code, after=after):
                pause = after.total_seconds() if after else None
                self._accounts.failed(account, code, at_once=True, pause=pause)
            case NotBegun(ours=True):
                self._accounts.passed(account)
            case Unknown(reason=reason) | NotBegun(reason=reason):
                self._accounts.failed(account, reason, at_once=False)

    async def _give_up(self, claimed: Claimed, answer: NotBegun) -> None:
        async def release() -> None:
            now = await self._recorder.now()
            why = Defer("provider", "not_begun", answer.reason, now + NOT_BEGUN_PAUSE)
            await self._desk.release([(claimed, why)])

        await _through_outages(release)

    async def _renew(self, claimed: Claimed) -> Claimed | None:
        future: asyncio.Future[Claimed | None] = asyncio.get_running_loop().create_future()
        self._renewals.append((claimed, future))
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._renew_together())
        return await future

    async def _renew_together(self) -> None:
        while self._renewals:
            await asyncio.sleep(TOGETHER)
            batch, self._renewals = self._renewals, []
            renewed: dict[object, Claimed] = {}

            async def renew(
                batch: list[tuple[Claimed, asyncio.Future[Claimed | None]]] = batch,
                renewed: dict[object, Claimed] = renewed,
            ) -> None:
                going = await self._desk.renew([claimed for claimed, _ in batch])
                renewed.update({one.attempt_id: one for one in going})

            await _through_outages(renew)
            for claimed, future in batch:
                if not future.done():
                    future.set_result(renewed.get(claimed.attempt_id))


async def _through_outages(work: Callable[[], object]) -> None:
    """Do it, waiting out a database that is down; other errors are the caller's."""
    pause = 0.1
    while True:
        try:
            await work()  # type: ignore[misc]  # the callables here are all coroutines
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("database_down", seconds=pause)
            await asyncio.sleep(pause)
            pause = min(5.0, pause * 2)
        else:
            return
