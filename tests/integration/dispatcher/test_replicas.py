"""What several dispatchers share: the rates and the ledger."""

import asyncio
from datetime import timedelta

import pytest

from followup_directory import put_templates

RATE = 20
FIFTY = 50


async def leads(dispatching, count: int) -> list:
    return [await dispatching.lead(phone_e164=f"+1212555{n:04d}") for n in range(count)]


def shares(commands: list, count: int) -> list[list]:
    return [commands[n::count] for n in range(count)]


async def test_replicas_that_reserve_at_once_hand_out_each_slot_once(dispatching):
    """Four dispatchers, one rate: together an even stream, without a gap or a double."""
    await dispatching.rate(RATE)
    commands = [dispatching.command(lead) for lead in await leads(dispatching, 40)]
    desks = [dispatching.replica() for _ in range(4)]

    claims = await asyncio.gather(
        *(desk.claim(part) for desk, part in zip(desks, shares(commands, 4), strict=True))
    )

    starts = sorted(one.starts_at - 1000.0 for each in claims for one in each.claimed)
    assert starts == pytest.approx([n / RATE for n in range(40)], abs=1e-3)


async def test_replicas_together_hold_no_slot_beyond_the_horizon(dispatching):
    """Lane `later` reaches 2 s ahead, however many ask; the others are deferred, not lost."""
    await dispatching.rate(RATE)
    commands = [dispatching.command(lead, lane="later") for lead in await leads(dispatching, 60)]
    desks = [dispatching.replica() for _ in range(3)]

    claims = await asyncio.gather(
        *(desk.claim(part) for desk, part in zip(desks, shares(commands, 3), strict=True))
    )

    claimed = [one for each in claims for one in each.claimed]
    deferred = await dispatching.events()
    assert len(claimed) == 2 * RATE + 1
    assert max(one.starts_at for one in claimed) <= 1000.0 + 2 + 1e-6
    assert len(claimed) + len(deferred) == len(commands)
    assert {event.kind for event in deferred} == {"rate"}
    now = dispatching.clock()
    assert all(event.not_before >= now + timedelta(seconds=1) for event in deferred)


async def test_a_rate_is_charged_by_segments(dispatching):
    """A text of several segments takes the slots of as many, and the next waits for them."""
    await dispatching.rate(1)
    long = {"text": "x" * 400}
    async with dispatching.database.transaction() as tx:
        (template,) = await put_templates(tx, dispatching.tenant_id, [("sms", long)])
    claims = await dispatching.desk.claim(
        [dispatching.command(lead, template=template) for lead in await leads(dispatching, 2)]
    )
    first, second = sorted(claims.claimed, key=lambda one: one.starts_at)
    assert first.segments == 3
    assert second.starts_at - first.starts_at == pytest.approx(3.0, abs=1e-3)


async def test_replicas_that_get_the_same_commands_make_one_call_each(dispatching):
    """Every command delivered to four dispatchers at once: one attempt a touch."""
    commands = [dispatching.command(lead) for lead in await leads(dispatching, 12)]
    desks = [dispatching.replica() for _ in range(4)]

    claims = await asyncio.gather(*(desk.claim(commands) for desk in desks))

    touches = [one.command.touch_id for each in claims for one in each.claimed]
    assert sorted(touches) == sorted(command.data.touch_id for command in commands)
    assert len(await dispatching.rows("SELECT 1 FROM dispatcher.attempts")) == 12


async def test_a_burst_goes_out_at_once_and_then_the_rate_holds(dispatching):
    """After a pause `burst` slots are there together."""
    await dispatching.rate(RATE, burst=5)
    commands = [dispatching.command(lead) for lead in await leads(dispatching, 10)]
    claims = await dispatching.desk.claim(commands)
    starts = sorted(one.starts_at - 1000.0 for one in claims.claimed)
    assert starts[:5] == [0.0] * 5
    assert starts[5:] == pytest.approx([n / RATE for n in range(1, 6)], abs=1e-3)


async def test_five_replicas_keep_fifty_a_second_together(dispatching):
    """Over every second 50 and one more at most, and nothing of the rate is left unused."""
    await dispatching.rate(FIFTY)
    commands = [dispatching.command(lead) for lead in await leads(dispatching, 150)]
    desks = [dispatching.replica() for _ in range(5)]
    moments: list[float] = []
    for turn in range(3):  # each takes ten at a time, all at once
        batches = shares(commands[turn * 50 : turn * 50 + 50], 5)
        claims = await asyncio.gather(
            *(desk.claim(part) for desk, part in zip(desks, batches, strict=True))
        )
        moments += [one.starts_at - 1000.0 for each in claims for one in each.claimed]
    moments.sort()
    assert len(moments) == 150
    assert moments[-1] <= (150 - 1) / FIFTY + 1e-3
    for first in moments:
        assert sum(first <= each < first + 1 - 1e-3 for each in moments) <= FIFTY + 1


async def test_replicas_that_claim_for_one_person_share_their_caps(dispatching):
    """Five texts of five sequences at once for one person: one goes, the others wait (R1)."""
    lead = await dispatching.lead()
    commands = [dispatching.command(lead) for _ in range(5)]
    claims = await asyncio.gather(*(dispatching.replica().claim([command]) for command in commands))
    assert sum(len(each.claimed) for each in claims) == 1
    told = await dispatching.events()
    assert [event.rule for event in told] == ["R1"] * 4
