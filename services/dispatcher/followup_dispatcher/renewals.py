"""Leases that ran out on the way to the socket: looked at once more, many at a time.

Each lane has its own queue and its own transactions. Where there is more to do than time,
hundreds of claims of lane `later` may wait for another look; one of lane `now` waits for none
of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from followup_contracts.payload import LANES, Lane
from followup_dispatcher.claims import ClaimDesk, Claimed
from followup_dispatcher.core.pace import Pace
from followup_dispatcher.outages import patiently
from followup_messaging.failures import origin

log = structlog.get_logger(__name__)

TOGETHER = 0.003
"""Seconds in which leases that ran out are gathered, to be renewed in one transaction."""

GiveUp = Callable[[Sequence[Claimed]], Awaitable[None]]
"""Ends claims that have waited for longer than they may."""


class Renewals:
    """Renews leases through the desk; no more at a time than leave them time to be used."""

    def __init__(self, desk: ClaimDesk, *, give_up: GiveUp, clock: Callable[[], float]) -> None:
        self._desk = desk
        self._give_up = give_up
        self._clock = clock
        self._lines: dict[Lane, _Line] = {lane: _Line() for lane in LANES}

    def behind(self, lane: Lane) -> bool:
        """Whether more of a lane waits for its second look than one transaction renews."""
        line = self._lines[lane]
        return len(line.waiting) > line.pace.size

    async def renew(self, claimed: Claimed, *, until: float) -> Claimed | None:
        """The claim with a new lease, or None: it may not go out, or it is `until` and too late."""
        line = self._lines[claimed.command.lane]
        future: asyncio.Future[Claimed | None] = asyncio.get_running_loop().create_future()
        line.waiting.append(_Renewal(claimed, future, until))
        if line.work is None or line.work.done():
            line.work = asyncio.get_running_loop().create_task(self._renew_all(line))
        return await future

    async def _renew_all(self, line: "_Line") -> None:
        while line.waiting:
            await asyncio.sleep(TOGETHER)
            await self._drop_tired(line)
            size = line.pace.size
            batch, line.waiting = line.waiting[:size], line.waiting[size:]
            began = self._clock()
            going = await self._renewed([one.claimed for one in batch])
            line.pace = line.pace.after(len(batch), self._clock() - began)
            for one in batch:
                one.settle(going.get(one.claimed.attempt_id))

    async def _drop_tired(self, line: "_Line") -> None:
        """Give up what has waited for too long, so that the rest has its turn."""
        now = self._clock()
        tired = [one for one in line.waiting if one.until <= now]
        if tired:
            line.waiting = [one for one in line.waiting if one.until > now]
            await self._give_up([one.claimed for one in tired])
        for one in tired:
            one.settle(None)

    async def _renewed(self, batch: list[Claimed]) -> dict[UUID, Claimed]:
        """What may go on, by attempt; a batch that fails is gone through one by one."""
        try:
            going = await patiently(lambda: self._desk.renew(batch))
        except Exception as error:  # noqa: BLE001 - one that fails must not take others along
            if len(batch) == 1:
                # The claim stays in the ledger and is swept; the call was never begun.
                log.error(
                    "claim_not_renewed",
                    attempt_id=str(batch[0].attempt_id),
                    error=type(error).__name__,
                    at=origin(error),
                )
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
class _Line:
    """What waits of one lane, how many of it are renewed at a time, and who does it."""

    waiting: list[_Renewal] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)
    work: asyncio.Task[None] | None = None
