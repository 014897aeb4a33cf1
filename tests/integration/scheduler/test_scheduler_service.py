import asyncio
from contextlib import asynccontextmanager

from followup_contracts import decode
from followup_messaging.inprocess import InProcessBus
from followup_runtime.metrics import Metrics
from followup_runtime.settings import Settings
from followup_scheduler.wiring import build

SETTINGS = Settings(suppression_key="made-up key of the tests", secret_keys=("A" * 43 + "=",))


@asynccontextmanager
async def _running(desk):
    """The whole service, with every consumer and loop, until the block ends."""
    bus = InProcessBus()
    await bus.connect()
    service = build(SETTINGS, bus=bus, databases=desk.databases, metrics=Metrics())
    stop, finish = asyncio.Event(), asyncio.Event()
    runners = [asyncio.create_task(runner.run(stop)) for runner in service.runners]
    finishers = [asyncio.create_task(runner.run(finish)) for runner in service.finishers]
    try:
        yield bus, service
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*runners), 60)
        finish.set()
        await bus.close()
        await asyncio.wait_for(asyncio.gather(*finishers), 60)


async def test_from_lead_to_command_and_on_through_the_queues(desk, say):
    """A captured lead becomes a command; the answer to it is taken in."""
    async with _running(desk) as (bus, service):
        assert await service.ready() is None
        lead = await desk.lead()
        async with bus.subscribe("dispatcher.sms.now", prefetch=10) as commands:
            await desk.publish(bus, say.captured(lead))
            (delivery,) = await asyncio.wait_for(commands.take(most=1, linger=0), 60)
            await commands.settle([delivery])
        command = decode(delivery.body).data
        assert command.lead_id == lead.lead_id
        touch = await desk.touch(command.enrollment_id, "sms")
        await desk.publish(bus, say.failed(touch, at=desk.clock()))
        assert (await desk.touch(command.enrollment_id, "sms"))["state"] == "failed"


async def test_a_running_timer_loop_carries_out_what_comes_due(desk):
    """Without anybody calling it."""
    _, run = await desk.enrolled()
    mail = await desk.touch(run, "email")
    async with (
        _running(desk) as (bus, _),
        bus.subscribe("dispatcher.email.now", prefetch=10) as commands,
    ):
        desk.clock.jump(mail["due_at"])
        (delivery,) = await asyncio.wait_for(commands.take(most=1, linger=0), 60)
        await commands.settle([delivery])
    assert decode(delivery.body).data.touch_id == mail["id"]
