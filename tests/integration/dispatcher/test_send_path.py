"""What a review of the send path found, each as the interleaving that showed it."""

import asyncio
from datetime import timedelta

import pytest

from followup_contracts.envelope import Message
from followup_contracts.events import TouchDeferred, TouchDelivered, TouchFailed, TouchSent
from followup_database import new_id
from followup_directory import put_account, set_account_state
from followup_dispatcher import ledger
from followup_dispatcher.feedback import FeedbackHandler
from followup_dispatcher.ledger import Settlement
from followup_dispatcher.providers.port import Accepted, Call
from followup_messaging import dead
from followup_people import mark_contact_point

LONG = "Ж" * 250  # 4 segments of UCS-2


async def test_a_renewed_claim_is_not_swept_as_stale(dispatching, ticking) -> None:
    """A claim renewed late begins its age anew: no sweep may free what is being called."""
    lead = await dispatching.lead()
    (claimed,) = (await dispatching.desk.claim([dispatching.command(lead)])).claimed
    await dispatching.rows(
        "UPDATE dispatcher.attempts SET claimed_on = claimed_on - interval '1 minute' RETURNING id"
    )
    ticking.now += 60

    assert len(await dispatching.desk.renew([claimed])) == 1

    async with dispatching.database.transaction() as tx:
        assert await ledger.stale(tx, age_seconds=30, most=10) == []
    dispatching.desk.forget([claimed])


async def test_what_was_swept_before_its_call_began_is_free_again(dispatching, ticking) -> None:
    """The process that holds the claim knows that no byte went out, whatever the sweep said."""
    lead = await dispatching.lead()
    (claimed,) = (await dispatching.desk.claim([dispatching.command(lead)])).claimed
    async with dispatching.database.transaction() as tx:
        swept = Settlement(*claimed.pair, "unknown", "sweep")
        assert await ledger.settle(tx, [swept])
    ticking.now += 60

    assert await dispatching.desk.renew([claimed]) == []

    (row,) = await dispatching.rows("SELECT state, code FROM dispatcher.attempts")
    assert row == {"state": "retry_later", "code": "not_begun"}
    (event,) = await dispatching.events()
    assert isinstance(event, TouchDeferred)
    assert dispatching.capacity.taken == 0
    (kept,) = await dispatching.rows("SELECT contacts FROM dispatcher.usage")
    assert kept["contacts"] == []


async def test_a_long_text_gets_its_turn_and_is_charged_once(dispatching) -> None:
    """At one segment a second a text of four begins within the horizon and overruns it."""
    async with dispatching.database.transaction() as tx:
        await put_account(
            tx,
            dispatching.tenant_id,
            channel="sms",
            provider="scripted",
            name="scripted sms",
            settings={"from": "+12025550100", "rate_per_second": 1},
        )
    first = await dispatching.lead(first_name=LONG, phone_e164="+12125550131")
    second = await dispatching.lead(first_name="Bo", phone_e164="+12125550132")

    claims = await dispatching.desk.claim(
        [dispatching.command(lead, lane="later") for lead in (first, second)]
    )

    (long,) = claims.claimed
    assert long.segments > 3
    (deferred,) = await dispatching.events()
    # A second before its turn.
    assert deferred.not_before == dispatching.clock() + timedelta(seconds=long.segments - 1)
    dispatching.desk.forget(claims.claimed)


async def test_a_vendor_may_not_queue_a_text_into_quiet_hours(dispatching) -> None:
    """At 20:30 in New York the validity period ends just before the open hours, at 21:00."""
    dispatching.clock.advance(timedelta(hours=10, minutes=30))
    lead = await dispatching.lead()
    await dispatching.send(dispatching.command(lead))

    (call,) = dispatching.provider.calls
    assert call.valid_for == timedelta(minutes=30) - timedelta(seconds=10)


async def test_a_renewal_does_not_send_where_its_checks_did_not_look(dispatching, ticking) -> None:
    """A number found wrong between claim and call is not called, nor is another in its place."""
    lead = await dispatching.lead(phone_e164="+12125550141")
    (claimed,) = (await dispatching.desk.claim([dispatching.command(lead)])).claimed
    async with dispatching.database.transaction() as tx:
        await mark_contact_point(
            tx,
            dispatching.tenant_id,
            lead[1],
            kind="phone",
            address="+12125550141",
            state="wrong",
        )
    await dispatching.lead(phone_e164="+12125550142", external_id="other")
    ticking.now += 1

    assert await dispatching.desk.renew([claimed]) == []
    assert dispatching.provider.calls == []


async def test_a_renewal_sees_a_stopped_account(dispatching, ticking) -> None:
    """An account stopped between claim and call makes no call."""
    lead = await dispatching.lead()
    (claimed,) = (await dispatching.desk.claim([dispatching.command(lead)])).claimed
    async with dispatching.database.transaction() as tx:
        await set_account_state(
            tx, dispatching.tenant_id, dispatching.account.id, state="stopped", reason="test"
        )
    ticking.now += 1

    assert await dispatching.desk.renew([claimed]) == []
    (event,) = await dispatching.events()
    assert isinstance(event, TouchDeferred)
    assert event.rule == "changed"


