from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import aio_pika
import httpx
import pytest

from followup_client import (
    AsyncFollowup,
    Invalid,
    LeadPublisher,
    LineRefused,
    LineTaken,
    NotConfirmed,
    NotFound,
    Patience,
    Sender,
    asking,
    enrollments,
    leads,
    replies,
    sequences,
    tasks,
)
from followup_client.leads import NewLead
from followup_contracts import decode
from followup_directory import create_key, put_account
from followup_embedded.house import Embedded
from followup_messaging.rabbitmq import RabbitBus
from followup_runtime.settings import Settings
from followup_testkit.clocks import START, MovableClock

ANA = NewLead(
    name="Ana Silva",
    phone="+1 212 555 0123",
    email="ana@example.com",
    country="US",
    postal_code="10001",
    source="web_form",
    consent="yes",
    external_id="crm-1",
)


@dataclass
class Home:
    """A house without its loops, and a client of its default tenant."""

    house: Embedded
    followup: AsyncFollowup


@pytest.fixture
async def home(database_url: str, clock: MovableClock) -> AsyncIterator[Home]:
    async with Embedded(Settings(database_url=database_url), clock=clock) as house:
        async with house.databases.worker.transaction() as tx:
            key = (await create_key(tx, house.tenant.id, "k")).token
            for channel, sender in (("sms", "+12025550100"), ("email", "a@example.com")):
                await put_account(
                    tx,
                    house.tenant.id,
                    channel=channel,
                    provider="sandbox",
                    name="sandbox",
                    settings={"from": sender},
                )
        transport = httpx.ASGITransport(house.app)
        async with AsyncFollowup("http://home", key=key, transport=transport) as followup:
            yield Home(house, followup)


async def test_a_product_can_do_its_day_with_the_client(home):
    """Every answer the services give is read: leads, runs, tasks, agenda, words, lists."""
    send = home.followup.send
    async with home.house.running():
        taken = await send(leads.post(ANA))
        assert not taken.repeated
        assert (await send(leads.post(ANA))).lead_id == taken.lead_id
        assert await home.house.settled(within=60)
    lead_id = taken.lead_id

    lead = await send(leads.get(lead_id))
    assert lead.person is not None
    assert lead.person.phones[0].address == "+12125550123"
    changes = leads.LeadChanges(need="a roof", person=leads.PersonChanges(city="Albany"))
    changed = await send(leads.change(lead_id, changes))
    assert (changed.need, changed.person.city) == ("a roof", "Albany")

    told = [each async for each in home.followup.each(enrollments.timeline(lead_id, limit=1))]
    run_id = next(each.enrollment_id for each in told if each.enrollment_id is not None)
    run = await send(enrollments.get(run_id))
    assert run.touches
    again = await send(enrollments.enroll(lead_id, run.sequence))
    assert again.id == run_id
    assert (await send(enrollments.pause(run_id))).state == "paused"
    assert (await send(enrollments.resume(run_id))).id == run_id
    assert (await send(enrollments.halt(run_id, reason="sold"))).end_reason is not None

    due = START.astimezone(UTC) + timedelta(hours=1)
    for title in ("Call", "Write"):
        await send(tasks.add(tasks.NewTask(lead_id=lead_id, title=title, due_at=due)))
    wanted = tasks.TaskFilter(lead_id=lead_id, kind="follow_up", limit=1)
    first, second = [each async for each in home.followup.each(tasks.find(wanted))]
    assert (await send(tasks.assign(first.id, tasks.Assignment(assignee="bo")))).assignee == "bo"
    later = due + timedelta(hours=1)
    assert (await send(tasks.snooze(first.id, tasks.Snooze(until=later)))).due_at == later
    done = await send(tasks.complete(second.id, tasks.Completion(outcome="reached", note="ok")))
    assert (done.state, done.note) == ("done", "ok")
    agenda = await send(tasks.agenda(tasks.AgendaFilter(show="tasks")))
    assert first.id in {item.task.id for item in agenda.items if item.task is not None}

    kept = await send(leads.tell(lead_id, leads.LeadEvent(kind="lead.converted")))
    assert kept.lead_id == lead_id
    assert [said.direction async for said in home.followup.each(replies.conversation(lead_id))]


async def test_sequences_are_written_checked_and_published_with_the_client(home):
    """A copy of a library's document goes through every route of sequences."""
    send = home.followup.send
    found = await send(sequences.get("d1"))
    assert (await send(sequences.lint("d1", found.source))).valid
    stored = await send(sequences.write("d1", found.source + "\n# ours\n"))
    assert stored.version is not None
    published = await send(sequences.publish("d1", stored.version))
    assert published.state == "published"
    assert await send(sequences.simulate("d1"))
    with pytest.raises(Invalid) as refusal:
        await send(sequences.write("d1", "key: other"))
    assert refusal.value.faults


async def test_lists_batches_and_files_go_through_the_client(home):
    """Bulk: what is taken and what is refused, line by line; who must not be reached."""
    send = home.followup.send
    several = [ANA, NewLead(name="Nobody"), NewLead(email="bo@example.com", external_id="crm-2")]
    answers = [each async for each in home.followup.batch(several)]
    assert [type(each) for each in answers] == [LineTaken, LineRefused, LineTaken]
    assert answers[1].faults
    report = await send(leads.import_file(b"Ruf\n+12125550177\n", columns={"Ruf": "phone"}))
    assert (report.rows, report.accepted) == (1, 1)

    entry = replies.Suppression(address="bo@example.com")
    assert (await send(replies.suppress(entry))).channel == "all"
    others = [replies.Suppression(address=f"x{n}@example.com") for n in range(3)]
    assert (await send(replies.suppress_all(others))).listed == 3
    assert len([each async for each in home.followup.each(replies.suppressions(limit=2))]) == 4
    assert (await send(replies.lift(entry))).lifted

    begun = await send(leads.erase(answers[0].lead_id))
    assert (await send(leads.erasure(begun.erasure_id))).state in ("running", "done")
    with pytest.raises(NotFound):
        await send(leads.get(UUID(int=0)))


async def test_a_publisher_learns_which_of_its_leads_are_committed(home):
    """Leads are found by their external ids, those of one's own tenant only, in the order asked."""
    await home.followup.send(leads.post(ANA))
    assert await asking(home.followup)(["crm-1", "crm-2"]) == {"crm-1"}
    page = await home.followup.send(leads.named(["nothing", "crm-1", "crm-1"]))
    assert [lead.external_id for lead in page.items] == ["crm-1"]
    assert page.items[0].person is None


async def test_a_lead_is_confirmed_by_a_real_broker_once_a_queue_holds_it(amqp_url):
    """Without Followup's exchange nothing is confirmed; with it the letter waits for intake."""
    sender = Sender(UUID(int=9), "acme/crm")
    patience = Patience(tries=2, pause=0.01)
    async with LeadPublisher(amqp_url, sender=sender, patience=patience) as publisher:
        letter = publisher.lead(ANA)
        with pytest.raises(NotConfirmed):
            await publisher.publish(letter)
        bus = RabbitBus(amqp_url)
        await bus.connect()
        await bus.close()
        await publisher.publish(letter)
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue("intake.ingress", ensure=False)
        found = await queue.get(no_ack=True, timeout=10)
        assert found.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
        message = decode(found.body)
    assert (message.id, message.subject) == (letter.id, "crm-1")
    assert message.time <= datetime.now(UTC)
