"""How an open outcome comes to its end: by callback, by the vendor's record, by a person."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from followup_contracts.envelope import Message
from followup_contracts.events import (
    TouchBounced,
    TouchDeferred,
    TouchDelivered,
    TouchSent,
    TouchUnknown,
)
from followup_database import new_id
from followup_directory import set_tenant_settings
from followup_dispatcher.feedback import FeedbackHandler
from followup_dispatcher.metrics import Metrics
from followup_dispatcher.providers.port import Absent, Accepted, Found, Undecided, Unknown
from followup_dispatcher.sweeps import GRACE, StaleSweep, UnknownSweep


async def silence(_call) -> Unknown:
    return Unknown("no answer within 8 s")


@pytest.fixture
async def command(dispatching) -> Message:
    return dispatching.command(await dispatching.lead())


@pytest.fixture
async def unknown(dispatching, command) -> Message:
    """A command whose outcome is open."""
    dispatching.provider.answer = silence
    (event,) = await dispatching.send(command)
    assert isinstance(event, TouchUnknown)
    dispatching.provider.answer = None
    return command


@pytest.fixture
def asking(dispatching) -> UnknownSweep:
    return UnknownSweep(
        dispatching.database, outbox=dispatching.outbox, accounts=dispatching.accounts
    )


@pytest.fixture
def sweep(dispatching) -> StaleSweep:
    return StaleSweep(
        dispatching.database,
        outbox=dispatching.outbox,
        metrics=Metrics(CollectorRegistry()),
        stale_after=0.0,
    )


def again(command: Message) -> Message:
    return replace(command, id=new_id(), data=command.data.model_copy(update={"round": 2}))


async def attempts(dispatching) -> list[tuple]:
    rows = await dispatching.rows(
        "SELECT state, settled_by, provider_ref FROM dispatcher.attempts ORDER BY number"
    )
    return [(row["state"], row["settled_by"], row["provider_ref"]) for row in rows]


async def report(dispatching, command, kind=TouchDelivered, **more) -> None:
    """A vendor's word on the newest attempt, as replies tells it."""
    *_, row = await dispatching.rows(
        "SELECT id, account_id FROM dispatcher.attempts ORDER BY number"
    )
    data = kind(
        touch_id=command.data.touch_id,
        enrollment_id=command.data.enrollment_id,
        lead_id=command.data.lead_id,
        person_id=command.data.person_id,
        channel="sms",
        attempt_id=row["id"],
        provider_ref="SM1",
        at=dispatching.clock(),
        **more,
    )
    message = Message.of(
        data,
        id=new_id(),
        tenant_id=dispatching.tenant_id,
        source="replies",
        subject=str(command.data.touch_id),
        time=dispatching.clock(),
    )
    async with dispatching.database.transaction() as tx:
        await FeedbackHandler(dispatching.outbox)(tx, [message])


@pytest.mark.parametrize(
    ("kind", "more"), [(TouchDelivered, {}), (TouchBounced, {"permanent": True, "code": "30005"})]
)
async def test_a_callback_settles_what_was_unknown(dispatching, unknown, kind, more):
    """Whoever reports on an attempt has accepted it, whatever became of it then."""
    await report(dispatching, unknown, kind, **more)

    *_, sent = await dispatching.events()
    assert isinstance(sent, TouchSent)
    assert sent.provider_ref == "SM1"
    assert await attempts(dispatching) == [("accepted", "callback", "SM1")]


async def test_a_callback_that_comes_twice_is_told_once(dispatching, unknown):
    """An accepted attempt never changes again."""
    await report(dispatching, unknown)
    before = len(await dispatching.events())
    await report(dispatching, unknown)
    assert len(await dispatching.events()) == before


async def test_a_callback_before_the_answer_settles_the_call(dispatching, command):
    """The answer that comes after it changes nothing and gives the capacity back."""
    calling, answer = asyncio.Event(), asyncio.Event()

    async def slow(_call) -> Accepted:
        calling.set()
        await answer.wait()
        return Accepted("SM-late")

    dispatching.provider.answer = slow
    claims = await dispatching.desk.claim([command])
    dispatching.caller.begin(claims.claimed)
    await calling.wait()
    await report(dispatching, command)
    answer.set()
    await dispatching.settled()

    assert await attempts(dispatching) == [("accepted", "callback", "SM1")]
    assert [type(event) for event in await dispatching.events()] == [TouchSent]
    assert dispatching.capacity.taken == 0


