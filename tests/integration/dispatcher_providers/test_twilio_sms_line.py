"""Texts to a vendor on a real socket: request, answers, and what a broken line means."""

import asyncio
import base64
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from followup_dispatcher.providers.port import (
    Absent,
    Accepted,
    Content,
    Found,
    NotBegun,
    PastAttempt,
    Refused,
    RetryLater,
    Undecided,
    Unknown,
)
from followup_dispatcher.providers.twilio_account import TwilioAccount
from followup_dispatcher.providers.twilio_sms import TwilioSms, twilio_sms

SID = "AC" + "0a1b2c3d" * 4
SERVICE = "MG" + "0a1b2c3d" * 4
STARTED = datetime(2026, 3, 3, 17, 4, 10, 400_000, tzinfo=UTC)
CROWD = "too many requests at once"

MESSAGE = {
    "account_sid": SID,
    "api_version": "2010-04-01",
    "body": "Hi Dana, is the quote for the roof still of use?",
    "date_created": "Tue, 03 Mar 2026 17:04:11 +0000",
    "date_sent": None,
    "date_updated": "Tue, 03 Mar 2026 17:04:11 +0000",
    "direction": "outbound-api",
    "error_code": None,
    "error_message": None,
    "from": "+14155550100",
    "messaging_service_sid": None,
    "num_media": "0",
    "num_segments": "1",
    "price": None,
    "price_unit": "USD",
    "sid": "SM" + "9f8e7d6c" * 4,
    "status": "queued",
    "subresource_uris": {"media": f"/2010-04-01/Accounts/{SID}/Messages/SM9f/Media.json"},
    "to": "+14155550123",
    "uri": f"/2010-04-01/Accounts/{SID}/Messages/SM9f.json",
}


