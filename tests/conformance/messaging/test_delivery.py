"""Outbox, bus, consumer and inbox together, over each adapter."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from followup_contracts import Message, encode
from followup_contracts.commands import SendTouch
from followup_contracts.events import LeadConverted, LeadHandedOff, LeadUpdated
from followup_contracts.registry import CONSUMERS
from followup_contracts.topology import EVENTS
from followup_database import Database, Role, Transaction, new_id
from followup_messaging import dead
from followup_messaging.consumer import Consumer
from followup_messaging.outbox import Outbox
from followup_messaging.port import Bus, Fate, Outgoing
from followup_runtime.databases import Databases
from followup_testkit.databases import server_address, through
from followup_testkit.proxies import TcpProxy
from followup_testkit.waiting import until

TENANT = uuid4()
QUEUE = "scheduler.product"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
AT_ONCE = timedelta(0)


@asynccontextmanager
async def running(*runners: Any) -> AsyncIterator[asyncio.Event]:
    """These, until the block ends; then they are told to stop and awaited."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(runner.run(stop)) for runner in runners]
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*tasks)


class Recorder:
    """A handler that keeps what it was given, in the database and in memory."""

    def __init__(self) -> None:
        self.seen: list[UUID] = []
        self.poison: set[UUID] = set()
        self.error: Exception = ValueError("it cannot be")
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()

    async def __call__(self, tx: Transaction, messages: Sequence[Message]) -> None:
        self.entered.set()
        await self.gate.wait()
        for message in messages:
            if message.id in self.poison:
                raise self.error
        ids = [message.id for message in messages]
        tx.after_commit(lambda: self.seen.extend(ids))


def consumer(bus: Bus, database: Database, handle: Any, **options: Any) -> Consumer:
    return Consumer(
        bus=bus, database=database, queue=QUEUE, service="scheduler", handle=handle, **options
    )


def converted(outbox: Outbox, **options: Any) -> Message:
    data = LeadConverted(lead_id=uuid4(), person_id=uuid4(), at=NOW)
    return outbox.message(data, tenant_id=TENANT, subject=data.lead_id, time=NOW, **options)


def wire(message: Message) -> Outgoing:
    return Outgoing(message.id, EVENTS, message.routing_key, encode(message))


async def committed(database: Database, outbox: Outbox, count: int) -> list[UUID]:
    """The ids of so many events, added and committed."""
    messages = [converted(outbox) for _ in range(count)]
    async with database.transaction() as tx:
        await outbox.add(tx, messages)
    return [message.id for message in messages]


async def _fail_after_adding(database: Database, outbox: Outbox) -> None:
    async with database.transaction() as tx:
        await outbox.add(tx, [converted(outbox)])
        outbox.command(tx, [converted(outbox)])
        raise ZeroDivisionError


async def rows(database: Database, table: str) -> int:
    async with database.transaction() as tx:
        return int(await tx.scalar(text(f"SELECT count(*) FROM messaging.{table}")))


async def letters(database: Database, **options: Any) -> list[dead.DeadLetter]:
    async with database.transaction() as tx:
        return await dead.list_dead(tx, **options)


