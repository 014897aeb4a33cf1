"""Calls to a vendor on a real socket."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from twilio.request_validator import RequestValidator

from followup_contracts.call_script import CallScript
from followup_dispatcher.providers.port import (
    Absent,
    Accepted,
    Content,
    Found,
    PastAttempt,
    Refused,
    RetryLater,
    Undecided,
    Unknown,
)
from followup_dispatcher.providers.twilio_account import TwilioAccount
from followup_dispatcher.providers.twilio_voice import TwilioVoice, twilio_voice

SID = "AC" + "0a1b2c3d" * 4
STARTED = datetime(2026, 3, 3, 17, 4, 10, 400_000, tzinfo=UTC)

RESOURCE = {
    "account_sid": SID,
    "annotation": None,
    "answered_by": None,
    "api_version": "2010-04-01",
    "caller_name": None,
    "date_created": "Tue, 03 Mar 2026 17:04:11 +0000",
    "date_updated": None,
    "direction": "outbound-api",
    "duration": None,
    "end_time": None,
    "forwarded_from": None,
    "from": "+14155550100",
    "from_formatted": "(415) 555-0100",
    "group_sid": None,
    "parent_call_sid": None,
    "phone_number_sid": "PN" + "0a1b2c3d" * 4,
    "price": None,
    "price_unit": "USD",
    "queue_time": "0",
    "sid": "CA" + "9f8e7d6c" * 4,
    "start_time": None,
    "status": "queued",
    "subresource_uris": {"recordings": f"/2010-04-01/Accounts/{SID}/Calls/CA9f/Recordings.json"},
    "to": "+14155550123",
    "to_formatted": "(415) 555-0123",
    "trunk_sid": None,
    "uri": f"/2010-04-01/Accounts/{SID}/Calls/CA9f.json",
}
SPOKEN = Content("Hi Dana, this is Ray & co.", voicemail="Hi Dana, call us back: <415>.")
PAST = PastAttempt(UUID(int=1), UUID(int=2), "+14155550123", "+14155550100", "", STARTED)


@pytest.fixture
async def line(vendor):
    provider = twilio_voice({"account_sid": SID, "base_url": vendor.url}, {"auth_token": "token"})
    yield provider
    await provider.close()


async def test_a_call_asks_the_answer_url_what_to_say(vendor, answers, line, call):
    """The words travel in a URL beside the callback's; machines are told apart."""
    vendor.script = [answers.json(201, RESOURCE)]
    outgoing = call(channel="voice", content=SPOKEN)
    assert await line.send(outgoing) == Accepted(RESOURCE["sid"])
    (heard,) = vendor.heard
    assert heard.path == f"/2010-04-01/Accounts/{SID}/Calls.json"
    form = dict(heard.form)
    answer = urlsplit(form.pop("Url"))
    callback = urlsplit(outgoing.callback_url)
    assert (answer.netloc, answer.path) == (callback.netloc, "/voice/twilio/acc1/answer")
    query = parse_qs(answer.query)
    assert CallScript.unpacked(query.pop("script")[0]) == CallScript(
        "Hi Dana, this is Ray & co.", "Hi Dana, call us back: <415>."
    )
    assert query == parse_qs(callback.query)
    events = [value for name, value in heard.form if name == "StatusCallbackEvent"]
    assert events == ["initiated", "ringing", "answered", "completed"]
    del form["StatusCallbackEvent"]
    assert form == {
        "To": "+14155550123",
        "From": "+14155550100",
        "Timeout": "30",
        "MachineDetection": "DetectMessageEnd",
        "Method": "POST",
        "StatusCallback": f"{outgoing.callback_url}#rc=5&rp=all",
        "StatusCallbackMethod": "POST",
    }


async def test_the_answer_url_is_one_the_vendor_can_sign(vendor, answers, line, call):
    """Its letters are such that signing and checking see the same URL."""
    vendor.script = [answers.json(201, RESOURCE)]
    await line.send(call(channel="voice", content=SPOKEN))
    url = dict(vendor.heard[0].form)["Url"]
    validator = RequestValidator("token")
    signature = validator.compute_signature(url, {"AnsweredBy": "human"})
    assert validator.validate(url, {"AnsweredBy": "human"}, signature)
    assert len(url) < 1000


async def test_without_a_callback_the_words_go_along(vendor, answers, line, call):
    """As TwiML, escaped, and without a control character that XML cannot hold."""
    vendor.script = [answers.json(201, RESOURCE)]
    await line.send(
        call(channel="voice", callback_url=None, content=Content("A & B\x00 <Hangup/>\nC"))
    )
    form = dict(vendor.heard[0].form)
    assert form["Twiml"] == "<Response><Say>A &amp; B  &lt;Hangup/&gt; C</Say></Response>"
    assert not {"Url", "StatusCallback", "MachineDetection"} & set(form)


async def test_words_too_long_never_leave(vendor, line, call):
    """4,000 characters, whichever way they go."""
    inline = await line.send(call(channel="voice", callback_url=None, content=Content("<" * 1000)))
    assert inline == Refused("too-long", "Twiml of more than 4000 characters")
    words = "".join(chr(0x4E00 + n % 9000) for n in range(2000))
    assert await line.send(call(channel="voice", content=Content(words))) == Refused(
        "too-long", "Url of more than 4000 characters"
    )
    assert vendor.heard == []


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 21211, Refused("21211", "the number is nobody's", suppress=True)),
        (400, 21216, Refused("21216", "calls to this number are blocked")),
        (400, 21215, Refused("21215", "the account may not call this country")),
        (429, 20429, RetryLater("20429", "too many requests at once", crowded=True)),
        (500, 20500, Unknown("status 500")),
    ],
)
async def test_errors_are_read_by_their_code(vendor, answers, line, call, status, code, expected):
    """The same table as for texts."""
    body = {"code": code, "message": "m", "more_info": "https://x", "status": status}
    vendor.script = [answers.json(status, body)]
    assert await line.send(call(channel="voice", content=SPOKEN)) == expected


async def test_a_call_is_found_by_numbers_and_time(vendor, answers):
    """Calls have no text to compare: the pair of numbers and the moment must do."""
    account = TwilioAccount.open(
        {"account_sid": SID, "base_url": vendor.url}, {"auth_token": "token"}
    )
    hour = {"date_created": "Tue, 03 Mar 2026 16:04:11 +0000", "sid": "CAold"}
    page = {"next_page_uri": None, "calls": [RESOURCE | hour, RESOURCE | {"direction": "inbound"}]}
    vendor.script = [
        answers.json(200, page | {"calls": [*page["calls"], RESOURCE]}),
        answers.json(200, page),
    ]
    asked = TwilioVoice(account, clock=lambda: STARTED + timedelta(minutes=11))
    assert await asked.find(PAST) == Found(RESOURCE["sid"])
    assert vendor.heard[0].path == f"/2010-04-01/Accounts/{SID}/Calls.json"
    assert vendor.heard[0].query == {
        "To": "+14155550123",
        "From": "+14155550100",
        "PageSize": "1000",
    }
    assert await asked.find(PAST) == Absent()
    early = TwilioVoice(account, clock=lambda: STARTED)
    assert isinstance(await early.find(PAST), Undecided)
    await account.line.close()


@pytest.mark.parametrize("ring", [14, 56, "long"])
def test_a_wrong_ring_time_is_named(ring):
    """Fifteen seconds are the law's least, and the checked minute is the most."""
    with pytest.raises(ValueError, match="ring_seconds"):
        twilio_voice({"account_sid": SID, "ring_seconds": ring}, {"auth_token": "t"})
