"""Claiming, calling and recording on a real database."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from followup_contracts.events import (
    TouchDeferred,
    TouchFailed,
    TouchSent,
    TouchSkipped,
    TouchUnknown,
)
from followup_database import new_id
from followup_directory import put_account, set_tenant_settings, set_tenant_state
from followup_dispatcher.providers.port import (
    Accepted,
    Call,
    NotBegun,
    Refused,
    RetryLater,
    Unknown,
)
from followup_dispatcher.records import GIVE_UP_AFTER
from followup_suppression import place_hold, raise_epochs, suppress


async def test_nobody_is_asked_to_call_back_where_nobody_can(dispatching) -> None:
    """A house without a public address sends without one: a vendor would refuse a bad one."""
    dispatching.drafter.public_url = ""
    await dispatching.send(dispatching.command(await dispatching.lead()))
    (call,) = dispatching.provider.calls
    assert call.callback_url is None


async def test_a_touch_goes_out_once_and_is_told_as_sent(dispatching) -> None:
    """A command becomes one call, one accepted attempt and one `touch.sent`."""
    lead = await dispatching.lead()
    command = dispatching.command(lead)

    events = await dispatching.send(command)

    (call,) = dispatching.provider.calls
    assert call.content.text == "Hi Ada, still on? Reply STOP"
    assert "attempt=" in call.callback_url
    (sent,) = events
    assert isinstance(sent, TouchSent)
    assert sent.provider_ref == "ref-1"
    (row,) = await dispatching.rows("SELECT state, number FROM dispatcher.attempts")
    assert row == {"state": "accepted", "number": 1}
    assert dispatching.capacity.taken == 0


async def test_a_command_repeated_is_answered_from_the_ledger(dispatching) -> None:
    """The next round of a touch that went out calls nobody and is told what happened."""
    lead = await dispatching.lead()
    command = dispatching.command(lead)
    await dispatching.send(command)

    again = replace(command, id=new_id(), data=command.data.model_copy(update={"round": 2}))
    events = await dispatching.send(again)

    assert len(dispatching.provider.calls) == 1
    assert [event.round for event in events] == [1, 2]
    assert all(isinstance(event, TouchSent) for event in events)


async def test_two_dispatchers_claim_a_touch_once(dispatching) -> None:
    """The same command claimed at the same moment is one attempt, and one caps entry."""
    lead = await dispatching.lead()
    command = dispatching.command(lead)

    both = await asyncio.gather(
        dispatching.desk.claim([command]), dispatching.desk.claim([command])
    )

    assert sum(len(claims.claimed) for claims in both) == 1
    (row,) = await dispatching.rows("SELECT contacts FROM dispatcher.usage")
    assert len(row["contacts"]) == 1


@pytest.mark.parametrize(
    ("channel", "template_kind"), [("sms", "phone"), ("all", "phone")], ids=["channel", "all"]
)
async def test_a_suppressed_address_is_never_called(dispatching, channel, template_kind) -> None:
    """An address on the list, for the channel or for all, skips the touch."""
    lead = await dispatching.lead(phone_e164="+12125550123")
    async with dispatching.database.transaction() as tx:
        hashed = dispatching.hasher.hash(template_kind, "+12125550123")
        await suppress(
            tx, dispatching.tenant_id, [(template_kind, channel, hashed)], reason="stop", via="sms"
        )

    (skipped,) = await dispatching.send(dispatching.command(lead))

    assert isinstance(skipped, TouchSkipped)
    assert skipped.rule == "suppressed"
    assert dispatching.provider.calls == []


@pytest.mark.parametrize(
    ("kind", "silent", "heard"),
    [("phone", ("sms", "voice", "whatsapp"), ("email",)), ("email", ("email",), ("sms", "voice"))],
)
async def test_the_list_stands_between_every_channel_and_its_provider(
    dispatching, kind, silent, heard
) -> None:
    """lunogram: the list of who is not to be written to was asked for texts alone.

    What was said of a number is no word about a mailbox, nor the other way about.
    """
    addresses = {"phone": "+12125550177", "email": "listed@example.com"}
    lead = await dispatching.lead(phone_e164=addresses["phone"], email=addresses["email"])
    async with dispatching.database.transaction() as tx:
        entry = (kind, "all", dispatching.hasher.hash(kind, addresses[kind]))
        await suppress(tx, dispatching.tenant_id, [entry], reason="opt_out", via="link")
    for channel in (*silent, *heard):
        touch = dispatching.command(lead, channel=channel)
        told = {event.touch_id: event for event in await dispatching.send(touch)}
        rule = getattr(told[touch.data.touch_id], "rule", None)
        assert (rule == "suppressed") is (channel in silent), channel
    called = {call.to for call in dispatching.provider.calls}
    assert addresses[kind] not in called


async def test_a_hold_defers_and_an_epoch_supersedes(dispatching) -> None:
    """A reply nobody has decided on defers; a newer epoch ends the touch.

    novu, run-job.usecase.ts: a text that stood in the queue went out after its workflow had
    been cancelled, for only delays and digests were looked at again.
    """
    held, stale = await dispatching.lead(), await dispatching.lead()
    first, second = dispatching.command(held), dispatching.command(stale)
    async with dispatching.database.transaction() as tx:
        await place_hold(tx, dispatching.tenant_id, held[1], new_id())
        await raise_epochs(tx, [(dispatching.tenant_id, second.data.enrollment_id)])

    events = {event.lead_id: event for event in await dispatching.send(first, second)}

    assert isinstance(events[held[0]], TouchDeferred)
    assert events[held[0]].kind == "hold"
    assert isinstance(events[stale[0]], TouchSkipped)
    assert events[stale[0]].rule == "superseded"
    assert dispatching.provider.calls == []


async def test_quiet_hours_defer_to_the_opening(dispatching) -> None:
    """At 22:00 in New York nothing goes out before 8:00 there."""
    lead = await dispatching.lead()
    dispatching.clock.advance(timedelta(hours=12))

    (deferred,) = await dispatching.send(dispatching.command(lead))

    assert isinstance(deferred, TouchDeferred)
    assert deferred.kind == "rule"
    assert deferred.rule.startswith("R15")
    assert deferred.not_before == dispatching.clock() + timedelta(hours=10)


async def test_r1_allows_one_text_a_day_even_within_a_batch(dispatching) -> None:
    """Two texts for one person in one batch: the second waits for the next local day."""
    lead = await dispatching.lead()
    events = await dispatching.send(dispatching.command(lead), dispatching.command(lead))

    assert sorted(type(event).__name__ for event in events) == ["TouchDeferred", "TouchSent"]
    deferred = next(event for event in events if isinstance(event, TouchDeferred))
    assert deferred.kind == "cap"
    assert len(dispatching.provider.calls) == 1


async def test_consent_no_is_never_contacted(dispatching) -> None:
    """A person who said no gets nothing, and the reason is told."""
    lead = await dispatching.lead(consent="no")
    (skipped,) = await dispatching.send(dispatching.command(lead))
    assert isinstance(skipped, TouchSkipped)
    assert skipped.rule.startswith("consent")


async def test_a_refused_touch_gives_its_cap_back(dispatching) -> None:
    """A refusal is told as failed, and the person may be texted again that day."""

    async def refuse(_call: Call) -> Refused:
        return Refused("21211", "not a number", suppress=True)

    dispatching.provider.answer = refuse
    lead = await dispatching.lead()
    (failed,) = await dispatching.send(dispatching.command(lead))

    assert isinstance(failed, TouchFailed)
    assert failed.code == "21211"
    (row,) = await dispatching.rows("SELECT contacts FROM dispatcher.usage")
    assert row["contacts"] == []
    assert await dispatching.rows("SELECT 1 FROM suppression.list")


async def test_retry_later_is_a_new_attempt(dispatching) -> None:
    """What a provider would not take yet is deferred, and sent by the next round."""
    answers = [RetryLater("30003", "off", after=timedelta(seconds=7)), Accepted("second")]

    async def busy(_call: Call) -> RetryLater | Accepted:
        return answers.pop(0)

    dispatching.provider.answer = busy
    lead = await dispatching.lead()
    command = dispatching.command(lead)
    (deferred,) = await dispatching.send(command)
    assert isinstance(deferred, TouchDeferred)
    assert deferred.not_before >= dispatching.clock() + timedelta(seconds=7)

    again = replace(command, id=new_id(), data=command.data.model_copy(update={"round": 2}))
    *_, sent = await dispatching.send(again)

    assert isinstance(sent, TouchSent)
    states = await dispatching.rows("SELECT number, state FROM dispatcher.attempts ORDER BY number")
    assert [row["state"] for row in states] == ["retry_later", "accepted"]


async def test_what_no_provider_takes_for_a_day_is_given_up(dispatching) -> None:
    """However many attempts it was: up to a day from the first it waits, and then it fails."""

    async def full(_call: Call) -> RetryLater:
        return RetryLater("30001", "queue full")

    dispatching.provider.answer = full
    command = dispatching.command(await dispatching.lead())
    told = [*await dispatching.send(command)]
    for number, span in enumerate((GIVE_UP_AFTER, timedelta(seconds=1)), start=2):
        dispatching.clock.advance(span)
        data = command.data.model_copy(update={"round": number})
        told += (await dispatching.send(replace(command, id=new_id(), data=data)))[len(told) :]

    assert [type(event) for event in told] == [TouchDeferred, TouchDeferred, TouchFailed]
    assert told[-1].code == "gave_up:30001"
    (row,) = await dispatching.rows("SELECT contacts FROM dispatcher.usage")
    assert row["contacts"] == []


async def test_an_open_outcome_is_never_sent_again(dispatching) -> None:
    """After an answer that leaves it open, later rounds are told unknown and call nobody."""

    async def silence(_call: Call) -> Unknown:
        return Unknown("no answer within 8 s")

    dispatching.provider.answer = silence
    lead = await dispatching.lead()
    command = dispatching.command(lead)
    again = replace(command, id=new_id(), data=command.data.model_copy(update={"round": 2}))
    events = [*await dispatching.send(command), *(await dispatching.send(again))[1:]]

    assert all(isinstance(event, TouchUnknown) for event in events)
    assert len(events) == 2
    assert len(dispatching.provider.calls) == 1
    (row,) = await dispatching.rows("SELECT contacts FROM dispatcher.usage")
    assert len(row["contacts"]) == 1, "unknown counts as sent for caps"


async def test_what_was_not_begun_is_released_and_deferred(dispatching) -> None:
    """No connection within the lease: the attempt is deleted, its cap given back."""

    async def no_connection(_call: Call) -> NotBegun:
        return NotBegun("no connection")

    dispatching.provider.answer = no_connection
    lead = await dispatching.lead()
    (deferred,) = await dispatching.send(dispatching.command(lead))

    assert isinstance(deferred, TouchDeferred)
    assert await dispatching.rows("SELECT 1 FROM dispatcher.attempts") == []
    (row,) = await dispatching.rows("SELECT contacts FROM dispatcher.usage")
    assert row["contacts"] == []
    assert dispatching.capacity.taken == 0


async def test_a_lease_that_ran_out_is_renewed_with_all_checks(dispatching, ticking) -> None:
    """After 150 ms the claim looks again: a stop committed meanwhile is seen, nothing is sent."""
    lead = await dispatching.lead(phone_e164="+12125550124")
    claims = await dispatching.desk.claim([dispatching.command(lead)])
    ticking.now += 0.2
    async with dispatching.database.transaction() as tx:
        hashed = dispatching.hasher.hash("phone", "+12125550124")
        await suppress(
            tx, dispatching.tenant_id, [("phone", "all", hashed)], reason="stop", via="sms"
        )

    dispatching.caller.begin(claims.claimed)
    await dispatching.settled()

    assert dispatching.provider.calls == []
    assert await dispatching.rows("SELECT 1 FROM dispatcher.attempts") == []
    (event,) = await dispatching.events()
    assert isinstance(event, TouchSkipped)
    assert event.rule == "suppressed"
    assert dispatching.capacity.taken == 0


async def test_a_renewed_lease_keeps_its_caps_and_sends(dispatching, ticking) -> None:
    """The touch's own reservation does not stop its renewal; a whole lease is left again."""
    lead = await dispatching.lead()
    claims = await dispatching.desk.claim([dispatching.command(lead)])
    ticking.now += 0.2

    dispatching.caller.begin(claims.claimed)
    await dispatching.settled()

    assert len(dispatching.provider.calls) == 1
    assert dispatching.provider.left[0] == pytest.approx(0.150, abs=0.001)