class TestDelivery:
    async def test_a_committed_event_is_handled_once(self, bus: Bus, databases: Databases) -> None:
        """Added in a transaction, it reaches its consumer after the commit; the row then ends."""
        worker = databases.worker
        outbox = Outbox("intake", bus, worker, republish_after=AT_ONCE)
        handle = Recorder()
        async with running(outbox.relay, consumer(bus, worker, handle)):
            ids = await committed(worker, outbox, 50)
            await until(lambda: len(handle.seen) >= 50)
            assert sorted(handle.seen) == sorted(ids)
            assert await rows(worker, "inbox") == 50
            await outbox.sweeper.run_once()
        assert await rows(worker, "outbox") == 0

    async def test_a_key_can_add_events_of_its_tenant(self, bus: Bus, databases: Databases) -> None:
        """A request's own transaction, under row-level security, carries its events."""
        outbox = Outbox("intake", bus, databases.worker)
        handle = Recorder()
        async with running(outbox.relay, consumer(bus, databases.worker, handle)):
            message = converted(outbox)
            async with databases.api.transaction(tenant=TENANT) as tx:
                await outbox.add(tx, [message])
            await until(lambda: handle.seen == [message.id])

    async def test_what_is_rolled_back_is_never_published(
        self, bus: Bus, databases: Databases
    ) -> None:
        """No row, no message: neither events nor commands of a failed transaction leave."""
        worker = databases.worker
        outbox = Outbox("intake", bus, worker)
        handle = Recorder()
        async with running(outbox.relay, consumer(bus, worker, handle)):
            with pytest.raises(ZeroDivisionError):
                await _fail_after_adding(worker, outbox)
            (kept,) = await committed(worker, outbox, 1)
            await until(lambda: handle.seen)
        assert handle.seen == [kept]
        assert outbox.relay.pending == 0

    async def test_repeated_messages_are_handled_once(self, bus: Bus, databases: Databases) -> None:
        """The same message in one batch and in several is one message."""
        outbox = Outbox("intake", bus, databases.worker)
        handle = Recorder()
        message, last = converted(outbox), converted(outbox)
        reading = consumer(bus, databases.worker, handle)
        async with running(reading), asyncio.timeout(60):
            await bus.publish([wire(message)] * 5)
            await bus.publish([wire(message)] * 5)
            await bus.publish([wire(last)])
            await until(lambda: reading.counts["handled"] + reading.counts["repeated"] >= 11)
        assert sorted(handle.seen) == sorted([message.id, last.id])

    async def test_two_consumers_handle_each_message_once(
        self, bus: Bus, databases: Databases
    ) -> None:
        """Replicas that get the same messages at once do not both handle them."""
        outbox = Outbox("intake", bus, databases.worker)
        handle = Recorder()
        messages = [converted(outbox) for _ in range(100)]
        readers = [consumer(bus, databases.worker, handle, most=10) for _ in range(2)]
        async with running(*readers), asyncio.timeout(60):
            await bus.publish([wire(message) for message in messages + messages[::-1]])
            await until(
                lambda: sum(r.counts["handled"] + r.counts["repeated"] for r in readers) >= 200
            )
        assert sorted(handle.seen) == sorted(message.id for message in messages)

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"\xff\xfe", "not JSON"),
            (b"[]", "no JSON object"),
            (b'{"type": "followup.lead.converted.v9"}', "/type"),
            (b'{"type": "followup.lead.converted.v1"}', "/id"),
        ],
    )
    async def test_an_unreadable_message_is_a_dead_letter(
        self, bus: Bus, databases: Databases, body: bytes, reason: str
    ) -> None:
        """It is kept with the reason, and the consumer goes on with the next."""
        outbox = Outbox("intake", bus, databases.worker)
        handle = Recorder()
        good = converted(outbox)
        bad = Outgoing(uuid4(), EVENTS, "lead.converted.v1", body)
        async with running(consumer(bus, databases.worker, handle)), asyncio.timeout(60):
            await bus.publish([bad, wire(good)])
            await until(lambda: handle.seen == [good.id])
            (letter,) = await until(lambda: letters(databases.worker))
        assert reason in letter.error
        assert letter.body == body
        assert (letter.consumer, letter.queue, letter.state) == ("scheduler", QUEUE, "open")

    async def test_an_unreadable_message_keeps_its_id(self, bus: Bus, databases: Databases) -> None:
        """A version we do not know yet is one letter, however often it is published again."""
        outbox = Outbox("intake", bus, databases.worker)
        body = encode(converted(outbox)).replace(b"converted.v1", b"converted.v7")
        newer = Outgoing(uuid4(), EVENTS, "lead.converted.v1", body)
        reading = consumer(bus, databases.worker, Recorder())
        async with running(reading), asyncio.timeout(60):
            await bus.publish([newer])
            await bus.publish([newer])
            await until(lambda: reading.counts["dead"] == 2)
            (letter,) = await letters(databases.worker)
        assert letter.tenant_id == TENANT
        assert letter.message_id is not None

    async def test_an_oversized_message_is_a_dead_letter(
        self, bus: Bus, databases: Databases
    ) -> None:
        """Past the limit it is not even parsed; its beginning is kept."""
        big = Outgoing(uuid4(), EVENTS, "lead.converted.v1", b"x" * 300_000)
        async with running(consumer(bus, databases.worker, Recorder())), asyncio.timeout(60):
            await bus.publish([big])
            (letter,) = await until(lambda: letters(databases.worker))
        assert "300000 bytes" in letter.error
        assert len(letter.body) == 256 * 1024

    async def test_a_poison_message_is_a_dead_letter(self, bus: Bus, databases: Databases) -> None:
        """It fails its batch, then alone three times; its neighbours are handled once each."""
        worker = databases.worker
        outbox = Outbox("intake", bus, worker, republish_after=AT_ONCE)
        handle = Recorder()
        messages = [converted(outbox) for _ in range(9)]
        poison = messages[4]
        handle.poison = {poison.id}
        async with running(outbox.relay, consumer(bus, worker, handle)):
            async with worker.transaction() as tx:
                await outbox.add(tx, messages)
            (letter,) = await until(lambda: letters(worker))
            await until(lambda: len(handle.seen) == 8)
            await outbox.sweeper.run_once()
        assert sorted(handle.seen) == sorted(m.id for m in messages if m is not poison)
        assert (letter.message_id, letter.tenant_id) == (poison.id, TENANT)
        assert letter.error.startswith("ValueError: it cannot be (")
        # A letter is an answer: the outbox waits no longer.
        assert await rows(worker, "outbox") == 0

    async def test_a_database_error_does_not_quote_the_row(
        self, bus: Bus, databases: Databases
    ) -> None:
        """The letter names the failure without the values that stood in the statement."""
        outbox = Outbox("intake", bus, databases.worker)

        async def failing(tx: Transaction, _messages: Sequence[Message]) -> None:
            await tx.run(text("SELECT 1 / (CAST(:secret AS text) = 'x')::int"), secret="+15550100")

        async with running(consumer(bus, databases.worker, failing)), asyncio.timeout(60):
            await bus.publish([wire(converted(outbox))])
            (letter,) = await until(lambda: letters(databases.worker))
        assert "DivisionByZero" in letter.error
        assert "5550100" not in letter.error

    async def test_a_deadlock_is_not_the_message_s_fault(
        self, bus: Bus, databases: Databases
    ) -> None:
        """Failures that another transaction caused do not use up a message's three tries."""
        outbox = Outbox("intake", bus, databases.worker)
        message, seen = converted(outbox), []
        deadlock = Exception()
        deadlock.sqlstate = "40P01"  # type: ignore[attr-defined] # as the driver sets it
        failures = [OperationalError("", {}, deadlock) for _ in range(4)]

        async def handle(_tx: Transaction, messages: Sequence[Message]) -> None:
            if failures:
                raise failures.pop()
            seen.extend(message.id for message in messages)

        async with running(consumer(bus, databases.worker, handle)), asyncio.timeout(60):
            await bus.publish([wire(message)])
            await until(lambda: seen)
        assert seen == [message.id]
        assert await letters(databases.worker) == []

    async def test_a_replayed_letter_is_handled(self, bus: Bus, databases: Databases) -> None:
        """Once the cause is gone a replay reaches the consumer, and the letter is closed."""
        worker = databases.worker
        outbox = Outbox("intake", bus, worker, republish_after=AT_ONCE)
        handle = Recorder()
        message = converted(outbox)
        handle.poison = {message.id}
        async with running(outbox.relay, consumer(bus, worker, handle)):
            async with worker.transaction() as tx:
                await outbox.add(tx, [message])
            (letter,) = await until(lambda: letters(worker))
            await outbox.sweeper.run_once()
            handle.poison.clear()
            async with worker.transaction() as tx:
                done = await dead.replay(tx, [letter.id, uuid4()])
            assert done.replayed == (letter.id,)
            assert len(done.refused) == 1
            await outbox.sweeper.run_once()
            await until(lambda: handle.seen == [message.id])
            await outbox.sweeper.run_once()
            assert await rows(worker, "outbox") == 0
        async with worker.transaction() as tx:
            shown = await dead.show(tx, letter.id)
        assert shown is not None
        assert shown.state == "replayed"

    async def test_what_was_never_published_is_published_again(
        self, bus: Bus, databases: Databases
    ) -> None:
        """A process that died between commit and publish: another one's sweeper takes over."""
        worker = databases.worker
        died = Outbox("intake", bus, worker, republish_after=AT_ONCE)
        ids = await committed(worker, died, 3)  # its relay never runs
        alive = Outbox("scheduler", bus, worker, republish_after=AT_ONCE)
        handle = Recorder()
        async with running(alive.relay, consumer(bus, worker, handle)):
            assert (await alive.sweeper.run_once()).worked == 3
            await until(lambda: sorted(handle.seen) == sorted(ids))
            await alive.sweeper.run_once()
        assert await rows(worker, "outbox") == 0

    async def test_rows_are_left_alone_until_their_time(
        self, bus: Bus, databases: Databases
    ) -> None:
        """Business time that jumps does not republish: age is machine time."""
        outbox = Outbox("intake", bus, databases.worker)
        await committed(databases.worker, outbox, 2)
        assert (await outbox.sweeper.run_once()).worked == 0
        assert await rows(databases.worker, "outbox") == 2

    async def test_an_event_stays_until_every_service_has_handled_it(
        self, bus: Bus, databases: Databases
    ) -> None:
        """One of two readers is not enough."""
        worker = databases.worker
        outbox = Outbox("dispatcher", bus, worker, republish_after=AT_ONCE)
        ids = [uuid4(), uuid4()]
        async with worker.transaction() as tx:
            await tx.run(
                text("""
                INSERT INTO messaging.outbox
                  (id, tenant_id, type, exchange, routing_key, consumers, body, next_at)
                SELECT id, :t, 'x', '', 'none', ARRAY['scheduler', 'replies'], '', '2020-01-01'
                  FROM unnest(CAST(:ids AS uuid[])) AS m(id)"""),
                t=TENANT,
                ids=ids,
            )
            await tx.run(
                text("""
                INSERT INTO messaging.inbox (message_id, consumer, tenant_id)
                VALUES (:a, 'scheduler', :t), (:b, 'scheduler', :t), (:b, 'replies', :t)"""),
                a=ids[0],
                b=ids[1],
                t=TENANT,
            )
        assert (await outbox.sweeper.run_once()).worked == 2
        async with worker.transaction() as tx:
            assert await tx.scalar(text("SELECT id FROM messaging.outbox")) == ids[0]

    async def test_an_event_nobody_of_ours_reads_ends_with_its_confirmation(
        self, bus: Bus, databases: Databases
    ) -> None:
        """Published for whoever listens; its row is deleted at once."""
        worker = databases.worker
        outbox = Outbox("scheduler", bus, worker)
        data = LeadHandedOff.model_construct()
        message = outbox.message(data, tenant_id=TENANT, subject="x", time=NOW)
        async with running(outbox.relay):
            async with worker.transaction() as tx:
                await outbox.add(tx, [message])
            await until(lambda: outbox.relay.counts["confirmed"] == 1)
            await until(lambda: outbox.relay.pending == 0)
        assert await rows(worker, "outbox") == 0

    async def test_a_command_leaves_no_row(self, bus: Bus, databases: Databases) -> None:
        """It is published after the commit and that is all."""
        outbox = Outbox("scheduler", bus, databases.worker)
        command = outbox.message(touch(), tenant_id=TENANT, subject="x", time=NOW)
        async with (
            running(outbox.relay),
            bus.subscribe("dispatcher.sms.now", prefetch=1) as subscription,
        ):
            async with databases.worker.transaction() as tx:
                outbox.command(tx, [command])
            async with asyncio.timeout(60):
                (delivery,) = await subscription.take(most=1, linger=0)
                await subscription.settle([delivery])
            await until(lambda: outbox.relay.pending == 0)
        assert delivery.body == encode(command)
        assert await rows(databases.worker, "outbox") == 0

    async def test_a_database_outage_pauses_and_loses_nothing(
        self, bus: Bus, databases: Databases, database_url: str
    ) -> None:
        """While it lasts nothing is a dead letter; afterwards everything is handled once."""
        outbox = Outbox("intake", bus, databases.worker)
        handle = Recorder()
        async with TcpProxy(server_address(database_url)) as proxy:
            url = through(database_url, proxy.host, proxy.port)
            shaky = Database(url, role=Role.WORKER, pool_size=2)
            reading = consumer(bus, shaky, handle)
            async with running(outbox.relay, reading):
                before = await committed(databases.worker, outbox, 5)
                await until(lambda: len(handle.seen) == 5)
                await proxy.cut()
                during = await committed(databases.worker, outbox, 20)
                await until(lambda: reading.counts["pauses"] >= 1)
                proxy.mend()
                await until(lambda: len(handle.seen) >= 25)
            await shaky.close()
        assert sorted(handle.seen) == sorted(before + during)
        assert await letters(databases.worker) == []

    async def test_a_link_cut_in_mid_batch_repeats_the_batch(
        self, bus: Bus, databases: Databases, database_url: str
    ) -> None:
        """The transaction came to nothing, so its messages are handled again, in full."""
        outbox = Outbox("intake", bus, databases.worker)
        handle = Recorder()
        handle.gate.clear()
        async with TcpProxy(server_address(database_url)) as proxy:
            shaky = Database(
                through(database_url, proxy.host, proxy.port), role=Role.WORKER, pool_size=2
            )
            async with running(outbox.relay, consumer(bus, shaky, handle)):
                ids = await committed(databases.worker, outbox, 5)
                await until(handle.entered.is_set)
                await proxy.drop()
                handle.gate.set()
                await until(lambda: len(handle.seen) >= 5)
            await shaky.close()
        assert sorted(handle.seen) == sorted(ids)
        assert await letters(databases.worker) == []

    async def test_a_drain_finishes_its_batch(self, bus: Bus, databases: Databases) -> None:
        """Told to stop in the middle it commits, settles and leaves; the rest comes to others."""
        outbox = Outbox("intake", bus, databases.worker)
        handle = Recorder()
        handle.gate.clear()
        reading = consumer(bus, databases.worker, handle, most=4, prefetch=4)
        stop = asyncio.Event()
        relaying = asyncio.create_task(outbox.relay.run(stop))
        draining = asyncio.Event()
        task = asyncio.create_task(reading.run(draining))
        ids = await committed(databases.worker, outbox, 10)
        await until(handle.entered.is_set)
        draining.set()
        handle.gate.set()
        async with asyncio.timeout(60):
            await task
        first = list(handle.seen)
        assert 1 <= len(first) <= 4
        async with running(consumer(bus, databases.worker, handle)):
            await until(lambda: len(handle.seen) >= 10)
        stop.set()
        await relaying
        assert sorted(handle.seen) == sorted(ids)

    async def test_an_idle_consumer_stops_at_once(self, bus: Bus, databases: Databases) -> None:
        """Nothing arrives, and it still leaves when told to."""
        reading = consumer(bus, databases.worker, Recorder())
        stop = asyncio.Event()
        task = asyncio.create_task(reading.run(stop))
        await asyncio.wait([task], timeout=0.1)
        stop.set()
        async with asyncio.timeout(5):
            await task

    async def test_a_publish_that_fails_is_tried_again(
        self, bus: Bus, databases: Databases
    ) -> None:
        """A bus that is away when the commit happens costs its absence, not the sweep's 30 s."""
        outbox = Outbox("intake", bus, databases.worker)
        handle = Recorder()
        await bus.close()
        async with running(outbox.relay):
            (id_,) = await committed(databases.worker, outbox, 1)
            await until(lambda: outbox.relay.counts[Fate.FAILED.value] >= 1)
            await bus.connect()
            async with running(consumer(bus, databases.worker, handle)):
                await until(lambda: handle.seen == [id_])


def touch() -> SendTouch:
    return SendTouch(
        touch_id=new_id(),
        enrollment_id=new_id(),
        lead_id=new_id(),
        person_id=new_id(),
        channel="sms",
        lane="now",
        round=1,
        epoch=0,
        sequence="new-lead",
        version=1,
        step="first",
        contact_round="1",
        template="0" * 64,
        due_at=NOW,
    )


def test_the_events_used_here_have_the_readers_assumed() -> None:
    """The consumer under test is the only reader of its events."""
    assert CONSUMERS[LeadConverted.type_name] == {"scheduler"}
    assert CONSUMERS[LeadUpdated.type_name] == {"scheduler"}
    assert LeadHandedOff.type_name not in CONSUMERS