def trouble(code: int, status: int = 400) -> dict[str, object]:
    """An error body in the vendor's own shape."""
    return {
        "code": code,
        "message": "The 'To' number +14155550123 is not a valid phone number.",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


def listing(*messages: object, following: str | None = None) -> dict[str, object]:
    path = f"/2010-04-01/Accounts/{SID}/Messages.json"
    return {
        "first_page_uri": f"{path}?PageSize=1000&Page=0",
        "end": len(messages),
        "messages": list(messages),
        "next_page_uri": following,
        "page": 0,
        "page_size": 1000,
        "previous_page_uri": None,
        "start": 0,
        "uri": f"{path}?PageSize=1000&Page=0",
    }


@pytest.fixture
async def line(vendor):
    provider = twilio_sms({"account_sid": SID, "base_url": vendor.url}, {"auth_token": "token"})
    yield provider
    await provider.close()


@pytest.fixture
async def asked(vendor):
    """Builds a provider whose clock stands so many minutes after the attempt."""
    opened = []

    def build(minutes: float) -> TwilioSms:
        account = TwilioAccount.open(
            {"account_sid": SID, "base_url": vendor.url}, {"auth_token": "token"}
        )
        opened.append(TwilioSms(account, clock=lambda: STARTED + timedelta(minutes=minutes)))
        return opened[-1]

    yield build
    for provider in opened:
        await provider.close()


def past(**changes: object) -> PastAttempt:
    values: dict[str, object] = {
        "attempt_id": UUID(int=1),
        "touch_id": UUID(int=2),
        "to": "+14155550123",
        "sender": "+14155550100",
        "text": MESSAGE["body"],
        "started_at": STARTED,
    }
    return PastAttempt(**(values | changes))


async def test_a_text_is_one_form_post_with_callback_and_validity(vendor, answers, line, call):
    """The request is the vendor's: path, Basic auth, form, callback with retry hints."""
    vendor.script = [answers.json(201, MESSAGE)]
    outgoing = call()
    assert await line.send(outgoing) == Accepted(MESSAGE["sid"], 1)
    (heard,) = vendor.heard
    assert (heard.method, heard.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(heard.headers["authorization"].split()[1]) == f"{SID}:token".encode()
    assert heard.form == [
        ("To", "+14155550123"),
        ("From", "+14155550100"),
        ("Body", "Hi Dana, is the quote for the roof still of use?"),
        ("StatusCallback", f"{outgoing.callback_url}#rc=5&rp=all"),
        ("ValidityPeriod", "7200"),
    ]


async def test_a_messaging_service_and_an_api_key_work(vendor, answers, call):
    """A sender that is a service's SID goes out as one; an API key signs for the account."""
    vendor.script = [answers.json(201, MESSAGE | {"num_segments": "0", "status": "accepted"})]
    provider = twilio_sms(
        {"account_sid": SID, "base_url": vendor.url},
        {"auth_token": "token", "api_key_sid": "SK1", "api_key_secret": "secret"},
    )
    outgoing = call(
        sender=SERVICE, callback_url=None, valid_for=None, content=Content("å€ ☎ ünïcode ✓" * 6)
    )
    answer = await provider.send(outgoing)
    await provider.close()
    assert answer == Accepted(MESSAGE["sid"], 2), "our own count while the vendor has none"
    (heard,) = vendor.heard
    assert base64.b64decode(heard.headers["authorization"].split()[1]) == b"SK1:secret"
    assert heard.form == [
        ("To", "+14155550123"),
        ("MessagingServiceSid", SERVICE),
        ("Body", "å€ ☎ ünïcode ✓" * 6),
    ]


@pytest.mark.parametrize(
    ("valid_for", "sent"),
    [(timedelta(milliseconds=300), "1"), (timedelta(days=2), "36000")],
)
async def test_validity_stays_within_what_the_vendor_takes(
    vendor, answers, line, call, valid_for, sent
):
    """1 to 36,000 seconds."""
    vendor.script = [answers.json(201, MESSAGE)]
    await line.send(call(valid_for=valid_for))
    assert dict(vendor.heard[0].form)["ValidityPeriod"] == sent


@pytest.mark.parametrize("code", [21211, 21610, 21614, 21635, 30004, 30005, 30006])
async def test_a_dead_address_is_refused_and_suppressed(vendor, answers, line, call, code):
    """And the reason repeats no phone number."""
    vendor.script = [answers.json(400, trouble(code))]
    answer = await line.send(call())
    assert isinstance(answer, Refused)
    assert (answer.code, answer.suppress) == (str(code), True)
    assert "555" not in answer.reason


@pytest.mark.parametrize("code", [21612, 21606, 21408, 99999])
async def test_other_refusals_leave_the_address_alone(vendor, answers, line, call, code):
    """A route, a country, or a code nobody knows: this touch fails, no more."""
    vendor.script = [answers.json(400, trouble(code))]
    answer = await line.send(call())
    assert isinstance(answer, Refused)
    assert (answer.code, answer.suppress) == (str(code), False)


async def test_problem_details_are_read_too(vendor, answers, line, call):
    """RFC 9457, as the vendor's newer APIs answer."""
    body = {"type": "https://twilio.com/docs/api/errors/21610", "title": "x", "code": 21610}
    vendor.script = [answers.json(400, body | {"status": 400, "detail": "y"})]
    answer = await line.send(call())
    assert isinstance(answer, Refused)
    assert answer.suppress


async def test_a_429_was_never_processed(vendor, answers, line, call):
    """It may be tried again, after the vendor's own time where it names one."""
    vendor.script = [
        answers.json(429, trouble(20429, 429), Retry_After="7"),
        answers.json(429, trouble(20429, 429)),
        answers.respond(429, b"slow down", Retry_After="Tue, 03 Mar 2026 17:04:11 GMT"),
        answers.json(429, trouble(63038, 429)),
    ]
    first, second, third, cap = [await line.send(call()) for _ in range(4)]
    assert first == RetryLater("20429", CROWD, timedelta(seconds=7), crowded=True)
    assert second == RetryLater("20429", CROWD, crowded=True)
    assert third == RetryLater("429", CROWD, crowded=True)
    assert isinstance(cap, RetryLater)
    assert cap.account_wide, "63038 is the account's own daily cap"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, 20003),
        (403, 20005),
        (403, None),
        (404, 20404),
        (400, 21212),
        (400, 30034),
    ],
)
async def test_a_refused_account_is_no_fault_of_the_touch(
    vendor, answers, line, call, status, code
):
    """Its breaker opens, and the touch waits."""
    body = answers.respond(status, b"") if code is None else answers.json(status, trouble(code))
    vendor.script = [body]
    answer = await line.send(call())
    assert isinstance(answer, RetryLater)
    assert answer.account_wide
    assert answer.broken, "a person has to mend it"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 302, 307])
