"""The interleavings of a stop and a claim, each brought about on purpose.

Both sides run on a real database. They share one monotonic clock that only the test
moves, so that "before" and "after" are facts and not races.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from dispatching import Dispatching, Ticking
from sqlalchemy import text

from followup_contracts.envelope import Message
from followup_contracts.events import ReplyReceived, TouchDeferred, TouchSent, TouchSkipped
from followup_database import new_id
from followup_dispatcher.providers.port import Accepted, Call
from followup_messaging.outbox import Outbox
from followup_people import NewLead, upsert_leads
from followup_replies.desk import FrontDesk
from followup_replies.figures import Figures
from followup_replies.inbound import Inbound, InboundDesk
from followup_replies.parts import PartsDesk
from followup_replies.reports import ReportDesk
from followup_replies.stops import Stops
from followup_runtime.metrics import Metrics
from followup_suppression import (
    ACKNOWLEDGE_AFTER,
    StopFence,
    place_hold,
    raise_epochs,
    remove_holds,
)
from followup_suppression.replying import ReplyAddresses
from followup_suppression.returning import ReturnTags
from followup_testkit.waiting import until

PHONE = "+12125550123"
LEASE = 0.150

_WAITING = """
SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE a.datname = current_database() AND NOT l.granted
"""


@dataclass
class Stopping:
    """The stopping side. Its waits move the clock, unless `gate` holds them."""

    ticking: Ticking
    slept: list[float] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    desk: FrontDesk | None = None
    fence: StopFence | None = None

    async def sleep(self, seconds: float) -> None:
        self.waiting.set()
        await self.gate.wait()
        self.slept.append(seconds)
        self.ticking.now += seconds

    async def text(self, house: Dispatching, body: str, *, vendor_id: str | None = None) -> float:
        """A text from the lead's phone; the moment its webhook was answered."""
        await self.desk.take(
            house.account,
            [
                Inbound(
                    channel="sms",
                    vendor_id=vendor_id or f"SM{new_id().hex}",
                    sender=PHONE,
                    recipient="+12025550100",
                    body=body,
                )
            ],
        )
        return self.ticking.now

    async def halt(self, house: Dispatching, command: Message) -> float:
        """What the scheduler does for a halt; the moment it was answered."""
        async with house.database.transaction() as tx:
            await raise_epochs(tx, [(house.tenant_id, command.data.enrollment_id)])
        await self.fence.settle(self.fence.moment())
        return self.ticking.now


@pytest.fixture
def stopping(dispatching: Dispatching, ticking: Ticking) -> Stopping:
    stopping = Stopping(ticking)
    stopping.gate.set()
    stopping.fence = StopFence(monotonic=ticking, sleep=stopping.sleep)
    figures = Figures(Metrics())
    outbox = Outbox("replies", dispatching.outbox.relay._bus, dispatching.database)
    means = {
        "outbox": outbox,
        "hasher": dispatching.hasher,
        "stops": Stops(outbox, figures),
        "figures": figures,
    }
    inbound = InboundDesk(**means, addresses=ReplyAddresses(b"l" * 32))
    stopping.desk = FrontDesk(
        dispatching.database,
        inbound=inbound,
        parts=PartsDesk(inbound),
        reports=ReportDesk(**means, tags=ReturnTags(b"l" * 32)),
        fence=stopping.fence,
    )
    return stopping


Stop = Callable[[Stopping, Dispatching, Message], Awaitable[float]]

STOPS: dict[str, Stop] = {
    "STOP": lambda stopping, house, _command: stopping.text(house, "STOP"),
    "reply": lambda stopping, house, _command: stopping.text(house, "Who is this?"),
    "halt": lambda stopping, house, command: stopping.halt(house, command),
}


@pytest.fixture(params=STOPS)
def stop(request: pytest.FixtureRequest) -> Stop:
    return STOPS[request.param]


@pytest.fixture
async def command(dispatching: Dispatching) -> Message:
    return dispatching.command(await dispatching.lead(phone_e164=PHONE))


async def begun(house: Dispatching, claims) -> list[float]:
    """Begin the calls of these claims; at how much of their lease each began."""
    house.caller.begin(claims.claimed)
    await house.settled()
    return house.provider.left


