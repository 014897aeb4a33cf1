"""An account that fails: how often it is called, and where its touches wait meanwhile."""

from datetime import timedelta

import pytest

from followup_contracts.events import TouchDeferred, TouchSent, TouchUnknown
from followup_dispatcher.core.breaker import LIMIT, PAUSES
from followup_dispatcher.providers.port import Accepted, NotBegun, RetryLater, Unknown

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
