"""Dry runs, test recipients, pools, letters that thread, and places under a cap."""

from datetime import timedelta

from sqlalchemy import text

from followup_contracts.events import TouchDeferred, TouchFailed, TouchSent
from followup_directory import (
    put_account,
    put_sender,
    put_templates,
    senders,
    set_tenant_settings,
)
from followup_dispatcher.providers.mail_message import message_id
from followup_dispatcher.providers.port import Refused
from followup_suppression.replying import Named


async def keep(dispatching, **settings):
    async with dispatching.database.transaction() as tx:
        await set_tenant_settings(tx, dispatching.tenant_id, settings)


async def letter(dispatching):
    body = {"subject": "Your roof", "text": "Hi {{ person.first_name }}"}
    async with dispatching.database.transaction() as tx:
        (hashed,) = await put_templates(tx, dispatching.tenant_id, [("email", body)])
    return hashed


async def test_a_dry_run_decides_everything_and_calls_nobody(dispatching):
    """Rules, rates and words as ever; the trace says that nothing was sent."""
    await keep(dispatching, dry_run=True)
    lead = await dispatching.lead()
    (sent,) = await dispatching.send(dispatching.command(lead))
    assert isinstance(sent, TouchSent)
    assert dispatching.provider.calls == []
    (row,) = await dispatching.rows("SELECT trace FROM dispatcher.attempts")
    assert {"what": "dry_run", "result": "nothing is sent"} in row["trace"]
    again = (await dispatching.send(dispatching.command(lead)))[-1]
    assert (again.rule, again.kind) == ("R1", "cap")
    await keep(dispatching, dry_run=False)
    await dispatching.send(dispatching.command(await dispatching.lead()))
    assert len(dispatching.provider.calls) == 1


async def test_a_dry_run_that_begins_meanwhile_holds_what_is_renewed(dispatching, ticking):
    """A claim of the time before goes out to nobody; it comes again, and is rehearsed."""
    claims = await dispatching.desk.claim([dispatching.command(await dispatching.lead())])
    ticking.now += 0.2
    await keep(dispatching, dry_run=True)
    dispatching.caller.begin(claims.claimed)
    await dispatching.settled()
    assert dispatching.provider.calls == []
    (event,) = await dispatching.events()
    assert (type(event), event.rule) == (TouchDeferred, "changed")


async def test_in_the_sandbox_test_recipients_alone_are_reached(dispatching):
    """Their phone rings, everybody else's is the sandbox's."""
    await keep(dispatching, sandbox=True, test_recipients=["+12125550142"])
    tester = await dispatching.lead(phone_e164="+12125550142")
    other = await dispatching.lead(phone_e164="+12125550143")
    events = await dispatching.send(dispatching.command(tester), dispatching.command(other))
    assert [call.to for call in dispatching.provider.calls] == ["+12125550142"]
    waiting = next(event for event in events if isinstance(event, TouchDeferred))
    assert waiting.reason == "no active sms account"


async def test_a_person_hears_from_one_number_of_a_pool_for_good(dispatching):
    """The number of the last contact stays when the pool grows, and is left when it is gone."""

    async def add(*addresses):
        async with dispatching.database.transaction() as tx:
            for address in addresses:
                await put_sender(
                    tx, dispatching.tenant_id, dispatching.account.id, channel="sms",
                    address=address,
                )  # fmt: skip
            return await senders(tx, [dispatching.account.id])

    await add("+12025550111", "+12025550112")
    lead = await dispatching.lead()
    heard = []
    for day in range(3):
        await dispatching.send(dispatching.command(lead))
        heard.append(dispatching.provider.calls[-1].sender)
        dispatching.clock.jump(dispatching.clock() + timedelta(days=1 if day else 40))
        await add(*(f"+120255502{day}{n}" for n in range(10)))
    assert len(set(heard)) == 1
    async with dispatching.database.transaction() as tx:
        await tx.run(
            text("UPDATE directory.senders SET state = 'stopped' WHERE address = :a"), a=heard[0]
        )
    dispatching.clock.jump(dispatching.clock() + timedelta(days=1))
    await dispatching.send(dispatching.command(lead))
    assert dispatching.provider.calls[-1].sender != heard[0]


async def test_letters_of_a_run_answer_the_one_before(dispatching):
    """The second names the first, another run's does not."""
    hashed = await letter(dispatching)
    lead = await dispatching.lead()
    run = {"channel": "email", "template": hashed}
    first = dispatching.command(lead, contact_round="run:one", **run)
    await dispatching.send(first)
    (row,) = await dispatching.rows("SELECT id, sender FROM dispatcher.attempts")
    dispatching.clock.jump(dispatching.clock() + timedelta(days=3))
    await dispatching.send(dispatching.command(lead, contact_round="run:two", **run))
    named = message_id(row["id"], row["sender"])
    assert dispatching.provider.calls[-1].content.headers["In-Reply-To"] == named
    assert dispatching.provider.calls[-1].content.return_tag
    dispatching.clock.jump(dispatching.clock() + timedelta(days=3))
    await dispatching.send(dispatching.command(lead, contact_round="other:one", **run))
    assert "In-Reply-To" not in dispatching.provider.calls[-1].content.headers


