"""What providers report of texts and calls: ranked, parked, matched, told once."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import pytest

from followup_contracts.call_script import CallScript
from followup_contracts.events import CallFinished, TouchBounced, TouchDelivered
from followup_database import new_id
from followup_directory import create_tenant
from followup_dispatcher.providers.twilio_voice import answer_url
from followup_suppression import ACKNOWLEDGE_AFTER

SAY = "Hi Ada, this is Acme Roofing about your quote. Grüße & <thanks>!"
VOICEMAIL = "Hi Ada, sorry we missed you."


def planted(touch) -> dict[str, Any]:
    """The query that the dispatcher gives its callbacks."""
    return {
        "touch": touch.touch_id,
        "attempt": touch.attempt_id,
        "enrollment": touch.enrollment_id,
        "lead": touch.lead_id,
        "person": touch.person_id,
    }


def status(touch, state: str, **more: str) -> dict[str, str]:
    return {
        "MessageSid": touch.provider_ref,
        "MessageStatus": state,
        "To": "+12125550123",
        "From": "+12025550100",
        "AccountSid": "AC1",
    } | more


def call(sid: str, state: str, **more: str) -> dict[str, str]:
    return {
        "CallSid": sid,
        "CallStatus": state,
        "To": "+12125550123",
        "From": "+12025550100",
        "Direction": "outbound-api",
    } | more


async def test_a_delivered_text_is_told_once(house):
    """However often `delivered` comes, and at once too, there is one event."""
    touch = await house.sent(await house.lead())
    answers = await asyncio.gather(
        *(
            house.twilio("status", status(touch, "delivered"), query=planted(touch))
            for _ in range(3)
        )
    )
    assert {answer.status_code for answer in answers} == {204}
    (event,) = await house.events()
    assert isinstance(event, TouchDelivered)
    assert (event.touch_id, event.attempt_id) == (touch.touch_id, touch.attempt_id)
    assert event.provider_ref == touch.provider_ref


async def test_a_report_before_the_answer_of_the_api_proves_the_attempt(house):
    """With our ids in its address a report is told though nobody knows of the touch yet."""
    touch = house.touch(await house.lead())
    await house.twilio("status", status(touch, "delivered"), query=planted(touch))
    (event,) = await house.events()
    assert (event.attempt_id, event.enrollment_id) == (touch.attempt_id, touch.enrollment_id)
    await house.tell(touch)
    assert len(await house.events()) == 1


async def test_ids_of_another_tenants_lead_are_not_believed(house):
    """Whoever holds an account's secret can sign any address: only its own leads count."""
    async with house.databases.worker.transaction() as tx:
        other = await create_tenant(tx, "other", "Other")
    touch = house.touch(await house.lead(tenant_id=other.id))
    answer = await house.twilio("status", status(touch, "delivered"), query=planted(touch))
    assert answer.status_code == 204
    assert await house.events() == []


@pytest.mark.parametrize("query", [None, {"touch": "x", "attempt": "not-an-id"}])
async def test_a_report_without_ids_waits_for_its_touch(house, query):
    """Parked by the provider's reference, told when the touch is known to have gone out."""
    touch = house.touch(await house.lead())
    await house.twilio("status", status(touch, "sent"), query=query)
    await house.twilio("status", status(touch, "delivered"), query=query)
    assert await house.events() == []
    assert await house.sweep() == 0
    await house.tell(touch)
    (event,) = await house.events()
    assert (event.touch_id, type(event)) == (touch.touch_id, TouchDelivered)
    rows = await house.rows("SELECT matched, person_id FROM replies.callbacks")
    assert {(row["matched"], row["person_id"]) for row in rows} == {(True, touch.person_id)}


