"""What somebody of ours wrote, as the dispatcher sends it."""

from datetime import timedelta

from followup_contracts.events import TouchDeferred, TouchSent
from followup_directory import Written, put_account, put_sender, put_templates, set_account_state
from followup_people import hear


async def answer(dispatching, lead, written, *, channel="sms"):
    """The command for an answer in these words."""
    async with dispatching.database.transaction() as tx:
        (hashed,) = await put_templates(
            tx, dispatching.tenant_id, [(channel, written.body())], person_id=lead[1]
        )
    return dispatching.command(lead, channel=channel, template=hashed, answer=True)


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