async def test_a_stop_committed_before_the_claim_is_seen_by_it(
    dispatching, stopping, stop, command
):
    """Once a stop is answered, a command on its way claims nothing."""
    await stop(stopping, dispatching, command)

    claims = await dispatching.desk.claim([command])

    assert claims.claimed == ()
    assert await begun(dispatching, claims) == []
    assert await dispatching.rows("SELECT 1 FROM dispatcher.attempts") == []


@asynccontextmanager
async def between_look_and_commit(
    house: Dispatching, command: Message
) -> AsyncIterator[asyncio.Task]:
    """A claim that has looked at everything and can't commit before the block ends."""
    await house.rate(100)
    key = {"key": f"account:{house.account.id}"}
    async with house.database.transaction() as tx:
        await tx.run(
            text(
                "INSERT INTO dispatcher.rates (key, tenant_id, next_at)"
                " VALUES (:key, :tenant, :now)"
            ),
            **key,
            tenant=house.tenant_id,
            now=tx.now,
        )
    async with house.database.transaction() as tx:
        await tx.run(text("SELECT 1 FROM dispatcher.rates WHERE key = :key FOR UPDATE"), **key)
        claiming = asyncio.create_task(house.desk.claim([command]))
        # Slots come last in a claim: one that waits for them has looked at everything.
        await until(lambda: house.rows(_WAITING), what="the claim waits for its slots")
        yield claiming


async def test_a_stop_answered_while_a_claim_is_open_is_seen_by_its_renewal(
    dispatching, stopping, stop, command
):
    """The claim looked before the stop and commits after its answer: no call begins."""
    async with between_look_and_commit(dispatching, command) as claiming:
        await stop(stopping, dispatching, command)
    claims = await claiming

    assert len(claims.claimed) == 1, "the claim itself has not seen the stop"
    assert await begun(dispatching, claims) == []
    assert await dispatching.rows("SELECT 1 FROM dispatcher.attempts") == []
    assert dispatching.capacity.taken == 0


async def test_a_call_begun_beside_a_stop_began_before_its_answer(
    dispatching, stopping, stop, command, ticking
):
    """The claim looked before the stop committed and calls at once: the answer waits for it."""
    stopping.gate.clear()
    async with between_look_and_commit(dispatching, command) as claiming:
        answering = asyncio.create_task(stop(stopping, dispatching, command))
        await stopping.waiting.wait()
        committed = ticking.now
    claims = await claiming
    ticking.now += LEASE - 0.030

    assert await begun(dispatching, claims) == [pytest.approx(0.030)]
    began = ticking.now
    assert not answering.done()
    stopping.gate.set()
    answered = await answering
    assert began < answered
    assert answered - committed >= ACKNOWLEDGE_AFTER


@pytest.mark.parametrize("looked_before", [0.0, 0.1, 0.149])
@pytest.mark.parametrize("begin_after", [0.0, 0.05, 0.129, 0.131, 0.149, 0.15, 0.25, 5.0])
async def test_no_call_begins_after_the_answer(
    dispatching, command, ticking, looked_before, begin_after
):
    """Whenever the stop commits and whenever the call gets its turn, one of two holds."""
    claims = await dispatching.desk.claim([command])
    ticking.now += looked_before
    committed = ticking.now
    async with dispatching.database.transaction() as tx:
        await place_hold(tx, dispatching.tenant_id, command.data.person_id, new_id())
    earliest_answer = committed + ACKNOWLEDGE_AFTER
    ticking.now = committed + begin_after

    left = await begun(dispatching, claims)

    if left:
        assert ticking.now < earliest_answer
        assert left[0] <= LEASE - looked_before - begin_after + 1e-9
    else:
        assert await dispatching.rows("SELECT 1 FROM dispatcher.attempts") == []
        (event,) = await dispatching.events()
        assert isinstance(event, TouchDeferred)
        assert event.kind == "hold"


