"""The next account of a channel takes over, and never sends what may have gone out."""

from dataclasses import replace

import pytest

from followup_contracts.envelope import Message
from followup_contracts.events import TouchDeferred, TouchFailed, TouchSent, TouchUnknown
from followup_database import new_id
from followup_directory import put_account
from followup_dispatcher.providers.port import Accepted, Call, Refused, RetryLater, Unknown

FIRST, SECOND = "+12025550100", "+12025550199"


@pytest.fixture
async def commands(dispatching) -> list[Message]:
    """Three touches, at a tenant with two accounts for texts."""
    async with dispatching.database.transaction() as tx:
        await put_account(
            tx,
            dispatching.tenant_id,
            channel="sms",
            provider="scripted",
            name="second",
            settings={"from": SECOND},
            priority=1,
        )
    return [
        dispatching.command(await dispatching.lead(phone_e164=f"+1212557{n:04d}")) for n in range(3)
    ]


def again(command: Message) -> Message:
    return replace(command, id=new_id(), data=command.data.model_copy(update={"round": 2}))


async def test_what_may_have_gone_out_is_not_sent_by_the_next_account(dispatching, commands):
    """An open outcome is the ledger's, whatever accounts there are (novu#2859, novu#6092)."""

    async def silence(_call: Call) -> Unknown:
        return Unknown("no answer")

    dispatching.provider.answer = silence
    await dispatching.send(commands[0])
    events = await dispatching.send(again(commands[0]))
    assert [type(event) for event in events] == [TouchUnknown] * 2
    assert [call.sender for call in dispatching.provider.calls] == [FIRST]


async def test_the_next_account_sends_what_the_first_certainly_did_not(dispatching, commands):
    """An account that refuses us is passed over; its touch goes out once, by the other."""

    async def first_refuses(call: Call) -> Accepted | RetryLater:
        if call.sender == FIRST:
            return RetryLater("20003", "not accepted", account_wide=True, broken=True)
        return Accepted("by-the-second")

    dispatching.provider.answer = first_refuses
    await dispatching.send(commands[0])
    events = await dispatching.send(again(commands[0]), again(commands[0]))
    assert [type(event) for event in events] == [TouchDeferred, TouchSent]
    assert [call.sender for call in dispatching.provider.calls] == [FIRST, SECOND]


async def test_one_refused_recipient_does_not_have_the_batch_sent_again(dispatching, commands):
    """Each touch has its own outcome: the others went, and nothing repeats (mautic#7226)."""
    bad = commands[1].data.touch_id

    async def one_refused(call: Call) -> Accepted | Refused:
        if call.touch_id == bad:
            return Refused("21211", "not a number")
        return Accepted(str(call.touch_id))

    dispatching.provider.answer = one_refused
    events = await dispatching.send(*commands)
    assert sorted(type(event).__name__ for event in events) == [
        TouchFailed.__name__,
        TouchSent.__name__,
        TouchSent.__name__,
    ]
    repeated = await dispatching.send(*(again(command) for command in commands))
    assert len(repeated) == 2 * len(events), "answered from the ledger"
    assert len(dispatching.provider.calls) == len(commands)
