"""What every provider adapter promises, over every vendor, on a real socket.

The vendors are stand-ins that speak as the vendors' references say; none of them is the
vendor itself. What Twilio and SMTP promise beyond this stands in suites of their own.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from vendor_cases import ATTEMPT, CASES, Case

from followup_dispatcher.providers.port import (
    Absent,
    Accepted,
    Call,
    Content,
    Found,
    NotBegun,
    PastAttempt,
    Provider,
    Refused,
    RetryLater,
    Undecided,
    Unknown,
)
from followup_dispatcher.providers.registry import factories
from followup_testkit.twilio import (
    CutAfter,
    CutBefore,
    Garbled,
    HalfBody,
    ServerError,
    Silence,
    TooMany,
)
from followup_testkit.vendors import Say
from followup_testkit.waiting import until

TOUCH = UUID("0198f0c4-7a10-7b31-9d2e-1f5b6c7d8e91")
STARTED = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
WORDS = "Hi Dana, is the quote for the roof still of use?"

CHANNELLED = {"sandbox", "webhook"}
"""Vendors that are the same on every channel: one stands for all."""


def over(wanted: Callable[[Case], object] = lambda _case: True) -> pytest.MarkDecorator:
    """The cases a promise can be asked of."""
    cases = [case for case in CASES if wanted(case)]
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def on_a_line(case: Case) -> bool:
    """There is something between us and the vendor."""
    return case.line != "none"


def by_http(case: Case) -> bool:
    """It is asked by HTTP."""
    return case.line == "http"


def can_be_asked(case: Case) -> bool:
    """Its record shows what became of an attempt."""
    return case.provider(_Nowhere()).settling is not None


class _Nowhere:
    base_url = "http://127.0.0.1:9"

    async def record(self, _call: Call) -> str:
        raise ConnectionRefusedError

    async def find(self, _touch_id: UUID, _attempt_id: UUID) -> str | None:
        raise ConnectionRefusedError


@asynccontextmanager
async def at_vendor(
    case: Case, *, minutes: float = 0, wrong: bool = False
) -> AsyncIterator[tuple[Any, Provider]]:
    """The vendor's stand-in and an account at it, so long after the attempt."""
    async with case.stub(case.dialect) as vendor:
        now = STARTED + timedelta(minutes=minutes)
        provider = case.provider(vendor, wrong=wrong, clock=lambda: now)
        try:
            yield vendor, provider
        finally:
            await provider.close()


def call(
    case: Case, *, left: Callable[[], float] = lambda: 60.0, words: str = WORDS, **content: str
) -> Call:
    """A message for this vendor, with a lease."""
    return Call(
        attempt_id=ATTEMPT,
        touch_id=TOUCH,
        tenant_id=UUID(int=3),
        channel=case.dialect.channel,
        content=Content(words, **content),
        callback_url=f"https://follow.example/hooks/v/a/status?touch={TOUCH}&attempt={ATTEMPT}",
        valid_for=timedelta(hours=2),
        time_left=left,
        **case.addresses,
    )


def past(case: Case) -> PastAttempt:
    """What the ledger knows of that message."""
    return PastAttempt(
        attempt_id=ATTEMPT, touch_id=TOUCH, text=WORDS, started_at=STARTED, **case.addresses
    )


def test_every_adapter_is_held_to_these_promises():
    """What the registry can make has a case here; no adapter comes in beside the suite."""
    made = {key for key in factories(_Nowhere()) if key[0] not in CHANNELLED}
    held = {(case.dialect.vendor, case.dialect.channel) for case in CASES}
    assert made | {(vendor, "sms") for vendor in CHANNELLED} <= held


@over()
async def test_a_message_is_taken_with_the_vendors_id(case):
    """One request with the words in it; the answer holds the vendor's own id."""
    async with at_vendor(case) as (vendor, provider):
        assert await provider.send(call(case)) == Accepted(case.ref, 1)
        assert len(vendor.asked) == 1
        assert WORDS in case.carried(vendor.asked[0])