async def test_the_sweep_finds_what_missed_its_touch_by_a_moment(house):
    """Parked while the touch was being written: the next round of the sweep tells it."""
    touch = house.touch(await house.lead())
    await house.twilio("status", status(touch, "undelivered", ErrorCode="30005"))
    await house.rows(
        "INSERT INTO replies.sent_touches VALUES (:attempt, :tenant, :touch, :enrollment, :lead,"
        " :person, 'sms', :account, 'twilio', :ref, NULL, now()) RETURNING 1",
        attempt=touch.attempt_id,
        tenant=house.tenant.id,
        touch=touch.touch_id,
        enrollment=touch.enrollment_id,
        lead=touch.lead_id,
        person=touch.person_id,
        account=touch.account_id,
        ref=touch.provider_ref,
    )
    assert await house.sweep() == 1
    assert await house.sweep() == 0
    (event,) = await house.events()
    assert isinstance(event, TouchBounced)


@pytest.mark.parametrize(
    ("code", "permanent"), [("30003", False), ("30005", True), ("30006", True), ("30008", False)]
)
async def test_an_undelivered_text_says_whether_for_good(house, code, permanent):
    """The vendor's code decides whether the address is dead or just out of reach."""
    touch = await house.sent(await house.lead())
    form = status(touch, "undelivered", ErrorCode=code)
    await house.twilio("status", form, query=planted(touch))
    (event,) = await house.events()
    assert (event.code, event.permanent) == (code, permanent)


async def test_states_never_go_back(house):
    """What comes late or out of order changes nothing; the first end counts."""
    touch = await house.sent(await house.lead())
    for state in ("delivered", "sent", "queued", "failed", "undelivered", "read", "some-new-one"):
        assert (
            await house.twilio("status", status(touch, state), query=planted(touch))
        ).status_code == 204
    assert [type(event) for event in await house.events()] == [TouchDelivered]
    (row,) = await house.rows("SELECT state FROM replies.deliveries")
    assert row["state"] == "read"
    assert len(await house.rows("SELECT 1 FROM replies.callbacks")) == 7


async def test_read_alone_means_delivered(house):
    """A receipt of reading whose `delivered` was lost counts for both."""
    touch = await house.sent(await house.lead())
    await house.twilio("status", status(touch, "read"), query=planted(touch))
    assert [type(event) for event in await house.events()] == [TouchDelivered]


async def test_a_stop_that_only_the_vendor_heard_stops(house):
    """21610: the number is listed for texts, consent to them withdrawn, behind the fence."""
    lead = await house.lead()
    touch = await house.sent(lead)
    form = status(touch, "failed", ErrorCode="21610")
    await house.twilio("status", form, query=planted(touch))
    assert await house.listed("phone", "+12125550123") == {"sms"}
    assert (await house.consent(lead.person_id))["sms"] == "no"
    kinds = {type(event).__name__ for event in await house.events()}
    assert kinds == {"TouchBounced", "ContactOptedOut"}
    assert sum(house.wall.slept) >= ACKNOWLEDGE_AFTER


async def ask(house, touch, script: CallScript, answered_by: str | None) -> ET.Element:
    """What the vendor is told to say, asked as the dispatcher's own address has it asked."""
    base = f"https://x{house.path('status', channel='voice')}"
    url = urlsplit(answer_url(base, script))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    form = call(touch.provider_ref, "in-progress")
    if answered_by is not None:
        form["AnsweredBy"] = answered_by
    answer = await house.twilio("answer", form, channel="voice", query=planted(touch) | query)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    return ET.fromstring(answer.content)  # noqa: S314 - our own


async def called(house) -> Any:
    account = house.accounts["twilio", "voice"]
    return await house.sent(await house.lead(), account=account, provider_ref=f"CA{new_id().hex}")


