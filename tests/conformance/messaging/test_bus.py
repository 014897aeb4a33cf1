"""What every bus adapter promises, run over each of them."""

import asyncio
from uuid import uuid4

import pytest

from followup_contracts.topology import COMMANDS, EVENTS
from followup_messaging.errors import BusDown
from followup_messaging.port import Bus, Fate, Outgoing
from followup_testkit.waiting import until

TOUCHES = "scheduler.touches"
KEY = "touch.failed.v1"
COMMAND_QUEUE = "dispatcher.sms.now"
COMMAND_KEY = "touch.send.v1.sms.now"
LIMIT = 60.0


def _out(body: bytes = b"{}", *, key: str = KEY, exchange: str = EVENTS, mandatory: bool = True):
    return Outgoing(uuid4(), exchange, key, body, mandatory)


async def _take(subscription, count: int, *, settle: bool = True):
    """Exactly `count` deliveries, over as many takes as it needs."""
    got = []
    async with asyncio.timeout(LIMIT):
        while len(got) < count:
            batch = await subscription.take(most=count - len(got), linger=0.05)
            if settle:
                await subscription.settle(batch)
            got += batch
    return got


async def _published(bus: Bus, messages):
    async with asyncio.timeout(LIMIT):
        return await bus.publish(messages)


async def _depth_is(bus: Bus, depth: int) -> bool:
    return await bus.depths([TOUCHES, COMMAND_QUEUE]) == {TOUCHES: depth, COMMAND_QUEUE: 0}