async def test_a_suspended_tenant_waits_and_a_sandbox_sends_nothing_out(dispatching) -> None:
    """Suspension defers; in the sandbox a real account is not even considered."""
    lead = await dispatching.lead()
    async with dispatching.database.transaction() as tx:
        await set_tenant_settings(tx, dispatching.tenant_id, {"sandbox": True})
    (deferred,) = await dispatching.send(dispatching.command(lead))
    assert deferred.rule == "account"

    async with dispatching.database.transaction() as tx:
        await set_tenant_state(tx, dispatching.tenant_id, "suspended")
    *_, paused = await dispatching.send(dispatching.command(lead))
    assert paused.kind == "paused"
    assert dispatching.provider.calls == []


async def test_rates_hand_out_slots_and_defer_what_lies_too_far_ahead(dispatching) -> None:
    """At one a second lane `later` holds slots 2 s ahead; the rest is deferred with an estimate."""
    async with dispatching.database.transaction() as tx:
        await put_account(
            tx,
            dispatching.tenant_id,
            channel="sms",
            provider="scripted",
            name="scripted sms",
            settings={"from": "+12025550100", "rate_per_second": 1},
        )
    leads = [await dispatching.lead(phone_e164=f"+1212555{n:04d}") for n in range(5)]
    claims = await dispatching.desk.claim(
        [dispatching.command(lead, lane="later") for lead in leads]
    )

    starts = sorted(one.starts_at - 1000.0 for one in claims.claimed)
    assert starts == pytest.approx([0.0, 1.0, 2.0])
    deferred = await dispatching.events()
    assert {event.kind for event in deferred} == {"rate"}
    assert len(deferred) == 2
    # A second before their turns, one behind the other.
    told = sorted((e.not_before - dispatching.clock()).total_seconds() for e in deferred)
    assert told == pytest.approx([2.0, 3.0])


async def test_an_expired_touch_is_skipped(dispatching) -> None:
    """Past its own end a touch does not go out any more."""
    lead = await dispatching.lead()
    ended = dispatching.clock() - timedelta(minutes=1)
    (skipped,) = await dispatching.send(dispatching.command(lead, not_after=ended))
    assert skipped.rule == "expired"


async def test_a_variable_without_value_or_default_stops_the_touch(dispatching) -> None:
    """Nobody is greeted by an empty name: the touch fails with the variable's name."""
    lead = await dispatching.lead(first_name=None)
    (failed,) = await dispatching.send(dispatching.command(lead))
    assert isinstance(failed, TouchFailed)
    assert "first_name" in failed.reason
