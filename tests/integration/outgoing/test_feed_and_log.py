"""From the outbox to the log: each event once, numbered without gaps, kept so long."""

import asyncio

from receiver import Told
from sqlalchemy import text

from followup_contracts.events import LeadUpdated
from followup_database import new_id
from followup_directory import create_key
from followup_intake.outgoing.log import events_after
from followup_messaging import feed
from followup_messaging.inprocess import InProcessBus
from followup_messaging.outbox import Outbox
from followup_testkit.clocks import START


async def test_only_a_followed_tenant_s_events_are_kept(house):
    """Nobody pays for a log that nobody reads."""
    await house.lead(1)
    assert await house.rows("SELECT FROM messaging.feed") == []
    await house.ask("GET", "/v1/events")
    await house.lead(2)
    other = {"first_name": "Bo", "phone": "(212) 555-0177", "country": "US"}
    await house.ask("POST", "/v1/leads", json=other, token=house.other_token)
    assert len(await house.rows("SELECT FROM messaging.feed")) == 1
    await house.replicas[0].distribute()
    assert await house.rows("SELECT FROM messaging.feed") == []
    (event,) = (await house.ask("GET", "/v1/events")).json()["items"]
    assert event["type"] == "followup.lead.captured.v1"


async def test_what_came_to_nothing_is_told_to_nobody(house):
    """An event of a transaction that was rolled back is in no feed."""
    outbox = Outbox("intake", InProcessBus(), house.databases.worker)
    payload = LeadUpdated(lead_id=new_id(), person_id=new_id(), changed=("need",), at=START)
    message = outbox.message(payload, tenant_id=house.tenant.id, subject="x", time=START)
    async with house.databases.worker.transaction() as tx:
        await feed.follow(tx, house.tenant.id)
    try:
        async with house.databases.worker.transaction() as tx:
            await outbox.add(tx, [message])
            raise LookupError("changed its mind")
    except LookupError:
        pass
    assert await house.rows("SELECT FROM messaging.feed") == []


async def test_numbers_have_no_gaps_and_appear_in_order(house):
    """Whatever is committed when, and whoever numbers: a reader never sees a later one first."""
    await house.another()
    await house.ask("GET", "/v1/events")
    outbox = Outbox("intake", InProcessBus(), house.databases.worker)
    done = asyncio.Event()
    seen: list[int] = []

    async def write(many: int) -> None:
        for number in range(many):
            payloads = [
                LeadUpdated(lead_id=new_id(), person_id=new_id(), changed=(str(number),), at=START)
                for _ in range(3)
            ]
            messages = [
                outbox.message(each, tenant_id=house.tenant.id, subject="x", time=START)
                for each in payloads
            ]
            async with house.databases.worker.transaction() as tx:
                await outbox.add(tx, messages)

    async def distribute(replica: int) -> None:
        while not done.is_set():
            await house.replicas[replica].loop("intake:distribution").run_once()

    async def read() -> None:
        while not done.is_set():
            async with house.databases.worker.transaction() as tx:
                after = seen[-1] if seen else 0
                found = await events_after(tx, house.tenant.id, after, most=1000)
            seen.extend(each.sequence or 0 for each in found)

    beside = [asyncio.create_task(each) for each in (distribute(0), distribute(1), read())]
    await asyncio.gather(*(write(20) for _ in range(4)))
    done.set()
    await asyncio.gather(*beside)
    await house.replicas[0].distribute()
    async with house.databases.worker.transaction() as tx:
        whole = await events_after(tx, house.tenant.id, 0, most=1000)
    assert [each.sequence for each in whole] == list(range(1, 241))
    assert seen == list(range(1, len(seen) + 1))
    # What one transaction wrote together stands together, in its order.
    assert len({each.id for each in whole}) == 240


async def test_what_is_past_its_keeping_goes(house):
    """After thirty days deliveries, then events; numbers go on from where they were."""
    made = await house.endpoint()
    await house.lead(1)
    await house.deliver()
    sweep = house.replicas[0].loop("intake:outgoing_sweep")
    assert (await sweep.run_once()).worked == 0
    await house.run("UPDATE intake.deliveries SET created_on = now() - interval '31 days'")
    await house.run("UPDATE intake.events SET logged_on = now() - interval '32 days'")
    assert (await sweep.run_once()).worked == 2
    assert await house.rows("SELECT FROM intake.delivery_attempts") == []
    assert await house.deliveries(made) == []
    await house.lead(2)
    await house.deliver()
    (listed,) = await house.deliveries(made)
    assert listed["sequence"] == 2


