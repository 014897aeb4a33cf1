"""What somebody of ours wrote, as the dispatcher sends it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followup_contracts.events import (
    TouchDeferred,
    TouchFailed,
    TouchSent,
    TouchSkipped,
    TouchUnknown,
)
from followup_database import new_id
from followup_directory import (
    Written,
    put_account,
    put_sender,
    put_templates,
    set_account_state,
    set_tenant_settings,
)
from followup_dispatcher.picture import command_of
from followup_dispatcher.providers.port import Call, Refused, Unknown
from followup_dispatcher.sandbox import SandboxRecord
from followup_dispatcher.sweeps import GRACE, UnknownSweep
from followup_people import hear
from followup_suppression import place_hold, suppress


async def answer(dispatching, lead, written, *, channel="sms", **more):
    """The command for an answer in these words."""
    async with dispatching.database.transaction() as tx:
        (hashed,) = await put_templates(
            tx, dispatching.tenant_id, [(channel, written.body())], person_id=lead[1]
        )
    return dispatching.command(lead, channel=channel, template=hashed, answer=True, **more)


async def wrote(dispatching, lead, phone):
    """The person of a number texts us now."""
    async with dispatching.database.transaction() as tx:
        await hear(
            tx,
            dispatching.tenant_id,
            lead[1],
            channel="sms",
            match_key=phone,
            at=dispatching.clock(),
        )


async def test_an_answer_is_not_held_to_the_pace_of_follow_up(dispatching):
    """The second text of the day goes to who has just written, and only to them."""
    phone = "+12125550177"
    lead = await dispatching.lead(phone_e164=phone)
    await dispatching.send(dispatching.command(lead))
    early = await answer(dispatching, lead, Written("Anything else?"))
    put_off = (await dispatching.send(early))[-1]
    assert (type(put_off), put_off.rule) == (TouchDeferred, "R1")
    await wrote(dispatching, lead, phone)
    sent = (await dispatching.send(await answer(dispatching, lead, Written("Yes, we do."))))[-1]
    assert isinstance(sent, TouchSent)
    assert dispatching.provider.calls[-1].content.text == "Yes, we do."
    dispatching.clock.jump(dispatching.clock() + timedelta(days=3))
    await dispatching.send(dispatching.command(lead))
    late = (await dispatching.send(await answer(dispatching, lead, Written("Still there?"))))[-1]
    assert (type(late), late.rule) == (TouchDeferred, "R1")


async def test_an_answer_comes_from_the_account_and_number_they_know(dispatching):
    """Not from the account that goes first now; and from that one once the other is stopped."""
    async with dispatching.database.transaction() as tx:
        for address in ("+12025550111", "+12025550112"):
            await put_sender(
                tx, dispatching.tenant_id, dispatching.account.id, channel="sms", address=address
            )
        first = await put_account(
            tx,
            dispatching.tenant_id,
            channel="sms",
            provider="scripted",
            name="goes first",
            priority=-1,
            settings={"from": "+12025550122"},
        )
    lead = await dispatching.lead(phone_e164="+12125550178")
    await wrote(dispatching, lead, "+12125550178")
    for known in ("+12025550111", "+12025550112"):
        words = Written("Yes.", account_id=dispatching.account.id, sender=known)
        await dispatching.send(await answer(dispatching, lead, words))
        assert dispatching.provider.calls[-1].sender == known
    async with dispatching.database.transaction() as tx:
        await set_account_state(
            tx, dispatching.tenant_id, dispatching.account.id, state="stopped", reason="a test"
        )
    sent = (await dispatching.send(await answer(dispatching, lead, words)))[-1]
    assert (sent.account_id, sent.sender) == (first.id, "+12025550122")


async def test_a_letter_goes_on_in_the_thread_it_answers(dispatching):
    """It names what it answers, and does not call itself automatic."""
    lead = await dispatching.lead()
    thread = ("<first@example.com>", "<theirs@example.net>")
    words = Written("It is $400.", "Re: Your roof", thread=thread)
    await dispatching.send(await answer(dispatching, lead, words, channel="email"))
    content = dispatching.provider.calls[-1].content
    assert content.subject == "Re: Your roof"
    assert content.headers["In-Reply-To"] == thread[1]
    assert content.headers["References"] == " ".join(thread)
    assert "Auto-Submitted" not in content.headers
    assert "List-Unsubscribe" in content.headers


async def stopped(dispatching, phone):
    """The owner of a number has said stop."""
    async with dispatching.database.transaction() as tx:
        entry = ("phone", "all", dispatching.hasher.hash("phone", phone))
        await suppress(tx, dispatching.tenant_id, [entry], reason="opt_out", via="sms")


async def test_a_confirmation_goes_to_who_is_not_written_to_any_more(dispatching):
    """At night, on the list and held: it says that follow-up has stopped; anything else waits."""
    phone = "+12125550179"
    lead = await dispatching.lead(phone_e164=phone)
    dispatching.clock.advance(timedelta(hours=12))
    await stopped(dispatching, phone)
    async with dispatching.database.transaction() as tx:
        await place_hold(tx, dispatching.tenant_id, lead[1], lead[0])
    confirms = Written("You are unsubscribed.", address=phone, confirms="stop")
    by_hand = (await dispatching.send(await answer(dispatching, lead, Written("But why?"))))[-1]
    assert (type(by_hand), by_hand.rule) == (TouchSkipped, "suppressed")
    end = {"not_after": dispatching.clock() + timedelta(minutes=5)}
    sent = (await dispatching.send(await answer(dispatching, lead, confirms, **end)))[-1]
    assert isinstance(sent, TouchSent)
    (call,) = dispatching.provider.calls
    assert (call.to, call.content.text) == (phone, "You are unsubscribed.")
    asked = await answer(dispatching, lead, confirms, **end)
    dispatching.clock.advance(timedelta(minutes=6))
    late = (await dispatching.send(asked))[-1]
    assert (type(late), late.rule) == (TouchSkipped, "expired")
    unbounded = (await dispatching.send(await answer(dispatching, lead, confirms)))[-1]
    assert (type(unbounded), unbounded.rule) == (TouchSkipped, "expired")


async def test_a_confirmation_goes_to_the_number_that_asked_and_no_other(dispatching):
    """Also where that number is the person's no more, and another of theirs has said stop."""
    left, wrong = "+12125550183", "+12125550184"
    lead = await dispatching.lead(phone_e164=left)
    for phone in (left, wrong):
        await stopped(dispatching, phone)
    words = Written("You are unsubscribed.", address=wrong, stranger=True, confirms="stop")
    end = {"not_after": dispatching.clock() + timedelta(minutes=5)}
    await dispatching.send(await answer(dispatching, lead, words, **end))
    assert [call.to for call in dispatching.provider.calls] == [wrong]