async def test_a_claim_left_behind_becomes_unknown_and_is_asked_about(
    dispatching, command, sweep, asking
):
    """Nobody knows whether its call began; the vendor's record does."""
    await dispatching.desk.claim([command])
    assert (await sweep.run_once()).worked == 1
    (event,) = await dispatching.events()
    assert isinstance(event, TouchUnknown)
    assert (await sweep.run_once()).worked == 0

    dispatching.provider.finding = Found("SM7")
    await asking.run_once()

    *_, sent = await dispatching.events()
    assert isinstance(sent, TouchSent)
    assert await attempts(dispatching) == [("accepted", "record", "SM7")]
    assert dispatching.provider.calls == []
    (asked,) = dispatching.provider.asked
    assert asked.touch_id == command.data.touch_id


async def test_a_claim_swept_under_its_holder_is_not_called(dispatching, command, sweep, ticking):
    """A process that was only slow finds its claim gone, and knows that it never called."""
    claims = await dispatching.desk.claim([command])
    await sweep.run_once()
    ticking.now += 1.0

    dispatching.caller.begin(claims.claimed)
    await dispatching.settled()

    assert dispatching.provider.calls == []
    assert [state for state, *_ in await attempts(dispatching)] == ["retry_later"]
    assert dispatching.capacity.taken == 0
    *_, sent = await dispatching.send(again(command))
    assert isinstance(sent, TouchSent)
    assert len(dispatching.provider.calls) == 1


async def test_proven_absence_frees_the_touch_for_another_attempt(dispatching, unknown, asking):
    """Deferred with its cap given back; the next round is a new attempt, and goes out."""
    dispatching.provider.finding = Absent()
    await asking.run_once()

    *_, deferred = await dispatching.events()
    assert isinstance(deferred, TouchDeferred)
    (usage,) = await dispatching.rows("SELECT contacts FROM dispatcher.usage")
    assert usage["contacts"] == []

    *_, sent = await dispatching.send(again(unknown))
    assert isinstance(sent, TouchSent)
    assert [state for state, *_ in await attempts(dispatching)] == ["retry_later", "accepted"]


async def test_what_frees_it_speaks_of_the_round_that_asked_last(dispatching, unknown, asking):
    """The scheduler counts no word on an earlier round, and "unknown" would stand for ever."""
    *_, told = await dispatching.send(again(unknown))
    assert (type(told), told.round) == (TouchUnknown, 2)

    dispatching.provider.finding = Absent()
    await asking.run_once()

    *_, freed = await dispatching.events()
    assert (type(freed), freed.round) == (TouchDeferred, 2)


class Meanwhile:
    """Looks as the dispatcher does; then something happens before its claim goes on."""

    def __init__(self, surveyor, happens) -> None:
        self._surveyor, self._happens = surveyor, happens

    async def look(self, tx, messages, **more):
        picture = await self._surveyor.look(tx, messages, **more)
        await self._happens()
        return picture


async def test_an_attempt_freed_behind_the_look_is_not_told_unknown(dispatching, unknown, asking):
    """Two dispatchers: what the other freed a moment ago is deferred, under this round."""
    dispatching.provider.finding = Absent()
    desk = dispatching.desk_by(surveyor=Meanwhile(dispatching.desk._surveyor, asking.run_once))
    await desk.claim([again(unknown)])

    *_, told = await dispatching.events()
    assert (type(told), told.round) == (TouchDeferred, 2)
    assert [state for state, *_ in await attempts(dispatching)] == ["retry_later"]


async def test_an_attempt_settled_behind_the_look_is_told_as_it_stands(
    dispatching, unknown, asking
):
    """What the vendor's record holds was sent, whoever asks."""
    dispatching.provider.finding = Found("SM7")
    desk = dispatching.desk_by(surveyor=Meanwhile(dispatching.desk._surveyor, asking.run_once))
    await desk.claim([again(unknown)])

    assert isinstance((await dispatching.events())[-1], TouchSent)