async def test_a_5xx_and_what_is_no_answer_leave_it_open(vendor, answers, line, call, status):
    """The vendor's POSTs are not idempotent after a 500; redirects are not followed."""
    vendor.script = [answers.respond(status, b"<html>", Location="http://127.0.0.1:1/elsewhere")]
    assert await line.send(call()) == Unknown(f"status {status}")
    assert len(vendor.heard) == 1, "nothing repeats a send"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"sid": 5}', b'{"sid": ""}', b"[1]", b"\xff"])
async def test_an_acceptance_that_cannot_be_read_leaves_it_open(vendor, answers, line, call, body):
    """A 201 without a reference is no reference."""
    vendor.script = [answers.respond(201, body)]
    assert isinstance(await line.send(call()), Unknown)


async def test_a_line_broken_after_the_request_leaves_it_open(vendor, answers, line, call):
    """Hung up, reset, or half an answer: the request was read, and may have been done."""
    vendor.script = [answers.hang_up, answers.reset, answers.cut_half(201, b'{"sid": "SM1"}')]
    outcomes = [await line.send(call()) for _ in range(3)]
    assert all(isinstance(outcome, Unknown) for outcome in outcomes), outcomes
    assert len(vendor.heard) == 3, "nothing repeats a send"


async def test_a_line_broken_on_a_warm_connection_leaves_it_open(vendor, answers, line, call):
    """A connection from the pool that dies under the request is not tried anew."""
    vendor.script = [answers.json(201, MESSAGE), answers.hang_up]
    assert isinstance(await line.send(call()), Accepted)
    assert isinstance(await line.send(call()), Unknown)
    assert (len(vendor.heard), vendor.connections) == (2, 1)


async def test_an_answer_that_does_not_come_is_cut_off(vendor, line, call):
    """After the call's limit its outcome is open."""
    vendor.script = [vendor.silence]
    begun = time.monotonic()
    assert await line.send(call()) == Unknown("TimeoutError")
    assert 7.5 < time.monotonic() - begun < 20


async def test_a_refused_connection_has_not_begun(call):
    """Nobody listens: not a byte went anywhere."""
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    provider = twilio_sms(
        {"account_sid": SID, "base_url": f"http://127.0.0.1:{port}"}, {"auth_token": "token"}
    )
    assert isinstance(await provider.send(call()), NotBegun)
    await provider.close()


