"""An account that fails: how often it is called, and where its touches wait meanwhile."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from followup_contracts.envelope import encode
from followup_contracts.events import TouchDeferred, TouchSent, TouchUnknown
from followup_contracts.topology import COMMANDS
from followup_database import new_id
from followup_directory import create_tenant, put_account, put_templates, set_account_state
from followup_dispatcher.consumer import MOST, PATIENCE, STUCK, CommandConsumer
from followup_dispatcher.core.breaker import LIMIT, PAUSES
from followup_dispatcher.core.lease import LEASE
from followup_dispatcher.core.strain import PROOFS
from followup_dispatcher.core.troubles import PROOF
from followup_dispatcher.metrics import Metrics
from followup_dispatcher.providers.port import Accepted, NotBegun, RetryLater, Unknown
from followup_dispatcher.records import Report
from followup_messaging.inprocess import InProcessBus
from followup_messaging.port import Outgoing
from followup_testkit.waiting import until

BATCH = 12


@pytest.fixture
async def commands(dispatching):
    return [
        dispatching.command(await dispatching.lead(phone_e164=f"+1212556{n:04d}"))
        for n in range(LIMIT + 3 * BATCH)
    ]


async def shut(house, commands) -> None:
    """Let as many calls go unanswered as open the breaker."""

    async def silence(_call) -> Unknown:
        return Unknown("no answer")

    house.provider.answer = silence
    events = await house.send(*(commands.pop() for _ in range(LIMIT)))
    assert [type(event) for event in events] == [TouchUnknown] * LIMIT
    house.provider.calls.clear()


async def test_one_call_goes_on_trial_and_no_batch_with_it(dispatching, commands, ticking):
    """After its pause an account is let one call; when that one fails, again none."""
    await shut(dispatching, commands)
    ticking.now += PAUSES[0]

    first = await dispatching.desk.claim([commands.pop() for _ in range(BATCH)])
    second = await dispatching.desk.claim([commands.pop() for _ in range(BATCH)])
    dispatching.caller.begin(first.claimed + second.claimed)
    await dispatching.settled()

    assert len(dispatching.provider.calls) == 1
    assert len(first.postponed) == BATCH - 1
    third = await dispatching.desk.claim([commands.pop() for _ in range(BATCH)])
    assert (third.claimed, third.postponed) == ((), {})
    assert dispatching.capacity.taken == 0


async def test_a_trial_that_succeeds_lets_all_others_in(dispatching, commands, ticking):
    """The account answers again, so nothing is held back any more."""
    await shut(dispatching, commands)
    ticking.now += PAUSES[0]
    dispatching.provider.answer = None
    await dispatching.send(*(commands.pop() for _ in range(BATCH)))
    assert len(dispatching.provider.calls) == 1

    await dispatching.send(*(commands.pop() for _ in range(BATCH)))
    assert len(dispatching.provider.calls) == 1 + BATCH


async def test_a_trial_that_never_reached_the_account_is_tried_again(
    dispatching, commands, ticking
):
    """A lease that ran out on the way says nothing, and keeps nobody out."""
    await shut(dispatching, commands)
    ticking.now += PAUSES[0]
    answers = [NotBegun("no lease left", ours=True), Accepted("second")]

    async def late_once(_call) -> NotBegun | Accepted:
        return answers.pop(0)

    dispatching.provider.answer = late_once
    *_, sent = await dispatching.send(commands.pop())
    assert isinstance(sent, TouchSent)
    assert dispatching.accounts.state_of(dispatching.account.id) == "ok"


async def test_what_waits_for_an_account_keeps_its_place_in_the_window(dispatching, commands):
    """Deferred as by a rate, each for a moment of its own: the backlog stays where it is."""
    await shut(dispatching, commands)
    events = await dispatching.send(*(commands.pop() for _ in range(BATCH)))
    waiting = [event for event in events if isinstance(event, TouchDeferred)]
    assert {event.kind for event in waiting} == {"rate"}
    assert len({event.not_before for event in waiting}) > BATCH // 2
    soonest = dispatching.clock() + timedelta(seconds=PAUSES[0])
    assert all(event.not_before >= soonest for event in waiting)
    assert dispatching.provider.calls == []


async def test_too_much_at_once_shuts_the_account_after_a_few(dispatching, commands):
    """429s in a row are the account's, not the touches': none loses its place by them."""

    async def crowded(_call) -> RetryLater:
        return RetryLater("20429", "too many requests at once", crowded=True)

    dispatching.provider.answer = crowded
    for _ in range(LIMIT):
        *_, deferred = await dispatching.send(commands.pop())
        assert (deferred.kind, deferred.rule) == ("rate", "provider:20429")
    *_, deferred = await dispatching.send(commands.pop())
    assert (deferred.kind, deferred.rule) == ("rate", "account")
    assert len(dispatching.provider.calls) == LIMIT


async def neighbour(house) -> UUID:
    """A second tenant with an account of its own and the same text."""
    async with house.database.transaction() as tx:
        tenant = await create_tenant(
            tx, "next", "Next", {"business_name": "Next Door", "sandbox": False}
        )
        await put_account(
            tx,
            tenant.id,
            channel="sms",
            provider="scripted",
            name="next door's",
            settings={"from": "+12025550199"},
        )
        body = {"text": "Hi {{ person.first_name }}, still on? Reply STOP"}
        await put_templates(tx, tenant.id, [("sms", body)])
    return tenant.id


async def test_nobody_waits_behind_the_commands_of_a_stuck_account(dispatching, ticking):
    """A queue full of what can't be called now is gone through at once, before any of it is
    tired of waiting, and each goes back for a moment of its own."""
    house, other, release = dispatching, await neighbour(dispatching), asyncio.Event()

    async def stuck(call) -> Accepted:
        if call.tenant_id == house.tenant_id:
            await release.wait()
        return Accepted("ref")

    house.provider.answer = stuck
    leads = [await house.lead(phone_e164=f"+1212557{n:04d}") for n in range(3 * MOST)]
    theirs = await house.lead(tenant_id=other, phone_e164="+12125589999")
    backlog = [house.command(lead) for lead in leads]
    last = replace(house.command(theirs), tenant_id=other)
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
    stop, answered = asyncio.Event(), asyncio.Event()
    work = [
        asyncio.create_task(consumer.run(stop)),
        asyncio.create_task(house.recorder.run(answered)),
        asyncio.create_task(bus.publish([outgoing(message) for message in [*backlog, last]])),
    ]
    share = house.capacity.per_account
    await until(lambda: len(house.provider.calls) == share, within=60, what="its share is called")
    await until(lambda: len(consumer._waiting) >= share, within=60, what="others wait")
    ticking.now += (STUCK + PATIENCE) / 2  # stuck for certain, and not tired of waiting yet

    def gone() -> bool:
        return any(call.tenant_id == other for call in house.provider.calls)

    await until(gone, within=60, what="the other tenant's text is sent")
    back = [e for e in await house.events() if isinstance(e, TouchDeferred)]
    assert len(back) > len(backlog) // 2
    assert {e.rule for e in back} == {"account_share"}
    assert len({e.not_before for e in back}) > len(back) * 0.9

    stop.set()
    release.set()
    await work[0]
    await house.caller.quiet()
    answered.set()
    await work[1]
    await bus.close()
    await work[2]


def outgoing(message) -> Outgoing:
    return Outgoing(message.id, COMMANDS, message.routing_key, encode(message), mandatory=True)


async def test_what_can_wait_makes_room_where_leases_run_out(dispatching, commands, ticking):
    """A process with too much to do takes on less of lane `later`, and as much of `now`."""
    house = dispatching
    before = house.capacity.free("later"), house.capacity.free("now")
    late = await house.desk.claim([commands.pop() for _ in range(BATCH)])
    ticking.now += LEASE
    house.caller.begin(late.claimed)
    await house.settled()
    assert house.capacity.free("later") == before[0] // 2
    assert house.capacity.free("now") == before[1]

    await house.send(*(commands.pop() for _ in range(BATCH)))
    assert house.capacity.free("later") == before[0] // 2 + BATCH // PROOFS


async def test_an_account_that_stays_broken_is_stopped_and_loses_nothing(dispatching, commands):
    """Its reason is written down, its touches wait, and they go out once it is mended."""
    broken = RetryLater("20003", "not accepted", account_wide=True, broken=True)
    first, second = commands[:2]
    began = datetime.now(UTC)
    for command, later in ((first, timedelta(0)), (second, PROOF)):
        (claimed,) = (await dispatching.desk.claim([command])).claimed
        dispatching.recorder.report(Report(claimed, broken, began + later))
        await dispatching.settled()
    (account,) = await dispatching.rows(
        "SELECT state, reason FROM directory.accounts WHERE channel = 'sms'"
    )
    assert (account["state"], account["reason"]) == ("stopped", "20003: not accepted")
    events = await dispatching.send(commands[2])
    assert [type(event) for event in events] == [TouchDeferred] * 3
    assert dispatching.provider.calls == []

    async with dispatching.database.transaction() as tx:
        await set_account_state(
            tx, dispatching.tenant_id, dispatching.account.id, state="active", reason=None
        )
    events = await dispatching.send(*(again(command) for command in commands[:3]))
    assert [type(event) for event in events[3:]] == [TouchSent] * 3


def again(command):
    return replace(command, id=new_id(), data=command.data.model_copy(update={"round": 2}))