@over()
async def test_the_attempt_travels_where_the_vendor_echoes_it(case):
    """What comes back by webhook or record names our attempt."""
    async with at_vendor(case) as (vendor, provider):
        await provider.send(call(case))
        planted = case.dialect.attempt(vendor.asked[0])
        assert planted == (str(ATTEMPT) if case.echoes else None)


@pytest.mark.parametrize(
    ("case", "what"),
    [
        pytest.param(case, what, id=f"{case.name}-{what}")
        for case in CASES
        for what in ("refused", "opted_out")
        if what in case.dialect.refusals
    ],
)
async def test_a_refusal_is_final_and_has_its_reason(case, what):
    """A refused message is never sent again; one whose address is at fault is listed."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(Say(what))
        answer = await provider.send(call(case))
        assert isinstance(answer, Refused)
        assert answer.suppress == (what == "opted_out")
        assert answer.code
        assert answer.reason


@over(on_a_line)
async def test_too_much_at_once_comes_later_and_holds_the_account_back(case):
    """A rate's answer says nothing of the touch; nobody else of the account is tried meanwhile."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(Say("crowded"))
        answer = await provider.send(call(case))
        assert isinstance(answer, RetryLater)
        assert answer.crowded
        assert not answer.broken


@over(by_http)
async def test_the_vendors_word_for_when_is_kept(case):
    """Retry-After is honoured wherever the refusal is one of HTTP's own."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(TooMany(retry_after=17))
        answer = await provider.send(call(case))
        assert isinstance(answer, RetryLater)
        silent = case.dialect.refusals["crowded"].status == 200  # it says it in the body alone
        assert answer.after == (None if silent else timedelta(seconds=17))


@over(on_a_line)
@pytest.mark.parametrize("how", ["sender", "secret"])
async def test_an_account_at_fault_is_told_from_a_message_at_fault(case, how):
    """A wrong secret or a sender that is not verified breaks the account, not the touch."""
    async with at_vendor(case, wrong=how == "secret") as (vendor, provider):
        vendor.script.append(Say("broken"))
        answer = await provider.send(call(case))
        assert isinstance(answer, RetryLater)
        assert answer.broken
        assert answer.account_wide


@over(by_http)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("accepted", [True, False])
async def test_a_server_error_leaves_it_open(case, status, accepted):
    """No vendor says that a 5xx was not accepted, so nobody resends."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(ServerError(accepted=accepted, status=status))
        assert isinstance(await provider.send(call(case)), Unknown)
        assert len(vendor.asked) == 1


@over()
@pytest.mark.parametrize("fault", [CutBefore(), CutAfter()], ids=repr)
async def test_a_cut_line_leaves_it_open(case, fault):
    """Once a byte went out, a broken connection tells nothing; the request is never repeated."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(fault)
        assert isinstance(await provider.send(call(case)), Unknown)
        assert len(vendor.asked) == 1


@over(on_a_line)
async def test_half_an_answer_leaves_it_open(case):
    """A line that breaks in the middle of the answer tells as little."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(HalfBody())
        assert isinstance(await provider.send(call(case)), Unknown)
        assert len(vendor.asked) == 1


@over(on_a_line)
async def test_an_answer_that_cannot_be_read_is_never_a_refusal(case):
    """A 2xx that makes no sense may be an acceptance: where its body matters it is open."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(Garbled())
        answer = await provider.send(call(case))
        assert isinstance(answer, Unknown | Accepted)
        if isinstance(answer, Accepted):
            assert answer.ref is None, "the status alone is the vendor's yes"


@over(on_a_line)
async def test_no_answer_in_time_leaves_it_open(case):
    """A call that is cut off by its caller has begun: no second one is made."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(Silence())
        sending = asyncio.create_task(provider.send(call(case)))
        await until(lambda: vendor.asked, what="the vendor has it")
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert len(vendor.asked) == 1