@pytest.mark.parametrize("answered_by", [None, "human", "unknown"])
async def test_a_person_hears_the_words_and_the_way_out(house, answered_by):
    """A person hears the script, then which key ends the calls; the call counts as answered."""
    touch = await called(house)
    said = await ask(house, touch, CallScript(SAY, VOICEMAIL), answered_by)
    gather = said.find("Gather")
    words = [say.text for say in gather.findall("Say")]
    assert words[0] == SAY
    assert "press 9" in words[1]
    action, _, carried = gather.get("action").partition("?")
    assert action == f"https://hooks.example.com/f{house.path('gather', channel='voice')}"
    assert dict(parse_qsl(carried)) == {n: str(v) for n, v in planted(touch).items()}
    more = {"CallDuration": "31", "AnsweredBy": answered_by or "human"}
    form = call(touch.provider_ref, "completed", **more)
    await house.twilio("status", form, channel="voice", query=planted(touch))
    (event,) = await house.events()
    assert isinstance(event, CallFinished)
    assert (event.result, event.duration_seconds) == ("answered", 31)


@pytest.mark.parametrize("answered_by", ["machine_end_beep", "machine_end_silence"])
async def test_a_machine_gets_the_voicemail_after_its_greeting(house, answered_by):
    """A machine that listens hears the voicemail, and the call says that one was left."""
    touch = await called(house)
    said = await ask(house, touch, CallScript(SAY, VOICEMAIL), answered_by)
    assert [part.tag for part in said] == ["Say", "Hangup"]
    assert said.find("Say").text == VOICEMAIL
    form = call(touch.provider_ref, "completed", AnsweredBy=answered_by)
    await house.twilio("status", form, channel="voice", query=planted(touch))
    assert [event.result for event in await house.events()] == ["voicemail_left"]


@pytest.mark.parametrize(
    ("script", "answered_by"),
    [
        (CallScript(SAY, None), "machine_end_beep"),
        (CallScript(SAY, VOICEMAIL), "machine_start"),
        (CallScript(SAY, VOICEMAIL), "fax"),
    ],
)
async def test_no_voicemail_no_words_to_a_machine(house, script, answered_by):
    """Without a voicemail, or without a machine that listens, we hang up."""
    touch = await called(house)
    said = await ask(house, touch, script, answered_by)
    assert [part.tag for part in said] == ["Hangup"]
    form = call(touch.provider_ref, "completed", AnsweredBy=answered_by)
    await house.twilio("status", form, channel="voice", query=planted(touch))
    assert [event.result for event in await house.events()] == ["machine"]


async def test_a_voicemail_is_only_left_where_we_spoke_it(house):
    """A machine by the vendor's word, and our words were never asked for: none was left."""
    touch = await called(house)
    form = call(touch.provider_ref, "completed", AnsweredBy="machine_end_beep")
    await house.twilio("status", form, channel="voice", query=planted(touch))
    assert [event.result for event in await house.events()] == ["machine"]


@pytest.mark.parametrize(
    ("state", "result"),
    [
        ("no-answer", "no_answer"),
        ("busy", "busy"),
        ("failed", "failed"),
        ("canceled", "canceled"),
    ],
)
async def test_a_call_that_nobody_took(house, state, result):
    """Each end of a call is told once, after its earlier states."""
    touch = await called(house)
    for said in ("initiated", "ringing", state, state):
        form = call(touch.provider_ref, said, SequenceNumber="1")
        await house.twilio("status", form, channel="voice", query=planted(touch))
    assert [event.result for event in await house.events()] == [result]


async def test_pressing_nine_stops_calls_and_texts(house):
    """9 in a call is a stop like any other: listed, held, behind the fence, said so."""
    touch = await called(house)
    form = call(touch.provider_ref, "in-progress", Digits="9")
    answer = await house.twilio("gather", form, channel="voice")
    assert b"not be called again" in answer.content
    assert await house.listed("phone", "+12125550123") == {"all"}
    assert await house.held() == [touch.person_id]
    assert (await house.consent(touch.person_id))["voice"] == "no"
    (out,) = await house.events("ContactOptedOut")
    assert (out.channel, out.via) == ("voice", "voice")
    assert sum(house.wall.slept) >= ACKNOWLEDGE_AFTER


async def test_another_key_stops_nothing(house):
    """Any other key just ends the call."""
    touch = await called(house)
    for digits in ("1", "", "99"):
        form = call(touch.provider_ref, "in-progress", Digits=digits)
        answer = await house.twilio("gather", form, channel="voice")
        assert b"<Hangup/>" in answer.content
    assert await house.listed("phone", "+12125550123") == set()


