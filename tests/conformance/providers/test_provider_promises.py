"""What every provider adapter promises, over every vendor, on a real socket.

The vendors are stand-ins that speak as the vendors' references say; none of them is the
vendor itself. Twilio and SMTP have suites of their own beside these promises.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from vendor_cases import CASES, Case

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
from followup_testkit.twilio import (
    CutAfter,
    CutBefore,
    Garbled,
    HalfBody,
    ServerError,
    Silence,
    TooMany,
)
from followup_testkit.vendors import Say, VendorStub

ATTEMPT = UUID("0198f0c4-7a10-7b31-9d2e-1f5b6c7d8e90")
TOUCH = UUID("0198f0c4-7a10-7b31-9d2e-1f5b6c7d8e91")
STARTED = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
WORDS = "Hi Dana, is the quote for the roof still of use?"

pytestmark = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@asynccontextmanager
async def at_vendor(
    case: Case, *, minutes: float = 0, wrong: bool = False
) -> AsyncIterator[tuple[VendorStub, Provider]]:
    """The vendor's stand-in and an account at it, so long after the attempt."""
    async with VendorStub(case.dialect) as vendor:
        now = STARTED + timedelta(minutes=minutes)
        provider = case.provider(vendor.base_url, wrong=wrong, clock=lambda: now)
        try:
            yield vendor, provider
        finally:
            await provider.close()


