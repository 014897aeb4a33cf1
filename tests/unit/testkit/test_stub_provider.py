import asyncio
import base64
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator

from followup_testkit.twilio import (
    CutAfter,
    CutBefore,
    Garbled,
    HalfBody,
    Refuse,
    ServerError,
    Silence,
    StubProvider,
    TooMany,
)
from followup_testkit.waiting import until

CALLBACK = "http://127.0.0.1:9/hooks/twilio/a/status?touch=T1&attempt=A1#rc=5&rp=all"
FORM = {"To": "+12025550101", "From": "+12025550199", "Body": "hi", "StatusCallback": CALLBACK}


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"key:{password}".encode()).decode()}


@pytest.fixture
async def stub() -> AsyncIterator[StubProvider]:
    async with StubProvider() as stub:
        yield stub


@pytest.fixture
async def session(stub: StubProvider) -> AsyncIterator[aiohttp.ClientSession]:
    url = f"{stub.base_url}/2010-04-01/Accounts/{stub.account_sid}/"
    async with aiohttp.ClientSession(url, headers=basic(stub.auth_token)) as session:
        yield session


async def post(session: aiohttp.ClientSession, form=FORM, path="Messages.json"):
    async with session.post(path, data=form) as answer:
        return answer.status, await answer.json(), answer.headers


async def test_a_message_is_accepted_and_kept(stub, session) -> None:
    """201 with a sid; the ledger holds our own ids and when the first byte came."""
    before = time.monotonic()
    status, body, _ = await post(session)
    (kept,) = stub.ledger
    assert (status, body["sid"], body["num_segments"]) == (201, kept.sid, "1")
    assert (kept.touch_id, kept.attempt_id, kept.body) == ("T1", "A1", "hi")
    assert before <= kept.first_byte_monotonic <= time.monotonic()


async def test_every_request_of_a_kept_connection_has_its_own_first_byte(stub, session) -> None:
    """The stamp is the request's, not its connection's."""
    for _ in range(3):
        await post(session)
    stamps = [request.first_byte_monotonic for request in stub.ledger]
    assert stamps == sorted(set(stamps))
    assert len(stamps) == 3


async def test_calls_are_a_list_of_their_own(session) -> None:
    """A call gets a CA id and does not show among messages."""
    form = {"To": "+12025550101", "From": "+12025550199", "Twiml": "<Response/>"}
    _, body, _ = await post(session, form, "Calls.json")
    assert body["sid"].startswith("CA")
    async with session.get("Messages.json") as answer:
        assert (await answer.json())["messages"] == []
    async with session.get("Calls.json", params={"To": "+12025550101"}) as answer:
        assert [call["sid"] for call in (await answer.json())["calls"]] == [body["sid"]]


async def test_the_list_filters_and_pages(stub, session) -> None:
    """By recipient, sender and date; a page names the next."""
    today = datetime.now(UTC).date().isoformat()
    for number in range(3):
        await post(session, FORM | {"Body": str(number)})
    await post(session, FORM | {"To": "+12025550102"})
    params = {"To": "+12025550101", "From": "+12025550199", "DateSent>": today, "PageSize": "2"}
    async with session.get("Messages.json", params=params) as answer:
        first = await answer.json()
    assert [message["body"] for message in first["messages"]] == ["2", "1"]
    async with session.get(stub.base_url + first["next_page_uri"]) as answer:
        second = await answer.json()
    assert [message["body"] for message in second["messages"]] == ["0"]
    assert second["next_page_uri"] is None
    async with session.get("Messages.json", params={"DateSent>": "2999-01-01"}) as answer:
        assert (await answer.json())["messages"] == []


async def test_wrong_credentials_are_told(stub) -> None:
    """401 with the vendor's code; nothing is kept."""
    url = f"{stub.base_url}/2010-04-01/Accounts/{stub.account_sid}/Messages.json"
    async with (
        aiohttp.ClientSession(headers=basic("wrong")) as session,
        session.post(url, data=FORM) as got,
    ):
        assert (got.status, (await got.json())["code"]) == (401, 20003)
    assert len(stub.ledger) == 0


