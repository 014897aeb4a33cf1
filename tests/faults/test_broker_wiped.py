import asyncio

import aio_pika

from followup_testkit.waiting import until


async def test_a_lead_survives_a_broker_wiped_before_anybody_read_it(fleet, stub, own_rabbit):
    """`lead.captured` was confirmed and is gone with the broker: it is published again."""
    await asyncio.gather(
        fleet.start("intake", hurried=True), fleet.start("scheduler"), fleet.start("dispatcher")
    )
    await fleet.publish_sequence()
    assert await fleet.terminate("scheduler") == 0

    lead_id = await fleet.post_lead()
    await until(lambda: _waiting(own_rabbit.url), what="the broker has the message")
    await asyncio.to_thread(own_rabbit.wipe)
    (outbox,) = await fleet.rows("SELECT type FROM messaging.outbox")
    assert outbox["type"] == "followup.lead.captured.v1"
    await fleet.start("scheduler")

    (request,) = await stub.requests(1, within=60)
    assert request.body.startswith("Hi Robin, thank you for asking about a new roof.")
    (enrollment,) = await fleet.rows("SELECT lead_id FROM scheduler.enrollments")
    assert enrollment["lead_id"] == lead_id

    async def sent() -> bool:
        (touch,) = await fleet.rows("SELECT state FROM scheduler.touches")
        return touch["state"] == "sent"

    await until(sent, what="the touch is known as sent")
    assert len(stub.ledger.requests) == 1


async def _waiting(url: str) -> int:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("scheduler.leads.now", passive=True)
        return queue.declaration_result.message_count or 0
