"""Taking commands: no more than can be called now, settled once they are claimed.

There is no inbox here: the ledger is what makes a second delivery harmless.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from typing import Any, TypeVar
from uuid import UUID

import structlog

from followup_contracts.commands import SendTouch
from followup_contracts.envelope import MAX_BYTES, Message, Unreadable, decode
from followup_contracts.payload import Lane
from followup_database import Database
from followup_database.errors import is_conflict, is_outage, is_passing
from followup_dispatcher.calls import Caller
from followup_dispatcher.capacity import Capacity, Promise
from followup_dispatcher.claims import ClaimDesk, Claims
from followup_dispatcher.core.pace import Pace
from followup_dispatcher.metrics import Metrics
from followup_messaging import dead
from followup_messaging.errors import BusDown
from followup_messaging.failures import describe, origin
from followup_messaging.port import Bus, Delivery, Subscription

log = structlog.get_logger(__name__)

T = TypeVar("T")

MOST = 64
LINGER = 0.002
RECHECK = 0.2
GATHER, GATHER_FOR = 8, 0.02
"""Commands, and seconds: a claim costs the same for one as for eight."""
FEW = 8
"""A place free to so many taken is not worth a claim yet; more may be soon."""
CONFLICTS = 3
KNOWN = 10_000
PATIENCE = 2.0
"""Seconds a command waits here for its account's share before the scheduler has it back."""
STUCK = 1.0
"""Seconds after which an account whose calls get no answer counts as stuck. That its commands
wait says nothing: they also do where the dispatcher itself is short of time."""
PAUSE_FIRST, PAUSE_MOST = 0.1, 5.0
HANDS = 2
"""Batches of one queue in work at once: while the database answers the one, the other is
drafted. More would only wait for the same processor."""


@dataclass(frozen=True, slots=True)
class Held:
    """A command in hand: not settled yet. `account_id` is the account it waits for."""

    delivery: Delivery
    message: Message
    since: float
    account_id: UUID | None = None


