"""A database so slow that renewing many leases takes longer than a lease."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import pytest
from dispatching import Dispatching, Ticking
from prometheus_client import CollectorRegistry

from followup_contracts.envelope import Message, encode
from followup_contracts.events import TouchDeferred, TouchSent
from followup_contracts.topology import COMMANDS
from followup_dispatcher.calls import Caller
from followup_dispatcher.capacity import Capacity
from followup_dispatcher.claims import ClaimDesk
from followup_dispatcher.consumer import MOST, CommandConsumer
from followup_dispatcher.metrics import Metrics
from followup_messaging.inprocess import InProcessBus
from followup_messaging.port import Outgoing
from followup_testkit.waiting import until


class SlowDesk(ClaimDesk):
    """Each transaction takes `fixed` seconds, and `each` for every claim in it."""

    ticking: Ticking
    fixed = 0.0
    each = 0.0
    most = 0
    """How many claims it had given out at a time."""

    async def claim(self, messages, **more):
        claims = await super().claim(messages, **more)
        self.most = max(self.most, self._capacity.taken)
        self.ticking.now += self.fixed + self.each * len(messages)
        return claims

    async def renew(self, batch):
        going = await super().renew(batch)
        self.ticking.now += self.fixed + self.each * len(batch)
        return going


Desk = TypeVar("Desk", bound=SlowDesk)


def on_slow_database(
    kind: type[Desk], dispatching: Dispatching, ticking: Ticking, *, patience: float = 2.5
) -> Desk:
    """Give the dispatcher a desk of this kind."""
    of = dispatching.desk
    desk = kind(
        of._database,
        outbox=of._outbox,
        surveyor=of._surveyor,
        drafter=of._drafter,
        capacity=dispatching.capacity,
        clock=ticking,
    )
    desk.ticking = ticking
    dispatching.desk = desk
    dispatching.caller = Caller(
        desk=desk,
        recorder=dispatching.recorder,
        accounts=dispatching.accounts,
        patience=patience,
        clock=ticking,
    )
    return desk


@pytest.fixture
def slow(dispatching: Dispatching, ticking: Ticking) -> SlowDesk:
    """The same dispatcher with a desk on a slow database."""
    return on_slow_database(SlowDesk, dispatching, ticking)


async def test_a_backlog_goes_out_though_its_claims_cannot_be_renewed_together(
    dispatching, slow
) -> None:
    """A batch whose renewal outlives its leases shrinks until they hold: no standing still."""
    slow.each = 0.020
    leads = [await dispatching.lead(phone_e164=f"+1212555{n:04d}") for n in range(16)]

    events = await dispatching.send(*map(dispatching.command, leads))

    assert [type(event) for event in events] == [TouchSent] * 16
    assert len(dispatching.provider.calls) == 16
    assert min(dispatching.provider.left) > 0


async def test_a_claim_that_can_never_be_renewed_in_time_is_given_up_with_its_reason(
    dispatching, slow
) -> None:
    """Where one look takes longer than a lease nothing may be sent: the touch waits, explained."""
    slow.fixed = 0.200

    (event,) = await dispatching.send(dispatching.command(await dispatching.lead()))

    assert isinstance(event, TouchDeferred)
    assert (event.rule, event.reason) == (
        "not_begun",
        "looking once more takes longer than a lease",
    )
    assert dispatching.provider.calls == []
    assert dispatching.capacity.taken == 0
    assert await dispatching.rows("SELECT 1 FROM dispatcher.attempts") == []


async def test_what_waits_behind_slow_renewals_is_given_up_before_it_is_taken_for_lost(
    dispatching, slow
) -> None:
    """A process that is behind says so; nothing of it becomes unknown."""
    slow.fixed, slow.each = 0.060, 0.050  # one lease holds at a time, some nine a second
    leads = [await dispatching.lead(phone_e164=f"+1212555{n:04d}") for n in range(16)]

    events = await dispatching.send(*map(dispatching.command, leads))

    sent = [event for event in events if isinstance(event, TouchSent)]
    late = [event for event in events if isinstance(event, TouchDeferred)]
    assert sent
    assert late
    assert len(sent) + len(late) == len(leads)
    assert {event.rule for event in late} == {"not_begun"}
    assert dispatching.capacity.taken == 0


class HeldDesk(SlowDesk):
    """Another look at claims of lane `later` is not over before it is `let_on`."""

    looking: asyncio.Event
    let_on: asyncio.Event

    async def renew(self, batch):
        if batch[0].command.lane == "later":
            self.looking.set()
            await self.let_on.wait()
        return await super().renew(batch)


async def test_what_is_urgent_waits_for_no_other_lane_s_second_look(dispatching, ticking) -> None:
    """A lead's first text goes out while an import's leases are still being renewed."""
    desk = on_slow_database(HeldDesk, dispatching, ticking)
    desk.looking, desk.let_on = asyncio.Event(), asyncio.Event()
    desk.fixed = 0.140
    campaign, fresh = [await dispatching.lead(phone_e164=f"+1212555{n:04d}") for n in range(2)]
    later = await desk.claim([dispatching.command(campaign, lane="later")])
    dispatching.caller.begin(later.claimed)
    await desk.looking.wait()

    now = await desk.claim([dispatching.command(fresh)])
    desk.fixed = 0.0
    dispatching.caller.begin(now.claimed)
    await until(lambda: dispatching.provider.calls)

    assert [call.to for call in dispatching.provider.calls] == ["+12125550001"]
    desk.let_on.set()
    await dispatching.settled()
    assert [call.to for call in dispatching.provider.calls] == ["+12125550001", "+12125550000"]


@asynccontextmanager
async def consuming(
    house: Dispatching, ticking: Ticking, backlog: Sequence[Message]
) -> AsyncIterator[None]:
    """A consumer at work on a queue that holds these commands."""
    bus = InProcessBus()
    await bus.connect()
    consumer = CommandConsumer(
        bus=bus,
        queue="dispatcher.sms.now",
        lane="now",
        database=house.database,
        desk=house.desk,
        caller=house.caller,
        capacity=house.capacity,
        metrics=Metrics(CollectorRegistry()),
        clock=ticking,
    )
    stop = asyncio.Event()
    commands = [
        Outgoing(one.id, COMMANDS, one.routing_key, encode(one), mandatory=True) for one in backlog
    ]
    work = [asyncio.create_task(consumer.run(stop)), asyncio.create_task(bus.publish(commands))]
    yield
    stop.set()
    await asyncio.gather(*work)
    await house.caller.quiet()
    await bus.close()


async def test_no_more_is_claimed_than_comes_to_its_calls(dispatching, ticking) -> None:
    """Where leases do not hold, more claims would only take the time of those there are."""
    dispatching.capacity = Capacity(16 * MOST)  # an account may hold all of the backlog
    slow = on_slow_database(SlowDesk, dispatching, ticking, patience=20.0)
    slow.fixed = 0.200
    leads = [await dispatching.lead(phone_e164=f"+1212555{n:04d}") for n in range(4 * MOST)]
    backlog = [dispatching.command(lead) for lead in leads]
    all_answered = partial(answered, dispatching, len(backlog))

    async with consuming(dispatching, ticking, backlog):
        await until(all_answered, what="every command is answered")

    assert slow.most < 3 * MOST


async def answered(house: Dispatching, count: int) -> bool:
    """Whether so many commands have their answer."""
    return len(await house.events()) >= count