def call(
    case: Case, *, left: Callable[[], float] = lambda: 1.0, words: str = WORDS, **content: str
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


async def test_a_message_is_taken_with_the_vendors_id(case):
    """One request; the answer holds the vendor's own id."""
    async with at_vendor(case) as (vendor, provider):
        assert await provider.send(call(case)) == Accepted("ref-1", 1)
        assert len(vendor.asked) == 1
        assert WORDS in vendor.asked[0].body.decode() or case.dialect.vendor in {
            "ses",
            "mailgun",
            "vonage",
        }


async def test_the_attempt_travels_where_the_vendor_echoes_it(case):
    """What comes back by webhook or record names our attempt."""
    async with at_vendor(case) as (vendor, provider):
        await provider.send(call(case))
        planted = case.dialect.attempt(vendor.asked[0])
        assert planted == (str(ATTEMPT) if case.echoes else None)


@pytest.mark.parametrize("what", ["refused", "opted_out"])
async def test_a_refusal_is_final_and_has_its_reason(case, what):
    """A refused message is never sent again; one whose address is at fault is listed."""
    if what not in case.dialect.refusals:
        return  # the vendor has no answer of this sort
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(Say(what))
        answer = await provider.send(call(case))
        assert isinstance(answer, Refused)
        assert answer.suppress == (what == "opted_out")
        assert answer.code
        assert answer.reason


async def test_too_much_at_once_comes_later_and_holds_the_account_back(case):
    """A rate's answer says nothing of the touch; nobody else of the account is tried meanwhile."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(Say("crowded"))
        answer = await provider.send(call(case))
        assert isinstance(answer, RetryLater)
        assert answer.crowded
        assert not answer.broken


async def test_the_vendors_word_for_when_is_kept(case):
    """Retry-After is honoured wherever the refusal is one of HTTP's own."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(TooMany(retry_after=17))
        answer = await provider.send(call(case))
        assert isinstance(answer, RetryLater)
        silent = case.dialect.refusals["crowded"].status == 200  # it says it in the body alone
        assert answer.after == (None if silent else timedelta(seconds=17))


@pytest.mark.parametrize("how", ["sender", "secret"])
async def test_an_account_at_fault_is_told_from_a_message_at_fault(case, how):
    """A wrong secret or a sender that is not verified breaks the account, not the touch."""
    async with at_vendor(case, wrong=how == "secret") as (vendor, provider):
        vendor.script.append(Say("broken"))
        answer = await provider.send(call(case))
        assert isinstance(answer, RetryLater)
        assert answer.broken
        assert answer.account_wide


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("accepted", [True, False])
async def test_a_server_error_leaves_it_open(case, status, accepted):
    """No vendor says that a 5xx was not accepted, so nobody resends."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(ServerError(accepted=accepted, status=status))
        assert isinstance(await provider.send(call(case)), Unknown)
        assert len(vendor.asked) == 1


@pytest.mark.parametrize("fault", [CutBefore(), CutAfter(), HalfBody()], ids=repr)
async def test_a_cut_line_leaves_it_open(case, fault):
    """Once a byte went out, a broken connection tells nothing; the request is never repeated."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(fault)
        assert isinstance(await provider.send(call(case)), Unknown)
        assert len(vendor.asked) == 1


async def test_an_answer_that_cannot_be_read_is_never_a_refusal(case):
    """A 2xx that makes no sense may be an acceptance: where its body matters it is open."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(Garbled())
        answer = await provider.send(call(case))
        assert isinstance(answer, Unknown | Accepted)
        if isinstance(answer, Accepted):
            assert answer.ref is None, "the status alone is the vendor's yes"


async def test_no_answer_in_time_leaves_it_open(case):
    """A call that is cut off by its caller has begun: no second one is made."""
    async with at_vendor(case) as (vendor, provider):
        vendor.script.append(Silence())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await provider.send(call(case))
        assert len(vendor.asked) == 1


async def test_without_a_lease_nothing_begins(case):
    """A lease that is over, or runs out on the way to the socket, sends not a byte."""
    left = iter([1.0])
    async with at_vendor(case) as (vendor, provider):
        over = await provider.send(call(case, left=lambda: 0.0))
        ending = await provider.send(call(case, left=lambda: next(left, 0.0)))
        assert over == NotBegun("lease over", ours=True)
        assert isinstance(ending, NotBegun)
        assert vendor.asked == []


async def test_where_nobody_listens_nothing_begins(case):
    """No connection, no request."""
    async with at_vendor(case) as (_, provider):
        pass
    refused = case.provider("http://127.0.0.1:9", clock=lambda: STARTED)
    assert isinstance(await refused.send(call(case)), NotBegun)
    await refused.close()
    assert provider.name == case.dialect.vendor


async def test_more_than_the_vendor_carries_is_refused_before_it_is_sent(case):
    """Its size limit is ours: no request is made."""
    async with at_vendor(case) as (vendor, provider):
        answer = await provider.send(call(case, words="a" * case.longest))
        assert isinstance(answer, Refused)
        assert answer.code == "too-long"
        assert vendor.asked == []


async def test_what_the_vendors_record_shows_is_found(case):
    """A message that was taken without an answer is found again, by the attempt's own id."""
    async with at_vendor(case, minutes=1) as (vendor, provider):
        vendor.script.append(CutAfter())
        await provider.send(call(case))
        found = await provider.find(past(case))
        if provider.settling is None:
            assert isinstance(found, Undecided)
            assert vendor.searches == 0
        else:
            assert found == Found("<ref-1>" if case.dialect.vendor == "mailgun" else "ref-1")


async def test_absence_counts_once_the_record_has_settled(case):
    """Before its settling time a record shows nothing by showing nothing."""
    async with at_vendor(case, minutes=1) as (_, provider):
        assert isinstance(await provider.find(past(case)), Undecided)
        settling = provider.settling
    if settling is None:
        return  # it cannot be asked at all
    assert settling >= timedelta(minutes=5)
    later = settling.total_seconds() / 60 + 1
    async with at_vendor(case, minutes=later) as (_, provider):
        assert await provider.find(past(case)) == Absent()


async def test_what_a_record_no_longer_holds_is_not_absent(case):
    """Long after the attempt it may have lapsed: sending again could send it twice."""
    async with at_vendor(case, minutes=60 * 24 * 365) as (_, provider):
        assert isinstance(await provider.find(past(case)), Undecided)


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