class CommandConsumer:
    """One command queue: channel and lane.

    What waits for its account's share waits here for a moment; the scheduler has it back
    soon after. What comes behind it is somebody else's as likely as not, so a stuck
    account is given no more room here than keeps its calls busy.
    """

    def __init__(  # noqa: PLR0913 - keyword-only wiring
        self,
        *,
        bus: Bus,
        queue: str,
        lane: Lane,
        database: Database,
        desk: ClaimDesk,
        caller: Caller,
        capacity: Capacity,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"dispatcher:{queue}"
        self._bus = bus
        self._queue = queue
        self._lane = lane
        self._database = database
        self._desk = desk
        self._caller = caller
        self._capacity = capacity
        # Four commands may come as one. No more than can be called soon: what is taken here
        # is taken from the dispatchers beside this one.
        self._prefetch = max(16, min(MOST, capacity.limit) // 2)
        # Half of what is taken may wait here, so that there is always room for what comes
        # behind; of a stuck account so much that its calls go on as they become free.
        self._patient = self._prefetch // 2
        self._kept = max(1, self._patient // 4)
        self._metrics = metrics
        self._clock = clock
        self._pace = Pace(least=GATHER)
        self._waiting: list[Held] = []
        self._accounts: dict[UUID, UUID] = {}
        self._pause = PAUSE_FIRST

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and call until `stop`; a batch begun is finished first."""
        while not stop.is_set():
            self._waiting = []
            try:
                async with self._bus.subscribe(self._queue, prefetch=self._prefetch) as source:
                    await self._turns(source, stop)
                return
            except BusDown:
                cause = "bus"
            except Exception as error:  # noqa: BLE001 - a consumer outlives what one batch meets
                cause = "database" if is_outage(error) else type(error).__name__
                log.error("consumer_failed", consumer=self.name, cause=cause, at=origin(error))
            log.warning("consumer_pauses", consumer=self.name, cause=cause, seconds=self._pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._pause)
            self._pause = min(PAUSE_MOST, self._pause * 2)

    async def _turns(self, source: Subscription, stop: asyncio.Event) -> None:
        """Turn after turn, by as many hands, until `stop` or until one of them fails.

        The others finish what they have begun: a claim that is cut off may stand.
        """
        over = asyncio.Event()

        async def hand() -> None:
            try:
                while not over.is_set():
                    await self._turn(source, over)
                    self._pause = PAUSE_FIRST
            finally:
                over.set()

        async def watch() -> None:
            await _until(over.wait(), stop.wait())
            over.set()

        ends = await asyncio.gather(
            watch(), *(hand() for _ in range(HANDS)), return_exceptions=True
        )
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _turn(self, source: Subscription, stop: asyncio.Event) -> None:
        room = self._room()
        if self._lane == "later" and 0 < room < self._capacity.taken // FEW:
            # Places become free one by one, and a claim costs much the same for one as for
            # many: nobody waits for a text of this lane so that it would matter.
            await _until(stop.wait(), within=GATHER_FOR)
            room = self._room()
        again = self._ready(room) if room > 0 else []
        if room <= 0 or (len(self._waiting) >= self._patient and not again and not self._stuck()):
            await _until(self._capacity.changed(), stop.wait(), within=RECHECK)
            return
        if again:
            taken = {held.message.id for held in again}
            self._waiting = [held for held in self._waiting if held.message.id not in taken]
            # What is at hand goes along: a claim costs much the same for two as for sixty.
            deliveries = source.at_hand(most=room - len(again))
        else:
            taking = source.take(most=room, linger=LINGER)
            if self._waiting:  # a place that becomes free may be theirs
                ended = stop.wait(), self._capacity.changed()
                deliveries = await _until(taking, *ended, within=RECHECK) or []
            else:
                deliveries = await _until(taking, stop.wait()) or []
        if again or deliveries:
            await self._sort(source, again, await self._readable(source, deliveries))

    def _room(self) -> int:
        """How many may be claimed now."""
        behind = self._caller.behind(self._lane)
        return 0 if behind else min(MOST, self._capacity.free(self._lane))

    async def _sort(
        self, source: Subscription, again: Sequence[Held], fresh: Sequence[Held]
    ) -> None:
        """Claim what can be called now; what would only wait for its account waits here."""
        shares, stuck = _Shares(self._capacity), self._stuck()
        kept = Counter(one.account_id for one in self._waiting)
        going: list[Held] = list(again)
        back: list[Held] = []
        for one in again:
            if one.account_id is not None:
                shares.take(one.account_id)
        for one in fresh:
            account_id = self._accounts.get(one.message.tenant_id)
            if account_id is None or shares.take(account_id):
                going.append(one)
            elif account_id in stuck and kept[account_id] >= self._kept:
                back.append(replace(one, since=-inf))
            else:
                kept[account_id] += 1
                self._waiting.append(replace(one, account_id=account_id))
        await self._work(source, back)
        await self._call(source, going)

    async def _call(self, source: Subscription, batch: Sequence[Held]) -> None:
        """Claim as many at a time as leave their calls the time to begin."""
        while batch:
            size = self._pace.size
            now, batch = batch[:size], batch[size:]
            began = self._clock()
            await self._work(source, now)
            self._pace = self._pace.after(len(now), self._clock() - began)

    def _stuck(self) -> set[UUID | None]:
        """Accounts whose commands wait here for calls that have long been under way."""
        waiting = {one.account_id for one in self._waiting if one.account_id is not None}
        return {id_ for id_ in waiting if self._capacity.oldest(id_) > STUCK}

    def _ready(self, room: int) -> list[Held]:
        """What waits here and may be tried now: its account has room, or it is tired.

        Where too much waits, what is too much of a stuck account is tired at once. A few
        that become free one after the other are worth a short wait for more.
        """
        shares, now, kept = _Shares(self._capacity), self._clock(), Counter[UUID | None]()
        stuck = self._stuck() if len(self._waiting) >= self._patient else set()
        ready: list[Held] = []
        for held in self._waiting:
            if len(ready) >= room:
                break
            kept[held.account_id] += 1
            surplus = held.account_id in stuck and kept[held.account_id] > self._kept
            one = replace(held, since=-inf) if surplus else held
            tired = now - one.since > PATIENCE
            if tired or one.account_id is None or shares.take(one.account_id):
                ready.append(one)
        enough = len(ready) >= min(GATHER, len(self._waiting))
        return ready if enough or any(now - held.since > GATHER_FOR for held in ready) else []

    async def _work(self, source: Subscription, batch: Sequence[Held]) -> None:
        if not batch:
            return
        self._metrics.claimed(len(batch))
        accounts = [self._accounts.get(one.message.tenant_id) for one in batch]
        with self._capacity.promise(accounts) as promise:
            await self._settle(source, batch, promise)

    async def _settle(self, source: Subscription, batch: Sequence[Held], promise: Promise) -> None:
        limit = self._clock() - PATIENCE
        tired = frozenset(held.message.id for held in batch if held.since < limit)
        try:
            claims = await self._claim([held.message for held in batch], tired, promise)
        except Exception as error:
            if is_passing(error):
                raise
            if len(batch) == 1:
                await self._fail(source, batch[0], error)
                return
            for one in batch:
                await self._work(source, [one])
            return
        self._caller.begin(claims.claimed)
        self._learn(claims, batch)
        await source.settle(
            [held.delivery for held in batch if held.message.id not in claims.postponed]
        )

    async def _claim(
        self, messages: Sequence[Message], tired: frozenset[UUID], promise: Promise
    ) -> Claims:
        for _ in range(CONFLICTS):
            try:
                return await self._desk.claim(messages, tired=tired, promise=promise)
            except Exception as error:
                if not is_conflict(error):
                    raise
        return await self._desk.claim(messages, tired=tired, promise=promise)

    def _learn(self, claims: Claims, batch: Sequence[Held]) -> None:
        """Remember which account serves a tenant here: those with no room need no claim."""
        if len(self._accounts) > KNOWN:
            self._accounts.clear()
        for claimed in claims.claimed:
            self._accounts[claimed.tenant_id] = claimed.account_id
        for held in batch:
            account_id = claims.postponed.get(held.message.id)
            if account_id is not None:
                self._accounts[held.message.tenant_id] = account_id
                self._waiting.append(replace(held, account_id=account_id))

    async def _readable(self, source: Subscription, deliveries: Sequence[Delivery]) -> list[Held]:
        readable = []
        for delivery in deliveries:
            try:
                message = decode(delivery.body)
                if not isinstance(message.data, SendTouch):
                    raise Unreadable(f"{message.type} does not belong on {self._queue}")
            except Unreadable as error:
                async with self._database.transaction() as tx:
                    await dead.bury(tx, [self._burial(delivery, str(error))])
                log.error("dead_letter", consumer=self.name)
                await source.settle([delivery])
            else:
                readable.append(Held(delivery, message, self._clock()))
        return readable

    async def _fail(self, source: Subscription, held: Held, error: Exception) -> None:
        """A command that can't be carried out ends its touch and is kept to be looked at."""
        message = held.message
        burial = self._burial(held.delivery, describe(error), message)
        await self._desk.fail(message, burial=burial)
        log.error("dead_letter", consumer=self.name, message=str(message.id), at=origin(error))
        await source.settle([held.delivery])

    def _burial(
        self, delivery: Delivery, error: str, message: Message | None = None
    ) -> dead.Burial:
        return dead.Burial(
            consumer="dispatcher",
            queue=self._queue,
            routing_key=delivery.routing_key,
            body=delivery.body[:MAX_BYTES],
            error=error,
            message_id=message.id if message else None,
            tenant_id=message.tenant_id if message else None,
        )


class _Shares:
    """What accounts have left of their shares, as a batch is put together."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._left: dict[UUID, int] = {}

    def take(self, account_id: UUID) -> bool:
        left = self._left.setdefault(account_id, self._capacity.unpromised_for(account_id))
        self._left[account_id] = left - 1
        return left > 0


async def _until(
    work: Coroutine[Any, Any, T], *ends: Coroutine[Any, Any, Any], within: float | None = None
) -> T | None:
    """The work's result, or None when an end or so many seconds came before that."""
    task, *_ = tasks = [asyncio.ensure_future(each) for each in (work, *ends)]
    try:
        await asyncio.wait(tasks, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.wait(tasks)
