"""What the gauges say of rows that are there."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from followup_database import new_id
from followup_directory import Vault
from followup_directory.vault import new_secret_key
from followup_dispatcher.accounts import Accounts
from followup_dispatcher.watch import Watch as DispatcherWatch
from followup_messaging import dead
from followup_messaging.rabbitmq import RabbitBus
from followup_messaging.watch import MessagingWatch, QueueWatch
from followup_replies.figures import Figures
from followup_replies.loops import HoldWatch
from followup_runtime.metrics import Metrics
from followup_scheduler.watch import Watch as SchedulerWatch
from followup_suppression import place_hold

TIMER = """INSERT INTO scheduler.timers (target, tenant_id, lane, kind, channel, due_at)
VALUES (:id, :id, :lane, :kind, :channel, CAST(:now AS timestamptz) - CAST(:ago AS interval))"""
TOUCH = """INSERT INTO scheduler.touches
  (id, tenant_id, enrollment_id, lead_id, person_id, sequence, version, step, occurrence, channel,
   state, round, epoch, lane, content, template, contact_round, transactional, outstanding,
   commanded_at, trace)
VALUES (:id, :id, :id, :id, :id, 's', 1, 'only', 0, 'sms', :state, 1, 0, 'now', 'c', 't', 'r',
   false, true, clock_timestamp() - CAST(:ago AS interval), '[]')"""
ATTEMPT = """INSERT INTO dispatcher.attempts
  (touch_id, number, id, tenant_id, enrollment_id, lead_id, person_id, channel, lane, round,
   epoch, step, contact_round, state, account_id, provider, sender, template, claimed_at,
   answered_on, ask_on)
VALUES (:id, 1, :id, :id, :id, :id, :id, 'sms', 'now', 1, 0, 's', 'r', :state, :id, 'p', 's', 't',
   clock_timestamp(), clock_timestamp() - CAST(:ago AS interval), clock_timestamp())"""
OUTBOX = """INSERT INTO messaging.outbox
  (id, tenant_id, type, exchange, routing_key, consumers, body, created_at)
VALUES (:id, :id, 't', '', 'k', '{scheduler}', '', clock_timestamp() - CAST(:ago AS interval))"""


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def figure(metrics):
    """A sample's value."""

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"followup_{name}", labels)

    return value


async def put(databases, statement: str, **params) -> None:
    async with databases.worker.transaction() as tx:
        if ":now" in statement:
            params["now"] = tx.now
        await tx.run(text(statement), id=new_id(), **params)


async def test_overdue_timers_by_what_they_wait_for(databases, metrics, figure):
    """A campaign's backlog, a late touch and a wake in time are three different things."""
    watch = SchedulerWatch(databases.worker, metrics, unanswered=timedelta(seconds=60))
    await watch.run_once()
    assert figure("scheduler_timers_overdue", lane="now", waits="own") == 0
    for lane, kind, channel, ago in (
        (0, "touch", None, 90),
        (0, "touch", None, 30),
        (0, "touch", None, -3600),
        (1, "touch", "sms", 7200),
        (1, "wake", None, 5),
    ):
        await put(
            databases, TIMER, lane=lane, kind=kind, channel=channel, ago=timedelta(seconds=ago)
        )
    await watch.run_once()
    assert figure("scheduler_timers_overdue", lane="now", waits="own") == 1
    assert figure("scheduler_oldest_timer_overdue_seconds", lane="now", waits="own") == (
        pytest.approx(90, abs=20)
    )
    assert figure("scheduler_timers_overdue", lane="later", waits="window") == 1
    assert figure("scheduler_timers_overdue", lane="later", waits="wake") == 0
    assert figure("scheduler_oldest_timer_overdue_seconds", lane="later", waits="wake") < 60
    assert figure("scheduler_oldest_timer_overdue_seconds", lane="now", waits="wake") == 0