async def test_a_lease_counts_from_before_the_claiming_transaction(dispatching, command, ticking):
    """A claim that took longer than its lease to commit looks again before it calls."""
    async with between_look_and_commit(dispatching, command) as claiming:
        ticking.now += LEASE
    claims = await claiming
    assert claims.claimed[0].lease.time_left() <= 0

    assert await begun(dispatching, claims) == [pytest.approx(LEASE)]


async def test_an_attempt_starts_with_the_last_look_at_its_lease(dispatching, command):
    """Whatever came before it (a pool, a connection) is none of the send's time."""
    moments: list[datetime] = []

    async def looks_again(call: Call) -> Accepted:
        await asyncio.sleep(0)
        moments.append(datetime.now(UTC))
        call.time_left()
        moments.append(datetime.now(UTC))
        return Accepted("ref")

    dispatching.provider.answer = looks_again
    await dispatching.send(command)

    (row,) = await dispatching.rows("SELECT started_on FROM dispatcher.attempts")
    assert moments[0] <= row["started_on"] <= moments[1]


async def test_a_stop_during_a_call_leaves_its_outcome_and_forbids_the_next(
    dispatching, stopping, command
):
    """What had begun is told as sent; the next touch of the person is skipped."""
    calling, answer = asyncio.Event(), asyncio.Event()

    async def slow(_call: Call) -> Accepted:
        calling.set()
        await answer.wait()
        return Accepted("late")

    dispatching.provider.answer = slow
    claims = await dispatching.desk.claim([command])
    dispatching.caller.begin(claims.claimed)
    await calling.wait()
    await stopping.text(dispatching, "STOP")
    answer.set()
    await dispatching.settled()

    following = dispatching.command((command.data.lead_id, command.data.person_id))
    events = await dispatching.send(following)
    (sent,) = (e for e in events if isinstance(e, TouchSent))
    (skipped,) = (e for e in events if isinstance(e, TouchSkipped))
    assert (sent.touch_id, sent.provider_ref) == (command.data.touch_id, "late")
    assert (skipped.touch_id, skipped.rule) == (following.data.touch_id, "suppressed")
    assert len(dispatching.provider.calls) == 1


async def test_the_same_webhook_twice_is_answered_twice_as_late(dispatching, stopping, command):
    """The second delivery changes nothing, and its answer waits as long as the first's."""
    assert command.data.person_id
    await stopping.text(dispatching, "Who is this?", vendor_id="SM1")
    await stopping.text(dispatching, "Who is this?", vendor_id="SM1")

    assert stopping.slept == pytest.approx([ACKNOWLEDGE_AFTER, ACKNOWLEDGE_AFTER])
    told = [e for e in await dispatching.events() if isinstance(e, ReplyReceived)]
    assert len(told) == 1
    assert len(await dispatching.rows("SELECT 1 FROM suppression.holds")) == 1


async def test_the_same_webhook_at_once_waits_for_whichever_commits(
    dispatching, stopping, command, ticking
):
    """Two deliveries in the same moment: one reply, one hold, neither answered early."""
    assert command.data.person_id
    began = ticking.now
    answered = await asyncio.gather(
        *(stopping.text(dispatching, "Who is this?", vendor_id="SM2") for _ in range(4))
    )

    assert all(moment - began >= ACKNOWLEDGE_AFTER for moment in answered)
    assert len(await dispatching.rows("SELECT 1 FROM suppression.holds")) == 1
    told = [e for e in await dispatching.events() if isinstance(e, ReplyReceived)]
    assert len(told) == 1


async def test_a_decided_reply_frees_one_touch_and_ends_the_other(dispatching, stopping, command):
    """The decision halts one enrollment and lifts the hold: the person's other one goes on."""
    other = dispatching.command((command.data.lead_id, command.data.person_id))
    await stopping.text(dispatching, "Who is this?")
    (hold,) = await dispatching.rows("SELECT person_id, reply_id FROM suppression.holds")
    first = await dispatching.send(command, other)
    assert [e.kind for e in first if isinstance(e, TouchDeferred)] == ["hold", "hold"]

    async with dispatching.database.transaction() as tx:
        await raise_epochs(tx, [(dispatching.tenant_id, command.data.enrollment_id)])
        await remove_holds(tx, [(hold["person_id"], hold["reply_id"])])
    events = await dispatching.send(*(again(one) for one in (command, other)))

    (skipped,) = (e for e in events if isinstance(e, TouchSkipped))
    (sent,) = (e for e in events if isinstance(e, TouchSent))
    assert (skipped.touch_id, skipped.rule) == (command.data.touch_id, "superseded")
    assert sent.touch_id == other.data.touch_id


