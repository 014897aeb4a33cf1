"""An account that has spent its day: who waits for the next, and what another account takes."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from followup_contracts.envelope import Message
from followup_contracts.events import ANOTHER_DAY, TouchDeferred, TouchSent
from followup_database import new_id
from followup_directory import put_account, put_templates

FIRST, SECOND = "+12025550100", "+12025550199"


async def sells(house, name: str, sender: str, *, priority: int, **settings) -> UUID:
    async with house.database.transaction() as tx:
        made = await put_account(
            tx,
            house.tenant_id,
            channel="sms",
            provider="scripted",
            name=name,
            settings={"from": sender, **settings},
            priority=priority,
        )
    return made.id


def again(command: Message, **changes) -> Message:
    fields = {"round": command.data.round + 1, **changes}
    return replace(command, id=new_id(), data=command.data.model_copy(update=fields))


def numbers(house) -> list[str]:
    return [call.sender for call in house.provider.calls]


@pytest.fixture
async def commands(dispatching) -> list[Message]:
    return [
        dispatching.command(await dispatching.lead(phone_e164=f"+1212558{n:04d}")) for n in range(6)
    ]


async def test_who_finds_the_day_spent_is_told_a_day_and_holds_no_place(dispatching, commands):
    """The first goes; the others wait for their turn outside their tenant's window."""
    await sells(dispatching, dispatching.account.name, FIRST, priority=0, per_day=1)
    events = await dispatching.send(*commands[:3])
    assert [type(event) for event in events] == [TouchDeferred] * 2 + [TouchSent]
    told = [event for event in events if isinstance(event, TouchDeferred)]
    assert {(event.kind, event.rule) for event in told} == {("rate", ANOTHER_DAY)}
    assert not any(event.outstanding for event in told)
    midnight = (dispatching.clock() + timedelta(days=1)).date()
    assert {event.not_before.date() for event in told} == {midnight}
    assert "used up" in told[0].reason


async def test_the_next_account_takes_over_where_a_day_is_spent(dispatching, commands):
    """Two of a day of two go by the first, the others at once by the second, all of them once."""
    await sells(dispatching, dispatching.account.name, FIRST, priority=0, per_day=2)
    await sells(dispatching, "second", SECOND, priority=1)
    events = await dispatching.send(*commands[:3])
    events = await dispatching.send(*commands[3:])
    assert [type(event) for event in events] == [TouchSent] * 6
    assert numbers(dispatching) == [FIRST] * 2 + [SECOND] * 4
    await dispatching.send(*(again(command) for command in commands))
    assert len(dispatching.provider.calls) == 6


async def test_all_days_spent_is_told_as_one(dispatching, commands):
    """Where no account has anything left, the touch waits for a day."""
    await sells(dispatching, dispatching.account.name, FIRST, priority=0, per_day=1)
    await sells(dispatching, "second", SECOND, priority=1, per_day=1)
    events = await dispatching.send(*commands[:3])
    assert sorted(numbers(dispatching)) == [FIRST, SECOND]
    (told,) = [event for event in events if isinstance(event, TouchDeferred)]
    assert told.rule == ANOTHER_DAY


async def test_who_knows_a_number_waits_for_its_day_and_hears_from_no_other(
    dispatching, commands, clock
):
    """A person written to by the first account is not written to by the second meanwhile."""
    lead = await dispatching.lead(phone_e164="+12125580999")
    await sells(dispatching, dispatching.account.name, FIRST, priority=0, per_day=1)
    await sells(dispatching, "second", SECOND, priority=1)
    await dispatching.send(dispatching.command(lead))
    clock.jump(clock() + timedelta(days=2))
    await dispatching.send(commands[0])  # spends the first account's day
    await dispatching.send(dispatching.command(lead), commands[1])
    assert numbers(dispatching) == [FIRST, FIRST, SECOND]
    told = [e for e in await dispatching.events() if isinstance(e, TouchDeferred)]
    assert [event.rule for event in told] == [ANOTHER_DAY]


async def test_who_was_written_to_by_the_second_stays_with_it(dispatching, commands, clock):
    """A conversation goes on from the number it began with, also when the first is free again."""
    await sells(dispatching, dispatching.account.name, FIRST, priority=0, per_day=0)
    await sells(dispatching, "second", SECOND, priority=1)
    lead = await dispatching.lead(phone_e164="+12125580999")
    await dispatching.send(dispatching.command(lead))
    await sells(dispatching, dispatching.account.name, FIRST, priority=0)
    clock.jump(clock() + timedelta(days=2))
    await dispatching.send(dispatching.command(lead), commands[0])
    assert sorted(numbers(dispatching)) == [FIRST, SECOND, SECOND]


async def test_a_long_text_goes_where_there_is_room_for_all_of_it(dispatching, commands):
    """Two segments do not fit the one that is left, so the other account has them."""
    async with dispatching.database.transaction() as tx:
        (long,) = await put_templates(tx, dispatching.tenant_id, [("sms", {"text": "x" * 200})])
    await sells(dispatching, dispatching.account.name, FIRST, priority=0, per_day=1)
    await sells(dispatching, "second", SECOND, priority=1, per_day=2)
    await dispatching.send(again(commands[0], template=long))
    assert numbers(dispatching) == [SECOND]