async def test_what_waits_for_one_past_its_keeping_has_its_turn(house):
    """The first of a lead goes without having been delivered; those behind it are."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(500), Told(200)]
    lead = await house.lead()
    await house.change(lead, "a door")
    await house.deliver()
    states = [each["state"] for each in await house.deliveries(made)]
    assert states == ["pending", "waiting"]
    await house.run(
        "UPDATE intake.deliveries SET created_on = now() - interval '31 days'"
        " WHERE state = 'pending'"
    )
    await house.replicas[0].loop("intake:outgoing_sweep").run_once()
    await house.change(lead, "a wall")
    await house.deliver()
    left = await house.deliveries(made)
    assert [(each["sequence"], each["state"]) for each in left] == [
        (2, "delivered"),
        (3, "delivered"),
    ]


async def test_what_had_to_wait_for_long_is_tried_for_as_long_as_any(house):
    """Its days begin with its turn: one bad answer then does not end it."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(500)]
    lead = await house.lead()
    await house.change(lead, "a door")
    await house.deliver()
    await house.run("UPDATE intake.deliveries SET opened_on = now() - interval '73 hours'")
    await house.hurry()
    await house.deliver()
    states = [each["state"] for each in await house.deliveries(made)]
    assert states == ["failed", "pending"]


async def test_a_log_that_nobody_reads_ends(house):
    """A month after the last request for it, unless there is an endpoint."""
    await house.endpoint()
    await house.ask("GET", "/v1/events", token=house.other_token)
    await house.run("UPDATE messaging.followed SET asked_on = now() - interval '31 days'")
    await house.replicas[0].loop("intake:outgoing_sweep").run_once()
    (left,) = await house.rows("SELECT tenant_id FROM messaging.followed")
    assert left["tenant_id"] == house.tenant.id
    await house.ask("GET", "/v1/events", token=house.other_token)
    assert len(await house.rows("SELECT FROM messaging.followed")) == 2


async def test_the_watch_shows_how_late_events_are(house):
    """What waits to be numbered, what is due at endpoints that answer, who keeps failing."""
    replica = house.replicas[0]
    watch = replica.loop("intake:outgoing_watch")

    async def shown() -> dict[str, float]:
        await watch.run_once()
        lines = replica.metrics.exposition().decode().splitlines()
        return {
            name: float(value)
            for name, _, value in (line.partition(" ") for line in lines)
            if name.startswith(("followup_feed", "followup_webhook"))
        }

    made = await house.endpoint()
    await house.lead(1)
    await house.run("UPDATE messaging.feed SET at = now() - interval '100 seconds'")
    assert (await shown())["followup_feed_oldest_seconds"] >= 100
    await replica.distribute()
    assert (await shown())["followup_feed_oldest_seconds"] == 0
    late = "UPDATE intake.{} SET {} = now() - interval '200 seconds'"
    await house.run(late.format("deliveries", "due_on"))
    await house.run(late.format("endpoints", "work_on"))
    assert (await shown())["followup_webhook_oldest_due_seconds"] >= 200
    await house.run("UPDATE intake.endpoints SET failures = 9")
    figures = await shown()
    assert figures["followup_webhook_oldest_due_seconds"] == 0
    assert figures["followup_webhook_endpoints_failing"] == 1
    assert (await house.seen(made))["failures"] == 9


async def test_row_level_security_holds_for_every_table(house):
    """With another tenant's transaction nothing of the first is seen, changed or made."""
    await house.endpoint()
    await house.lead(1)
    await house.deliver()
    tables = ("streams", "events", "endpoints", "deliveries", "delivery_attempts")
    for table in tables:
        assert await house.rows(f"SELECT FROM intake.{table}"), table
        async with house.databases.api.transaction(tenant=house.other.id) as tx:
            assert await tx.all(text(f"SELECT FROM intake.{table}")) == []
            assert await tx.run(text(f"DELETE FROM intake.{table}")) == 0
    async with house.databases.api.transaction(tenant=house.other.id) as tx:
        assert await tx.all(text("SELECT FROM messaging.followed")) == []


async def test_a_key_without_leads_reads_ids_alone(house):
    """Records stand in an event for whoever may read leads."""
    async with house.databases.worker.transaction() as tx:
        key = await create_key(tx, house.tenant.id, "k", scopes=("events:read",))
    await house.ask("GET", "/v1/events")
    await house.lead(1)
    await house.replicas[0].distribute()
    (bare,) = (await house.ask("GET", "/v1/events", token=key.token)).json()["items"]
    (whole,) = (await house.ask("GET", "/v1/events")).json()["items"]
    assert bare["data"].keys() | {"lead", "person"} == whole["data"].keys()
    assert whole["data"]["lead"]["id"] == bare["data"]["lead_id"]