async def test_a_connection_that_is_not_made_within_the_lease_has_not_begun(call):
    """A peer that accepts and never shakes hands: the lease ends the waiting."""
    over = asyncio.Event()

    async def sit(_reader, writer):
        await over.wait()
        writer.close()

    server = await asyncio.start_server(sit, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    provider = twilio_sms(
        {"account_sid": SID, "base_url": f"https://127.0.0.1:{port}"}, {"auth_token": "token"}
    )
    begun = time.monotonic()
    assert isinstance(await provider.send(call(time_left=lambda: 0.15)), NotBegun)
    assert 0.1 < time.monotonic() - begun < 6
    await provider.close()
    over.set()
    server.close()
    await server.wait_closed()


async def test_a_lease_that_is_over_sends_nothing(vendor, answers, line, call):
    """Neither before the connection nor, the connection made, before the first byte."""
    vendor.script = [answers.json(201, MESSAGE)]
    assert await line.send(call(time_left=lambda: 0.0)) == NotBegun("lease over", ours=True)
    looks = iter([0.15, -0.01])
    assert await line.send(call(time_left=lambda: next(looks))) == NotBegun("lease over", ours=True)
    assert vendor.heard == []
    assert isinstance(await line.send(call()), Accepted), "the line is as good as before"


async def test_a_full_pool_has_not_begun(vendor, call):
    """Waiting for a connection is bounded by the lease, and sends nothing."""
    vendor.script = [vendor.silence]
    account = TwilioAccount.open(
        {"account_sid": SID, "base_url": vendor.url}, {"auth_token": "token"}
    )
    provider = TwilioSms(account)
    busy = [asyncio.create_task(provider.send(call())) for _ in range(100)]
    await vendor.reached(100)
    assert isinstance(await provider.send(call(time_left=lambda: 0.1)), NotBegun)
    assert len(vendor.heard) == 100
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    await provider.close()


async def test_warming_opens_the_connection_a_send_uses(vendor, answers, line, call):
    """Outside any lease, and without a send."""
    vendor.script = [answers.json(404, trouble(20404, 404)), answers.json(201, MESSAGE)]
    await line.warm()
    assert [heard.method for heard in vendor.heard] == ["GET"]
    assert isinstance(await line.send(call()), Accepted)
    assert vendor.connections == 1


async def test_a_text_too_long_never_leaves(vendor, line, call):
    """The vendor's limit is 1,600 characters."""
    answer = await line.send(call(content=Content("x" * 1601)))
    assert answer == Refused("too-long", "more than 1600 characters")
    assert vendor.heard == []


async def test_an_attempt_is_found_by_numbers_time_and_text(vendor, answers, asked):
    """Also while it is still queued, without a date of sending."""
    other = MESSAGE | {"sid": "SMother", "date_created": "Tue, 03 Mar 2026 11:04:11 +0000"}
    inbound = MESSAGE | {"sid": "SMin", "direction": "inbound"}
    vendor.script = [answers.json(200, listing(other, inbound, MESSAGE))]
    assert await asked(0).find(past()) == Found(MESSAGE["sid"])
    (heard,) = vendor.heard
    assert heard.query == {"To": "+14155550123", "From": "+14155550100", "PageSize": "1000"}


async def test_a_service_is_asked_by_recipient_alone(vendor, answers, asked):
    """It picked its number itself."""
    vendor.script = [answers.json(200, listing(MESSAGE | {"messaging_service_sid": SERVICE}))]
    assert await asked(0).find(past(sender=SERVICE)) == Found(MESSAGE["sid"])
    assert vendor.heard[0].query == {"To": "+14155550123", "PageSize": "1000"}


async def test_absence_counts_only_once_the_record_is_settled(vendor, answers, asked):
    """Ten minutes after the attempt must have ended."""
    vendor.script = [answers.json(200, listing())]
    assert isinstance(await asked(9).find(past()), Undecided)
    assert await asked(10.2).find(past()) == Absent()


async def test_a_rewritten_text_is_not_taken_for_absence(vendor, answers, asked):
    """Something went out at that time: whether it is this, a person has to say."""
    vendor.script = [answers.json(200, listing(MESSAGE | {"body": "Sent from your trial account"}))]
    assert isinstance(await asked(60).find(past()), Undecided)


async def test_every_page_is_read_before_absence_is_declared(vendor, answers, asked):
    """The second page holds it."""
    following = f"/2010-04-01/Accounts/{SID}/Messages.json?PageSize=1000&Page=1&PageToken=PASM1"
    vendor.script = [
        answers.json(200, listing(following=following)),
        answers.json(200, listing(MESSAGE)),
    ]
    assert await asked(60).find(past()) == Found(MESSAGE["sid"])
    assert vendor.heard[1].target == following


@pytest.mark.parametrize("following", ["https://evil.example/x", "/2010-04-01/Accounts/ACx/y"])
async def test_a_record_that_leads_elsewhere_is_not_followed(vendor, answers, asked, following):
    """Credentials go to the account's own address alone."""
    vendor.script = [answers.json(200, listing(following=following))]
    assert isinstance(await asked(60).find(past()), Undecided)
    assert len(vendor.heard) == 1


async def test_a_vendor_that_cannot_be_asked_decides_nothing(vendor, answers, asked):
    """Errors, silence after the head, and no list at all."""
    vendor.script = [
        answers.json(500, {}),
        answers.json(429, trouble(20429, 429)),
        answers.respond(200, b"[]"),
        answers.json(200, {"messages": None}),
        answers.cut_half(200, b'{"messages": []}'),
    ]
    provider = asked(60)
    for _ in range(5):
        assert isinstance(await provider.find(past()), Undecided)


@pytest.mark.parametrize(
    ("settings", "secrets", "named"),
    [
        ({}, {"auth_token": "t"}, "account_sid"),
        ({"account_sid": "AC/../x"}, {"auth_token": "t"}, "account_sid"),
        ({"account_sid": SID}, {}, "auth_token"),
        ({"account_sid": SID}, {"api_key_sid": "SK1"}, "api_key_secret"),
        ({"account_sid": SID, "base_url": "ftp://x"}, {"auth_token": "t"}, "base_url"),
        ({"account_sid": SID, "base_url": "http://a:b@x"}, {"auth_token": "t"}, "base_url"),
        ({"account_sid": SID, "settling_seconds": -1}, {"auth_token": "t"}, "settling_seconds"),
        ({"account_sid": SID, "settling_seconds": "x"}, {"auth_token": "t"}, "settling_seconds"),
    ],
)
def test_a_wrong_setting_is_named(settings, secrets, named):
    """So that the person who typed it knows where to look."""
    with pytest.raises(ValueError, match=named):
        twilio_sms(settings, secrets)