async def test_a_claim_that_is_asked_for_again_is_swept_under_the_later_round(
    dispatching, command, sweep
):
    """Its process is gone; the scheduler hears of the round that it waits for."""
    await dispatching.desk.claim([command])
    await dispatching.desk.claim([again(command)])
    await sweep.run_once()

    (told,) = await dispatching.events()
    assert (type(told), told.round) == (TouchUnknown, 2)


@pytest.mark.parametrize("swept", [True, False])
async def test_what_was_not_begun_is_put_off_under_the_round_that_asked_last(
    dispatching, command, sweep, ticking, swept
):
    """A process that was only slow gives its claim back to whoever waits for it by now."""
    claims = await dispatching.desk.claim([command])
    if swept:
        await sweep.run_once()
    await dispatching.desk.claim([again(command)])
    ticking.now += 1.0

    await dispatching.desk.release([(claims.claimed[0], "no connection", timedelta(seconds=5))])

    *_, told = await dispatching.events()
    assert (type(told), told.round) == (TouchDeferred, 2)


async def test_what_the_vendor_cannot_tell_stays_unknown_and_is_asked_again_later(
    dispatching, unknown, asking
):
    """Not at once: the pauses grow. And it is never sent again on a guess."""
    dispatching.provider.finding = Undecided("the record is not settled yet")
    assert (await asking.run_once()).worked == 1
    assert (await asking.run_once()).worked == 0

    *_, told = await dispatching.send(again(unknown))

    assert isinstance(told, TouchUnknown)
    assert [state for state, *_ in await attempts(dispatching)] == ["unknown"]
    assert len(dispatching.provider.calls) == 1


async def test_a_vendor_that_keeps_no_record_is_not_asked(dispatching, unknown, asking):
    """Its unknown attempts wait for a callback or a person."""
    assert unknown.data.touch_id
    dispatching.provider.settling = None
    await asking.run_once()
    assert dispatching.provider.asked == []
    assert [state for state, *_ in await attempts(dispatching)] == ["unknown"]


async def policy(dispatching, *channels: str) -> None:
    async with dispatching.database.transaction() as tx:
        await set_tenant_settings(tx, dispatching.tenant_id, {"resend_unknown": list(channels)})


async def unable(dispatching) -> UnknownSweep:
    """A sweep half an hour on, at a vendor that cannot be asked."""
    dispatching.provider.settling = None
    await dispatching.rows("UPDATE dispatcher.attempts SET ask_on = clock_timestamp() RETURNING 1")
    return UnknownSweep(
        dispatching.database,
        outbox=dispatching.outbox,
        accounts=dispatching.accounts,
        now=lambda: datetime.now(UTC) + GRACE + timedelta(seconds=1),
    )


@pytest.mark.usefixtures("unknown")
async def test_where_nobody_can_be_asked_it_waits_for_a_person(dispatching):
    """The default: an unknown attempt is shown and never sent again by itself."""
    await (await unable(dispatching)).run_once()
    assert [state for state, *_ in await attempts(dispatching)] == ["unknown"]


@pytest.mark.usefixtures("unknown")
async def test_a_tenant_may_have_a_channel_sent_again(dispatching):
    """Its policy frees the touch after the callbacks' time, and the trace says so."""
    await policy(dispatching, "sms")
    await (await unable(dispatching)).run_once()
    assert await attempts(dispatching) == [("retry_later", "policy", None)]
    *_, told = await dispatching.events()
    assert isinstance(told, TouchDeferred)
    (row,) = await dispatching.rows("SELECT trace FROM dispatcher.attempts")
    assert row["trace"][-1]["rule"] == "resend_unknown"


@pytest.mark.usefixtures("unknown")
async def test_a_policy_is_for_its_channel_alone(dispatching):
    """E-mails sent again do not have texts sent again."""
    await policy(dispatching, "email")
    await (await unable(dispatching)).run_once()
    assert [state for state, *_ in await attempts(dispatching)] == ["unknown"]