async def test_a_call_without_a_script_is_hung_up(house):
    """What cannot be read is not said."""
    touch = await called(house)
    form = call(touch.provider_ref, "in-progress", AnsweredBy="human")
    for script in ({}, {"script": ""}, {"script": "garbage"}, {"script": "x" * 5000}):
        query = planted(touch) | script
        answer = await house.twilio("answer", form, channel="voice", query=query)
        assert answer.status_code == 200
        assert answer.content.endswith(b"<Response><Hangup/></Response>")


async def test_the_sandbox_reports_like_a_vendor(house):
    """Simulated people take the same path: delivered, voicemail left."""
    lead = await house.lead()
    text = await house.sent(lead, account=house.accounts["sandbox", "sms"])
    ring = await house.sent(lead, account=house.accounts["sandbox", "voice"])
    body = {"ref": text.provider_ref, "state": "delivered"}
    assert (await house.sandbox("status", "sms", body)).status_code == 204
    body = {"ref": ring.provider_ref, "state": "completed", "heard": "voicemail", "seconds": 20}
    assert (await house.sandbox("call", "voice", body)).status_code == 204
    delivered, finished = await house.events()
    assert delivered.touch_id == text.touch_id
    assert (finished.touch_id, finished.result) == (ring.touch_id, "voicemail_left")


async def test_a_number_that_is_nobodys_is_not_used_again(house):
    """30005: the contact point is marked, so that neither texts nor calls go there."""
    touch = await house.sent(await house.lead())
    form = status(touch, "undelivered", ErrorCode="30005")
    await house.twilio("status", form, query=planted(touch))
    rows = await house.rows("SELECT kind, state FROM people.contact_points ORDER BY kind")
    assert [(r["kind"], r["state"]) for r in rows] == [("email", "usable"), ("phone", "bounced")]


async def test_a_landline_can_still_be_called(house):
    """30006 ends texts for good, not the number."""
    touch = await house.sent(await house.lead())
    form = status(touch, "undelivered", ErrorCode="30006")
    await house.twilio("status", form, query=planted(touch))
    rows = await house.rows("SELECT state FROM people.contact_points WHERE kind = 'phone'")
    assert [row["state"] for row in rows] == ["usable"]


async def test_what_is_about_nothing_of_ours_goes_in_time(house):
    """Parked callbacks and strangers' words are kept for days, not for ever."""
    touch = house.touch(await house.lead())
    await house.twilio("status", status(touch, "sent"))
    await house.sms("wrong window", From="+4915112345678")
    await house.sms("a known one stays")
    await house.rows(
        "UPDATE replies.callbacks SET received_at = now() - interval '15 days' RETURNING 1"
    )
    await house.rows(
        "UPDATE replies.messages SET received_at = now() - interval '31 days' RETURNING 1"
    )
    await house.sweep()
    assert await house.rows("SELECT 1 FROM replies.callbacks") == []
    rows = await house.rows("SELECT person_id, body, address FROM replies.messages ORDER BY id")
    assert [(row["body"], row["address"]) for row in rows] == [
        (None, None),
        ("a known one stays", "+12125550123"),
    ]


async def test_the_oldest_hold_is_watched(house):
    """The gauges show how long the oldest reply has waited, and how many wait too long."""
    await house.lead()
    (watch,) = [r.loop for r in house.service.runners if r.name == "replies:holds"]

    async def shown(name):
        await watch.run_once()
        lines = house.metrics.exposition().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    assert await shown("followup_replies_oldest_hold_seconds") == 0
    await house.sms("hm")
    assert await shown("followup_replies_holds_late") == 0
    await house.rows(
        "UPDATE suppression.holds SET placed_on = placed_on - interval '90 s' RETURNING 1"
    )
    assert await shown("followup_replies_oldest_hold_seconds") >= 90
    assert await shown("followup_replies_holds_late") == 1