class TestBus:
    async def test_what_is_published_arrives(self, bus: Bus) -> None:
        """Body, queue and routing key come through as they were; nothing is redelivered."""
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            publishing = asyncio.create_task(_published(bus, [_out(b'{"a": 1}')]))
            (delivery,) = await _take(subscription, 1)
            assert await publishing == [Fate.CONFIRMED]
        assert delivery.body == b'{"a": 1}'
        assert delivery.queue == TOUCHES
        assert delivery.routing_key == KEY
        assert delivery.redelivered is False

    async def test_a_batch_arrives_whole(self, bus: Bus) -> None:
        """Every message of a large batch is confirmed and delivered, in whatever order."""
        bodies = {f"message {number}".encode() for number in range(1500)}
        async with bus.subscribe(TOUCHES, prefetch=400) as subscription:
            publishing = asyncio.create_task(_published(bus, [_out(body) for body in bodies]))
            deliveries = await _take(subscription, 1500)
            assert set(await publishing) == {Fate.CONFIRMED}
        assert {delivery.body for delivery in deliveries} == bodies

    async def test_what_is_at_hand_is_taken_without_waiting(self, bus: Bus) -> None:
        """An empty queue has nothing at hand, and later what has come."""
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            assert subscription.at_hand(most=5) == []
            messages = [_out(b"{}") for _ in range(3)]
            async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as tasks:
                publishing = tasks.create_task(_published(bus, messages))
                held = await _take(subscription, 1)
                while len(held) < 3:
                    held += subscription.at_hand(most=5)
                    await asyncio.sleep(0)
                await subscription.settle(held[1:])
            assert publishing.result() == [Fate.CONFIRMED] * 3

    async def test_two_may_settle_at_once(self, bus: Bus) -> None:
        """In whatever order what they took was finished: everything is settled, nothing comes
        again, and the subscription goes on."""
        bodies = [b"%d" % number for number in range(400)]
        async with bus.subscribe(TOUCHES, prefetch=400) as subscription:
            publishing = asyncio.create_task(_published(bus, [_out(body) for body in bodies]))
            held = await _take(subscription, 400, settle=False)
            odd, even = held[1::2], held[0::2]
            async with asyncio.TaskGroup() as tasks:
                for part in (odd[:100], even[:100], odd[100:], even[100:]):
                    tasks.create_task(subscription.settle(part))
            assert set(await publishing) == {Fate.CONFIRMED}
            publishing = asyncio.create_task(_published(bus, [_out(b"last")]))
            (last,) = await _take(subscription, 1)
            assert last.body == b"last"
            await publishing

    async def test_what_may_travel_together_arrives_one_by_one(self, bus: Bus) -> None:
        """Each body is a delivery of its own; what is not settled comes again."""
        bodies = [b'{"n":%d}' % number for number in range(50)]
        messages = [Outgoing(uuid4(), EVENTS, KEY, body, together=15) for body in bodies]
        async with bus.subscribe(TOUCHES, prefetch=3) as subscription:
            publishing = asyncio.create_task(_published(bus, messages))
            taken = await subscription.take(most=10, linger=0.2)
            assert 1 <= len(taken) <= 10
            await subscription.settle(taken)
            settled = {delivery.body for delivery in taken}
        async with bus.subscribe(TOUCHES, prefetch=100) as subscription:
            left = set(bodies) - settled
            while left:
                again = await subscription.take(most=100, linger=0.05)
                await subscription.settle(again)
                left -= {delivery.body for delivery in again}
            assert set(await publishing) == {Fate.CONFIRMED}

    async def test_every_bound_queue_gets_its_own_copy(self, bus: Bus) -> None:
        """An event two services read reaches both."""
        async with (
            bus.subscribe("scheduler.feedback", prefetch=10) as one,
            bus.subscribe("dispatcher.feedback", prefetch=10) as other,
        ):
            publishing = asyncio.create_task(
                _published(bus, [_out(b"both", key="touch.delivered.v1")])
            )
            (first,), (second,) = await asyncio.gather(_take(one, 1), _take(other, 1))
            assert await publishing == [Fate.CONFIRMED]
        assert (first.body, second.body) == (b"both", b"both")

    async def test_the_default_exchange_names_a_queue(self, bus: Bus) -> None:
        """Exchange "" with a queue's name reaches that queue alone."""
        async with (
            bus.subscribe("scheduler.feedback", prefetch=10) as one,
            bus.subscribe("dispatcher.feedback", prefetch=10) as other,
        ):
            message = _out(b"one", key="dispatcher.feedback", exchange="")
            after = _out(b"after", key="scheduler.feedback", exchange="")
            publishing = asyncio.create_task(_published(bus, [message, after]))
            (second,), (first,) = await asyncio.gather(_take(other, 1), _take(one, 1))
            assert await publishing == [Fate.CONFIRMED, Fate.CONFIRMED]
        assert (first.body, second.body) == (b"after", b"one")

    async def test_lanes_are_queues_of_their_own(self, bus: Bus) -> None:
        """A lead of the later lane never stands before one of the lane now."""
        async with (
            bus.subscribe("scheduler.leads.now", prefetch=10) as now,
            bus.subscribe("scheduler.leads.later", prefetch=10) as later,
        ):
            messages = [
                _out(lane.encode(), key=f"lead.captured.v1.{lane}") for lane in ("later", "now")
            ]
            publishing = asyncio.create_task(_published(bus, messages))
            (quick,), (slow,) = await asyncio.gather(_take(now, 1), _take(later, 1))
            await publishing
        assert (quick.body, slow.body) == (b"now", b"later")

    async def test_a_mandatory_message_nobody_is_bound_for_is_returned(self, bus: Bus) -> None:
        """It is not confirmed; its neighbours in the batch are."""
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            messages = [_out(key="no.such.thing"), _out(b"fine"), _out(key="nor.this")]
            publishing = asyncio.create_task(_published(bus, messages))
            await _take(subscription, 1)
            assert await publishing == [Fate.RETURNED, Fate.CONFIRMED, Fate.RETURNED]

    async def test_a_free_message_nobody_is_bound_for_is_confirmed(self, bus: Bus) -> None:
        """What is published for whoever listens needs no listener."""
        message = _out(key="sequence.enrolled.v1", mandatory=False)
        assert await _published(bus, [message]) == [Fate.CONFIRMED]

    async def test_unsettled_deliveries_come_again(self, bus: Bus) -> None:
        """A subscription that ends gives back exactly what it had not settled, marked so."""
        publishing = asyncio.create_task(
            _published(bus, [_out(b"kept"), _out(b"settled"), _out(b"kept too")])
        )
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            deliveries = await _take(subscription, 3, settle=False)
            await subscription.settle([d for d in deliveries if d.body == b"settled"])
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            again = await _take(subscription, 2)
        await publishing
        assert {delivery.body for delivery in again} == {b"kept", b"kept too"}
        assert all(delivery.redelivered for delivery in again)

    async def test_settling_out_of_order_settles_nothing_else(self, bus: Bus) -> None:
        """Settling the last of a batch leaves the ones before it unsettled."""
        publishing = asyncio.create_task(
            _published(bus, [_out(str(number).encode()) for number in range(10)])
        )
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            deliveries = await _take(subscription, 10, settle=False)
            await subscription.settle([deliveries[9], deliveries[4]])
            await subscription.settle(deliveries[0:2])
        left = {d.body for d in deliveries} - {deliveries[i].body for i in (9, 4, 0, 1)}
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            again = await _take(subscription, 6)
        await publishing
        assert {delivery.body for delivery in again} == left

    async def test_settling_twice_harms_nothing(self, bus: Bus) -> None:
        """A delivery settled before is passed over and the subscription goes on."""
        publishing = asyncio.create_task(_published(bus, [_out(b"1"), _out(b"2")]))
        async with bus.subscribe(TOUCHES, prefetch=1) as subscription:
            first = await _take(subscription, 1)
            await subscription.settle(first)
            await _take(subscription, 1)
        assert await publishing == [Fate.CONFIRMED, Fate.CONFIRMED]

    async def test_no_more_than_the_prefetch_is_unsettled(self, bus: Bus) -> None:
        """With the prefetch full `take` waits; settling makes room."""
        messages = [_out() for _ in range(5)]
        publishing = asyncio.create_task(_published(bus, messages))
        async with bus.subscribe(TOUCHES, prefetch=3) as subscription:
            held = await _take(subscription, 3, settle=False)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await subscription.take(most=10, linger=0.01)
            await subscription.settle(held)
            await _take(subscription, 2)
            fates = await publishing
        assert set(fates) == {Fate.CONFIRMED}

    async def test_a_cancelled_take_loses_nothing(self, bus: Bus) -> None:
        """What a cancelled `take` had gathered comes with the next one."""
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            waiting = asyncio.create_task(subscription.take(most=3, linger=60))
            publishing = asyncio.create_task(_published(bus, [_out(b"1"), _out(b"2")]))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await asyncio.shield(waiting)  # it lingers for a third
            waiting.cancel()
            await asyncio.wait([waiting])
            assert {d.body for d in await _take(subscription, 2)} == {b"1", b"2"}
        assert await publishing == [Fate.CONFIRMED, Fate.CONFIRMED]

    async def test_a_take_ends_with_its_linger(self, bus: Bus) -> None:
        """A lone message is handed over without waiting for a full batch."""
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            publishing = asyncio.create_task(_published(bus, [_out(b"alone")]))
            async with asyncio.timeout(LIMIT):
                batch = await subscription.take(most=200, linger=0.004)
            await subscription.settle(batch)
            assert await publishing == [Fate.CONFIRMED]
        assert [delivery.body for delivery in batch] == [b"alone"]

    async def test_competing_consumers_share(self, bus: Bus) -> None:
        """Two consumers of a queue get every message once between them."""
        bodies = {str(number).encode() for number in range(40)}
        async with (
            bus.subscribe(TOUCHES, prefetch=20) as one,
            bus.subscribe(TOUCHES, prefetch=20) as other,
        ):
            publishing = asyncio.create_task(_published(bus, [_out(body) for body in bodies]))
            got: list[bytes] = []

            async def drain(subscription) -> None:
                while len(got) < len(bodies):
                    batch = await subscription.take(most=4, linger=0)
                    got.extend(delivery.body for delivery in batch)
                    await subscription.settle(batch)

            drains = [asyncio.create_task(drain(each)) for each in (one, other)]
            async with asyncio.timeout(LIMIT):
                await asyncio.wait(drains, return_when=asyncio.FIRST_COMPLETED)
                await publishing
            for task in drains:
                task.cancel()
            await asyncio.wait(drains)
        assert sorted(got) == sorted(bodies)

    async def test_a_refused_delivery_does_not_come_again(self, bus: Bus) -> None:
        """It is out of the queue, and the subscription goes on."""
        publishing = asyncio.create_task(_published(bus, [_out(b"bad")]))
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            (bad,) = await _take(subscription, 1, settle=False)
            await subscription.refuse(bad)
        assert await publishing == [Fate.CONFIRMED]
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            after = asyncio.create_task(_published(bus, [_out(b"after")]))
            (delivery,) = await _take(subscription, 1)
            await after
        assert delivery.body == b"after"

    async def test_a_closed_bus_fails_publishes(self, bus: Bus) -> None:
        """Publishing on a bus that is closed fails at once and raises nothing."""
        await bus.close()
        assert bus.connected is False
        assert await _published(bus, [_out(), _out()]) == [Fate.FAILED, Fate.FAILED]

    async def test_a_closed_bus_ends_subscriptions(self, bus: Bus) -> None:
        """A waiting `take` learns of it; a new subscription cannot be entered."""
        async with bus.subscribe(TOUCHES, prefetch=10) as subscription:
            waiting = asyncio.create_task(subscription.take(most=1, linger=0))
            await asyncio.wait([waiting], timeout=0.05)
            await bus.close()
            with pytest.raises(BusDown):
                async with asyncio.timeout(LIMIT):
                    await waiting
        with pytest.raises(BusDown):
            async with bus.subscribe(TOUCHES, prefetch=10):
                pass

    async def test_an_untaken_command_expires(self, any_bus_with_short_commands: Bus) -> None:
        """Past its time a command is gone; one that is in time arrives."""
        bus = any_bus_with_short_commands
        old = _out(b"old", key=COMMAND_KEY, exchange=COMMANDS)
        publishing = asyncio.create_task(_published(bus, [old]))

        async def there() -> bool:
            depths = await bus.depths([COMMAND_QUEUE])
            return publishing.done() or depths[COMMAND_QUEUE] == 1

        await until(there, what="the queue has it")
        # Age is what is tested, so time has to pass: twice the queue's limit.
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.6):
                await asyncio.get_running_loop().create_future()
        async with bus.subscribe(COMMAND_QUEUE, prefetch=10) as subscription:
            fresh = asyncio.create_task(
                _published(bus, [_out(b"new", key=COMMAND_KEY, exchange=COMMANDS)])
            )
            (delivery,) = await _take(subscription, 1)
            await asyncio.gather(publishing, fresh)
        assert delivery.body == b"new"

    async def test_how_deep_a_queue_is(self, bus: Bus) -> None:
        """What nobody has taken is counted; what a consumer has, or has settled, is not."""
        async with asyncio.TaskGroup() as group:
            publishing = group.create_task(_published(bus, [_out() for _ in range(3)]))
            await until(lambda: _depth_is(bus, 3))
            async with bus.subscribe(TOUCHES, prefetch=2) as subscription:
                taken = await _take(subscription, 2, settle=False)
                await until(lambda: _depth_is(bus, 1))
                await subscription.settle(taken)
                await _take(subscription, 1)
        assert publishing.result() == [Fate.CONFIRMED] * 3
        await until(lambda: _depth_is(bus, 0))

    async def test_a_bus_that_is_closed_knows_no_depth(self, bus: Bus) -> None:
        """It says so, rather than 0."""
        await bus.close()
        with pytest.raises(BusDown):
            await bus.depths([TOUCHES])