async def test_the_reconciler_is_late_when_it_should_have_asked_again(databases, metrics, figure):
    """From the minute on in which an answer may come; what is answered does not count."""
    watch = SchedulerWatch(databases.worker, metrics, unanswered=timedelta(seconds=60))
    await put(databases, TOUCH, state="commanded", ago=timedelta(seconds=50))
    await put(databases, TOUCH, state="sent", ago=timedelta(hours=1))
    await watch.run_once()
    assert figure("scheduler_reconciler_lateness_seconds") == 0
    await put(databases, TOUCH, state="commanded", ago=timedelta(seconds=600))
    await watch.run_once()
    assert figure("scheduler_reconciler_lateness_seconds") == pytest.approx(540, abs=20)


async def test_unhandled_events_and_open_letters(databases, metrics, figure):
    """Counted, and aged by machine time; a letter that was dropped is nobody's any more."""
    watch = MessagingWatch(databases.worker, metrics)
    await watch.run_once()
    assert (figure("outbox_rows"), figure("outbox_oldest_seconds")) == (0, 0)
    assert figure("dead_letters", consumer="intake") == 0
    await put(databases, OUTBOX, ago=timedelta(seconds=400))
    await put(databases, OUTBOX, ago=timedelta(seconds=1))
    async with databases.worker.transaction() as tx:
        letters = [
            dead.Burial("intake", "intake.ingress", "key", b"raw", "why", message_id=uuid4())
            for _ in range(3)
        ]
        await dead.bury(tx, letters)
        first = (await dead.list_dead(tx))[0]
        await dead.drop(tx, [first.id])
        await tx.run(text("UPDATE messaging.dead SET at = at - interval '1 hour'"))
    await watch.run_once()
    assert figure("outbox_rows") == 2
    assert figure("outbox_oldest_seconds") == pytest.approx(400, abs=20)
    assert figure("dead_letters", consumer="intake") == 2
    assert figure("dead_letters_oldest_seconds", consumer="intake") == pytest.approx(3600, abs=20)
    assert figure("dead_letters", consumer="scheduler") == 0


async def test_unknown_attempts_by_age(databases, metrics, figure):
    """Only those nobody has settled."""
    accounts = Accounts({}, Vault([new_secret_key()]))
    watch = DispatcherWatch(databases.worker, metrics, accounts=accounts, vendors={})
    await put(databases, ATTEMPT, state="accepted", ago=timedelta(days=1))
    await watch.run_once()
    assert (figure("attempts_unknown"), figure("attempts_oldest_unknown_seconds")) == (0, 0)
    await put(databases, ATTEMPT, state="unknown", ago=timedelta(hours=1))
    await put(databases, ATTEMPT, state="unknown", ago=timedelta(minutes=1))
    await watch.run_once()
    assert figure("attempts_unknown") == 2
    assert figure("attempts_oldest_unknown_seconds") == pytest.approx(3600, abs=20)


async def test_holds_by_number_and_age(databases, metrics, figure):
    """A hold nobody has decided on yet; after a minute it counts as late."""
    watch = HoldWatch(databases.worker, Figures(metrics))
    await watch.run_once()
    assert (figure("replies_holds"), figure("replies_oldest_hold_seconds")) == (0, 0)
    async with databases.worker.transaction() as tx:
        await place_hold(tx, new_id(), new_id(), new_id())
        await tx.run(text("UPDATE suppression.holds SET placed_on = placed_on - interval '1 hour'"))
        await place_hold(tx, new_id(), new_id(), new_id())
    await watch.run_once()
    assert (figure("replies_holds"), figure("replies_holds_late")) == (2, 1)
    assert figure("replies_oldest_hold_seconds") == pytest.approx(3600, abs=20)


async def test_the_broker_is_away(metrics, figure):
    """Said at once, and the watch goes on looking."""
    bus = RabbitBus("amqp://127.0.0.1:1/")
    watch = QueueWatch("scheduler", bus, metrics)
    tick = await watch.run_once()
    assert figure("broker_connected") == 0
    assert tick.again_in > 0


async def test_queues_of_a_service(bus, metrics, figure):
    """Its own queues, each by name."""
    watch = QueueWatch("replies", bus, metrics)
    await watch.run_once()
    assert figure("broker_connected") == 1
    assert figure("queue_messages", queue="replies.sent") == 0
    assert figure("queue_messages", queue="scheduler.touches") is None