async def test_a_claim_never_sees_half_of_a_decision(dispatching, stopping, command):
    """While the deciding transaction is open the hold stands; afterwards the epoch does."""
    await stopping.text(dispatching, "Who is this?")
    (hold,) = await dispatching.rows("SELECT person_id, reply_id FROM suppression.holds")
    async with dispatching.database.transaction() as tx:
        await remove_holds(tx, [(hold["person_id"], hold["reply_id"])])
        *_, open_ = await dispatching.send(command)
        await raise_epochs(tx, [(dispatching.tenant_id, command.data.enrollment_id)])
        *_, still_open = await dispatching.send(again(command))
    *_, decided = await dispatching.send(again(command, round_=3))

    assert [type(e) for e in (open_, still_open)] == [TouchDeferred, TouchDeferred]
    assert {open_.kind, still_open.kind} == {"hold"}
    assert isinstance(decided, TouchSkipped)
    assert dispatching.provider.calls == []


async def test_deciding_on_one_reply_leaves_the_hold_of_the_next(dispatching, stopping, command):
    """Two replies, one decided on: the person still hears nothing."""
    await stopping.text(dispatching, "Who is this?")
    await stopping.text(dispatching, "And what does it cost?")
    (first, _) = await dispatching.rows(
        "SELECT person_id, reply_id FROM suppression.holds ORDER BY reply_id"
    )
    async with dispatching.database.transaction() as tx:
        await remove_holds(tx, [(first["person_id"], first["reply_id"])])

    *_, deferred = await dispatching.send(command)

    assert isinstance(deferred, TouchDeferred)
    assert deferred.kind == "hold"
    assert dispatching.provider.calls == []


async def test_a_hold_outlives_the_merging_of_its_person(dispatching, stopping):
    """A reply holds its person under whatever id the person is known by afterwards."""
    older = await dispatching.lead(phone_e164=None, email="ada@example.com")
    younger = await dispatching.lead(phone_e164=PHONE, email=None)
    await stopping.text(dispatching, "Who is this?")
    await merged(dispatching)

    *_, deferred = await dispatching.send(dispatching.command(younger))
    *_, other = await dispatching.send(dispatching.command(older))

    assert isinstance(deferred, TouchDeferred)
    assert {deferred.kind, other.kind} == {"hold"}
    assert dispatching.provider.calls == []


async def test_caps_outlive_the_merging_of_their_person(dispatching):
    """A text that went to a person before a merge counts for who the person is now."""
    older = await dispatching.lead(phone_e164=None, email="ada@example.com")
    younger = await dispatching.lead(phone_e164=PHONE, email=None)
    (sent,) = await dispatching.send(dispatching.command(younger))
    assert isinstance(sent, TouchSent)
    await merged(dispatching)

    *_, deferred = await dispatching.send(dispatching.command(older))

    assert isinstance(deferred, TouchDeferred)
    assert deferred.kind == "cap"
    assert len(dispatching.provider.calls) == 1


async def merged(house: Dispatching) -> None:
    """An enquiry that names both persons' addresses makes them one."""
    async with house.database.transaction() as tx:
        (saved,) = await upsert_leads(
            tx,
            [
                NewLead(
                    tenant_id=house.tenant_id,
                    lead_id=new_id(),
                    person_id=new_id(),
                    source="web_form",
                    received_at=tx.now,
                    first_name="Ada",
                    phone_e164=PHONE,
                    email="ada@example.com",
                    country="US",
                    state="NY",
                    postal_code="10001",
                    consent="yes",
                )
            ],
        )
    assert saved.absorbed


def again(command: Message, *, round_: int = 2) -> Message:
    """The next round of a command."""
    return replace(command, id=new_id(), data=command.data.model_copy(update={"round": round_}))