@over()
async def test_without_a_lease_nothing_begins(case):
    """A lease that is over hands over not a byte."""
    async with at_vendor(case) as (vendor, provider):
        over = await provider.send(call(case, left=lambda: 0.0))
        assert over == NotBegun("lease over", ours=True)
        assert vendor.asked == []


@over(on_a_line)
async def test_a_lease_that_ends_on_the_way_begins_nothing(case):
    """It is looked at once more immediately before the socket."""
    left = iter([1.0])
    async with at_vendor(case) as (vendor, provider):
        ending = await provider.send(call(case, left=lambda: next(left, 0.0)))
        assert isinstance(ending, NotBegun)
        assert vendor.asked == []


@over(on_a_line)
async def test_where_nobody_listens_nothing_begins(case):
    """No connection, no request."""
    async with at_vendor(case) as (_, provider):
        pass
    refused = case.provider(_Nowhere(), clock=lambda: STARTED)
    assert isinstance(await refused.send(call(case)), NotBegun)
    await refused.close()
    assert provider.name == case.dialect.vendor


@over(lambda case: case.too_long)
async def test_more_than_the_vendor_carries_is_refused_before_it_is_sent(case):
    """Its size limit is ours: no request is made."""
    async with at_vendor(case) as (vendor, provider):
        answer = await provider.send(call(case, words=case.too_long()))
        assert isinstance(answer, Refused)
        assert answer.code == "too-long"
        assert vendor.asked == []


@over(can_be_asked)
async def test_what_the_vendors_record_shows_is_found(case):
    """A message that was taken without an answer is found again, by what was planted in it."""
    async with at_vendor(case, minutes=1) as (vendor, provider):
        vendor.script.append(CutAfter())
        await provider.send(call(case))
        assert await provider.find(past(case)) == Found(case.found)


@over(lambda case: not can_be_asked(case))
async def test_who_cannot_be_asked_is_not_asked(case):
    """Then nothing is concluded, however long it waits."""
    async with at_vendor(case, minutes=60) as (vendor, provider):
        vendor.script.append(CutAfter())
        await provider.send(call(case))
        assert isinstance(await provider.find(past(case)), Undecided)
        assert vendor.searches == 0


@over(lambda case: can_be_asked(case) and on_a_line(case))
async def test_absence_counts_once_the_record_has_settled(case):
    """Before its settling time a record shows nothing by showing nothing."""
    async with at_vendor(case, minutes=1) as (_, provider):
        assert isinstance(await provider.find(past(case)), Undecided)
        settling = provider.settling
    assert settling >= timedelta(minutes=5)
    later = settling.total_seconds() / 60 + 1
    async with at_vendor(case, minutes=later) as (_, provider):
        assert await provider.find(past(case)) == Absent()


@over(on_a_line)
async def test_what_a_record_no_longer_holds_is_not_absent(case):
    """Long after the attempt it may have lapsed: sending again could send it twice."""
    async with at_vendor(case, minutes=60 * 24 * 365) as (_, provider):
        assert isinstance(await provider.find(past(case)), Undecided)


@over(can_be_asked)
async def test_a_record_that_cannot_be_read_settles_nothing(case):
    """Nobody there to ask is not the same as nothing there."""
    provider = case.provider(_Nowhere(), clock=lambda: STARTED + timedelta(hours=2))
    assert isinstance(await provider.find(past(case)), Undecided)
    await provider.close()


@over()
async def test_nothing_secret_is_told(case, caplog):
    """No secret and no recipient stands in an answer, a log line or a representation."""
    caplog.set_level(logging.DEBUG)
    told = []
    async with at_vendor(case) as (vendor, provider):
        for what in case.dialect.refusals:
            vendor.script.append(Say(what))
            told.append(repr(await provider.send(call(case))))
        vendor.script.append(CutAfter())
        told += [repr(await provider.send(call(case))), repr(provider), repr(vars(provider))]
    ours = [record.getMessage() for record in caplog.records if "followup" in record.name]
    for secret in (*case.secrets.values(), case.addresses["to"].removeprefix("+")):
        assert not [line for line in told + ours if secret in line]