async def test_a_letter_is_answered_at_an_address_of_its_own(dispatching):
    """Where the tenant has a domain for answers; a mail program can unsubscribe there too."""
    hashed = await letter(dispatching)
    lead = await dispatching.lead()
    await dispatching.send(dispatching.command(lead, channel="email", template=hashed))
    assert "Reply-To" not in dispatching.provider.calls[-1].content.headers
    await keep(dispatching, reply_domain="in.roofs.example")
    other = await dispatching.lead()
    await dispatching.send(dispatching.command(other, channel="email", template=hashed))
    headers = dispatching.provider.calls[-1].content.headers
    (row,) = await dispatching.rows(
        "SELECT id FROM dispatcher.attempts WHERE lead_id = :lead", lead=other[0]
    )
    addresses = dispatching.drafter.addresses
    assert addresses.read(headers["Reply-To"]) == Named("reply", row["id"])
    link, mailto = headers["List-Unsubscribe"].split(", ")
    assert link.startswith("<http")
    departures = mailto.removeprefix("<mailto:").partition("?")[0]
    assert addresses.read(departures) == Named("unsubscribe", row["id"])


async def test_a_tenant_without_a_postal_address_sends_no_letter(dispatching):
    """It fails with the reason, and no provider is called."""
    await keep(dispatching, postal_address="")
    hashed = await letter(dispatching)
    command = dispatching.command(await dispatching.lead(), channel="email", template=hashed)
    (failed,) = await dispatching.send(command)
    assert isinstance(failed, TouchFailed)
    assert failed.code == "postal_address"
    assert dispatching.provider.calls == []


async def test_the_place_a_cap_opens_goes_to_the_more_urgent(dispatching):
    """Both were put off; when the cap opens nurture comes first, and waits for the answer."""
    await keep(
        dispatching, rules={"caps": [{"channels": ["sms", "voice"], "count": 1, "hours": 30}]}
    )
    lead = await dispatching.lead()
    await dispatching.send(dispatching.command(lead))
    answer = dispatching.command(lead, lane="now")
    nurture = dispatching.command(lead, lane="later")
    *_, first, second = await dispatching.send(answer, nurture)
    assert {first.kind, second.kind} == {"cap"}
    opens = max(first.not_before, second.not_before)
    dispatching.clock.jump(opens)
    told = (await dispatching.send(nurture))[-1]
    assert (told.kind, told.rule) == ("cap", "priority")
    assert isinstance((await dispatching.send(answer))[-1], TouchSent)
    rows = await dispatching.rows("SELECT waiting FROM dispatcher.usage")
    waiting = {each["touch"] for row in rows for each in row["waiting"]}
    assert waiting == {str(nurture.data.touch_id)}


async def test_a_place_is_given_back_where_a_provider_refuses(dispatching):
    """A refusal is no contact: the same day's place is free again."""

    async def refuse(_call):
        return Refused("30007", "filtered")

    dispatching.provider.answer = refuse
    lead = await dispatching.lead()
    await dispatching.send(dispatching.command(lead))
    dispatching.provider.answer = None
    assert isinstance((await dispatching.send(dispatching.command(lead)))[-1], TouchSent)


async def test_a_limit_that_cannot_be_read_stops_its_account_and_loses_nothing(dispatching):
    """The touch waits, the reason stands with the account; the next account takes over."""
    async with dispatching.database.transaction() as tx:
        await put_account(
            tx, dispatching.tenant_id, channel="sms", provider="scripted",
            name=dispatching.account.name, settings={"from": "+1", "rate_per_second": "fast"},
        )  # fmt: skip
    (waits,) = await dispatching.send(dispatching.command(await dispatching.lead()))
    assert (waits.kind, waits.rule) == ("rate", "account")
    assert "rate_per_second" in waits.reason
    assert "rate_per_second" in dispatching.accounts.state_of(dispatching.account.id)
    async with dispatching.database.transaction() as tx:
        await put_account(
            tx, dispatching.tenant_id, channel="sms", provider="scripted", name="second",
            settings={"from": "+12025550177"}, priority=5,
        )  # fmt: skip
    sent = (await dispatching.send(dispatching.command(await dispatching.lead())))[-1]
    assert sent.sender == "+12025550177"