@pytest.mark.parametrize(
    ("fault", "status", "code", "accepted"),
    [
        (Refuse(21610, message="Attempt to send to unsubscribed recipient"), 400, 21610, 0),
        (TooMany(retry_after=3), 429, 20429, 0),
        (ServerError(), 500, 20500, 0),
        (ServerError(accepted=True, status=503), 503, 20500, 1),
    ],
)
async def test_scripted_errors(stub, session, fault, status, code, accepted) -> None:
    """A script is used up in order, then requests are accepted again."""
    stub.script.append(fault)
    got, body, headers = await post(session)
    assert (got, body["code"], len(stub.ledger)) == (status, code, accepted)
    assert headers.get("Retry-After") == ("3" if isinstance(fault, TooMany) else None)
    assert (await post(session))[0] == 201


@pytest.mark.parametrize(
    ("fault", "accepted"), [(CutBefore(), 0), (CutAfter(), 1), (HalfBody(), 1)]
)
async def test_scripted_cuts(stub, session, fault, accepted) -> None:
    """The caller sees a broken link; the ledger knows the truth."""
    stub.script.append(fault)
    with pytest.raises(aiohttp.ClientError):
        await post(session)
    assert len(stub.ledger) == accepted


async def test_silence_lasts_until_released(stub, session) -> None:
    """Accepted at once, answered only when let go."""
    stub.rule = lambda _request: Silence()
    posting = asyncio.create_task(post(session))
    await stub.requests(1)
    assert len(stub.ledger) == 1
    assert not posting.done()
    stub.release()
    assert (await posting)[0] == 201


async def test_touches_accepted_twice_are_found(stub, session) -> None:
    """What must never be is easy to ask for."""
    await post(session)
    assert stub.ledger.twice() == []
    await post(session)
    assert stub.ledger.twice() == ["T1"]


async def test_callbacks_are_signed_as_the_vendor_signs(stub, session) -> None:
    """The vendor's own validator takes a state callback for genuine."""
    got: list[tuple[str, dict[str, str], str]] = []

    async def receive(request: web.BaseRequest) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        got.append((str(request.url), form, request.headers["X-Twilio-Signature"]))
        return web.Response(status=204)

    runner = web.ServerRunner(web.Server(receive))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/status?touch=T1&attempt=A1"
    await post(session, FORM | {"StatusCallback": url})
    (sent,) = stub.ledger
    assert await stub.call_back(sent, "delivered") == 204
    await runner.cleanup()
    ((seen_url, form, signature),) = got
    assert (form["MessageSid"], form["MessageStatus"]) == (sent.sid, "delivered")
    assert RequestValidator(stub.auth_token).validate(seen_url, form, signature)


async def test_a_garbled_answer_is_an_acceptance_nobody_can_read(stub, session) -> None:
    """201 and a body that is no JSON; the ledger has it."""
    stub.script.append(Garbled())
    async with session.post("Messages.json", data=FORM) as answer:
        assert (answer.status, await answer.text()) == (201, "<html>It works!</html>")
    (kept,) = stub.ledger
    assert kept.fault == Garbled()


async def test_a_silence_may_end_by_itself(stub, session) -> None:
    """After its seconds the request is answered as if nothing had been."""
    stub.script.append(Silence(accepted=True, seconds=0.01))
    status, body, _ = await post(session)
    assert (status, body["sid"]) == (201, next(iter(stub.ledger)).sid)


async def test_whoever_is_told_of_an_acceptance_is_told_before_the_answer(stub, session) -> None:
    """A callback may so come before the API's answer."""
    told = []
    stub.on_accepted = lambda request: told.append((request.sid, request.answered))
    _, body, _ = await post(session)
    assert told == [(body["sid"], None)]


async def test_the_ledger_knows_whether_the_caller_waited_for_the_answer(stub, session) -> None:
    """Who hangs up during a silence is noted; who waits is not."""
    stub.script.append(Silence(accepted=True))
    gone = asyncio.create_task(post(session))
    await stub.requests(1)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await post(session)
    stub.release()
    first, second = await stub.requests(2)
    await until(lambda: first.answered is not None, what="the silence has ended")
    assert (first.hung_up, second.hung_up) == (True, False)
    assert first.peer_port != second.peer_port