@pytest.mark.parametrize(
    ("confirms", "listed", "rule"),
    [
        ("stop", True, None),
        ("stop", False, "superseded"),
        ("request", False, None),
        ("request", True, "suppressed"),
    ],
)
async def test_what_was_said_last_decides_on_a_confirmation(dispatching, confirms, listed, rule):
    """No "you get our texts again" after a stop, and no "you are unsubscribed" after a start."""
    phone = "+12125550185"
    lead = await dispatching.lead(phone_e164=phone)
    if listed:
        await stopped(dispatching, phone)
    words = Written("So be it.", address=phone, stranger=True, confirms=confirms)
    end = {"not_after": dispatching.clock() + timedelta(minutes=5)}
    told = (await dispatching.send(await answer(dispatching, lead, words, **end)))[-1]
    assert getattr(told, "rule", None) == rule
    assert isinstance(told, TouchSent if rule is None else TouchSkipped)


async def to_nobody(dispatching, words):
    """The command for an answer to somebody of whom no lead is known."""
    id_ = new_id()
    end = {"not_after": dispatching.clock() + timedelta(minutes=5)}
    ids = {"touch_id": id_, "enrollment_id": id_, **end}
    return await answer(dispatching, (id_, id_), words, **ids)


async def test_the_stop_of_somebody_unknown_is_confirmed(dispatching):
    """To the number it came from, from the number it went to; nothing of it is kept."""
    phone = "+12125550187"
    dispatching.clock.advance(timedelta(hours=12))
    await stopped(dispatching, phone)
    own = str(dispatching.account.settings["from"])
    words = Written(
        text="You are unsubscribed.", account_id=dispatching.account.id, sender=own,
        address=phone, stranger=True, confirms="stop",
    )  # fmt: skip
    command = await to_nobody(dispatching, words)
    sent = (await dispatching.send(command))[-1]
    assert isinstance(sent, TouchSent)
    (call,) = dispatching.provider.calls
    assert (call.to, call.sender, call.content.text) == (phone, own, "You are unsubscribed.")
    (kept,) = await dispatching.rows("SELECT state, recipient, body FROM dispatcher.attempts")
    assert (kept["state"], kept["recipient"], kept["body"]) == ("accepted", None, None)
    assert (await dispatching.send(command))[-1].attempt_id == sent.attempt_id
    assert len(dispatching.provider.calls) == 1
    record = SandboxRecord(dispatching.database)
    ref = await record.record(call)
    assert await record.find(command_of(command).touch_id, sent.attempt_id) == ref
    (kept,) = await dispatching.rows("SELECT * FROM dispatcher.sandbox")
    assert phone not in str(kept)
    assert words.text not in str(kept)