async def test_a_reference_nobody_can_store_loses_no_answer(dispatching) -> None:
    """A vendor's id with a NUL in it is kept without; the other answers are kept too."""

    async def odd(_call: Call) -> Accepted:
        return Accepted("SM\0odd")

    dispatching.provider.answer = odd
    leads = [await dispatching.lead(phone_e164=f"+121255501{n}") for n in (51, 52, 53)]
    events = await dispatching.send(*(dispatching.command(lead) for lead in leads))

    assert [type(event) for event in events] == [TouchSent] * 3
    assert {event.provider_ref for event in events} == {"SModd"}


async def test_what_waits_for_its_slot_is_given_up_by_a_drain(dispatching) -> None:
    """On the way out a claim whose slot is seconds ahead is released, not left to be swept."""
    async with dispatching.database.transaction() as tx:
        await put_account(
            tx,
            dispatching.tenant_id,
            channel="sms",
            provider="scripted",
            name="scripted sms",
            settings={"from": "+12025550100", "rate_per_second": 0.2},
        )
    leads = [await dispatching.lead(phone_e164=f"+121255501{n}") for n in (61, 62)]
    claims = await dispatching.desk.claim([dispatching.command(lead) for lead in leads])
    assert len(claims.claimed) == 2

    dispatching.caller.begin(claims.claimed)
    dispatching.caller.drain()
    await asyncio.wait_for(dispatching.settled(), 5)

    assert len(dispatching.provider.calls) == 1
    assert dispatching.capacity.taken == 0
    rows = await dispatching.rows("SELECT state FROM dispatcher.attempts")
    assert [row["state"] for row in rows] == ["accepted"]


async def test_a_command_that_cannot_be_carried_out_ends_its_touch(dispatching) -> None:
    """It is kept as a dead letter, and the scheduler is told, in one transaction."""
    lead = await dispatching.lead()
    command = dispatching.command(lead)
    burial = dead.Burial(
        consumer="dispatcher",
        queue="dispatcher.sms.now",
        routing_key=command.routing_key,
        body=b"{}",
        error="boom",
        message_id=command.id,
        tenant_id=command.tenant_id,
    )

    await dispatching.desk.fail(command, burial=burial)

    (event,) = await dispatching.events()
    assert isinstance(event, TouchFailed)
    assert event.code == "internal"
    (letter,) = await dispatching.rows("SELECT message_id, tenant_id FROM messaging.dead")
    assert letter["message_id"] == command.id


@pytest.mark.parametrize("count", [2, 5])
async def test_opposite_orders_of_settling_do_not_deadlock(dispatching, count) -> None:
    """Two that settle the same attempts in opposite orders take turns."""
    leads = [await dispatching.lead(phone_e164=f"+121255502{n:02d}") for n in range(count)]
    claims = await dispatching.desk.claim([dispatching.command(lead) for lead in leads])
    settlements = [
        Settlement(*one.pair, "accepted", "answer", provider_ref=str(new_id()))
        for one in claims.claimed
    ]

    async def settle(order: list[Settlement]) -> int:
        async with dispatching.database.transaction() as tx:
            return len(await ledger.settle(tx, order))

    moved = await asyncio.gather(
        *(settle(settlements if n % 2 else settlements[::-1]) for n in range(8))
    )

    assert sum(moved) == count
    dispatching.desk.forget(claims.claimed)


async def test_a_live_tenant_never_falls_back_on_the_sandbox(dispatching) -> None:
    """With its own account stopped the touch waits; the sandbox account beside it is not used."""
    async with dispatching.database.transaction() as tx:
        await put_account(
            tx,
            dispatching.tenant_id,
            channel="sms",
            provider="sandbox",
            name="sandbox",
            settings={"from": "+12025550100"},
            priority=9,
        )
        await set_account_state(
            tx, dispatching.tenant_id, dispatching.account.id, state="stopped", reason="test"
        )
    lead = await dispatching.lead()

    (deferred,) = await dispatching.send(dispatching.command(lead))

    assert isinstance(deferred, TouchDeferred)
    assert deferred.rule == "account"


async def test_a_report_of_another_tenant_settles_nothing(dispatching) -> None:
    """Who knows the ids of somebody else's attempt still can't say what became of it."""
    lead = await dispatching.lead()
    (claimed,) = (await dispatching.desk.claim([dispatching.command(lead)])).claimed
    report = TouchDelivered(
        touch_id=claimed.command.touch_id,
        attempt_id=claimed.attempt_id,
        enrollment_id=claimed.command.enrollment_id,
        lead_id=lead[0],
        person_id=lead[1],
        channel="sms",
        at=dispatching.clock(),
    )
    handler = FeedbackHandler(dispatching.outbox)

    async def told(tenant_id) -> str:
        message = Message.of(
            report,
            id=new_id(),
            tenant_id=tenant_id,
            source="replies",
            subject=claimed.command.touch_id,
            time=dispatching.clock(),
        )
        async with dispatching.database.transaction() as tx:
            await handler(tx, [message])
        (row,) = await dispatching.rows("SELECT state FROM dispatcher.attempts")
        return row["state"]

    assert await told(new_id()) == "claimed"
    assert await told(dispatching.tenant_id) == "accepted"
    dispatching.desk.forget([claimed])