async def test_a_confirmation_to_somebody_unknown_does_not_stay_unknown(dispatching):
    """Nobody could find out: once no callback will come it is over, and never sent again."""

    async def silent(_call: Call) -> Unknown:
        return Unknown("no answer within 8 s")

    dispatching.provider.answer = silent
    phone = "+12125550185"
    await stopped(dispatching, phone)
    words = Written(
        text="You are unsubscribed.", account_id=dispatching.account.id,
        sender=str(dispatching.account.settings["from"]), address=phone, stranger=True,
        confirms="stop",
    )  # fmt: skip
    async with dispatching.database.transaction() as tx:
        await set_tenant_settings(tx, dispatching.tenant_id, {"resend_unknown": ["sms"]})
    command = await to_nobody(dispatching, words)
    assert isinstance((await dispatching.send(command))[-1], TouchUnknown)
    for late, state in ((timedelta(0), "unknown"), (GRACE + timedelta(seconds=1), "refused")):
        sweep = UnknownSweep(
            dispatching.database,
            outbox=dispatching.outbox,
            accounts=dispatching.accounts,
            now=lambda late=late: datetime.now(UTC) + late,
        )
        await dispatching.rows("UPDATE dispatcher.attempts SET ask_on = claimed_on RETURNING 1")
        await sweep.run_once()
        (kept,) = await dispatching.rows("SELECT state, trace FROM dispatcher.attempts")
        assert kept["state"] == state
    told = (await dispatching.events())[-1]
    assert (type(told), told.code) == (TouchFailed, "expired")
    assert kept["trace"][-1]["rule"] == "expired"
    assert dispatching.provider.asked == []
    assert len(dispatching.provider.calls) == 1


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"confirms": None}, "erased"),
        ({"confirms": "request"}, "erased"),
        ({"stranger": False}, "erased"),
        ({"sender": "+12025550199"}, "account"),
        ({"account_id": new_id()}, "account"),
    ],
)
async def test_nothing_else_goes_to_somebody_unknown(dispatching, change, rule):
    """Neither other words, nor these from elsewhere; without a stop that stands not even these."""
    phone = "+12125550188"
    await stopped(dispatching, phone)
    words = Written(
        text="You are unsubscribed.", account_id=dispatching.account.id,
        sender=str(dispatching.account.settings["from"]), address=phone, stranger=True,
        confirms="stop",
    )  # fmt: skip
    told = (await dispatching.send(await to_nobody(dispatching, replace(words, **change))))[-1]
    assert told.rule == rule
    elsewhere = replace(words, address="+12125550189")
    told = (await dispatching.send(await to_nobody(dispatching, elsewhere)))[-1]
    assert told.rule == "superseded"
    assert dispatching.provider.calls == []


@pytest.mark.parametrize(("confirms", "listings"), [("stop", [("all", "sms")]), ("request", [])])
async def test_a_refused_confirmation_lists_nobody_under_the_vendors_name(
    dispatching, confirms, listings
):
    """A vendor that blocks who said stop refuses it; START could not lift what that listed."""

    async def blocked(_call: Call) -> Refused:
        return Refused("21610", "the recipient has opted out", suppress=True)

    dispatching.provider.answer = blocked
    phone = "+12125550186"
    lead = await dispatching.lead(phone_e164=phone)
    if listings:
        await stopped(dispatching, phone)
    words = Written("So be it.", address=phone, stranger=True, confirms=confirms)
    end = {"not_after": dispatching.clock() + timedelta(minutes=5)}
    told = (await dispatching.send(await answer(dispatching, lead, words, **end)))[-1]
    assert (type(told), told.code) == (TouchFailed, "21610")
    rows = await dispatching.rows("SELECT channel, via FROM suppression.list")
    assert [(row["channel"], row["via"]) for row in rows] == listings


async def test_an_answer_goes_to_where_its_person_wrote_from(dispatching):
    """Not to the address that is newest; to one that is nobody's where they answered from it."""
    own, newer, elsewhere = "+12125550180", "+12125550181", "+12125550182"
    email = "two-numbers@example.com"
    lead = await dispatching.lead(phone_e164=own, email=email)
    dispatching.clock.advance(timedelta(minutes=1))
    await dispatching.lead(phone_e164=newer, email=email)
    await wrote(dispatching, lead, own)
    for written, to in (
        (Written("Yes."), newer),
        (Written("Yes.", address=own), own),
        (Written("Yes.", address=elsewhere, stranger=True), elsewhere),
        (Written("Yes.", address=elsewhere), newer),
    ):
        sent = (await dispatching.send(await answer(dispatching, lead, written)))[-1]
        assert isinstance(sent, TouchSent)
        assert dispatching.provider.calls[-1].to == to
    await stopped(dispatching, elsewhere)
    words = Written("Yes.", address=elsewhere, stranger=True)
    refused = (await dispatching.send(await answer(dispatching, lead, words)))[-1]
    assert (type(refused), refused.rule) == (TouchSkipped, "suppressed")
