"""Texts that come in: matched, held, stopped, answered, and only then acknowledged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from asyncpg import PostgresError
from sqlalchemy import event, text

from followup_contracts.events import ContactOptedOut, ReplyReceived
from followup_database import committed, new_id
from followup_database.attempts import TRIES
from followup_directory import Vault, create_tenant
from followup_people import persons_by_id
from followup_replies.http import pages
from followup_suppression import ACKNOWLEDGE_AFTER


def texts(answer) -> list[str]:
    """The messages in a TwiML answer; the XML must be well-formed."""
    assert answer.headers["content-type"].startswith("text/xml")
    root = ET.fromstring(answer.content)  # noqa: S314 - our own
    assert root.tag == "Response"
    return [message.text for message in root.findall("Message")]


async def test_a_reply_holds_its_person_and_tells_the_scheduler(house):
    """A reply to a touch is matched to it, held, kept and published once."""
    lead = await house.lead()
    touch = await house.sent(lead)
    answer = await house.sms("Yes, how much is it?")
    assert (answer.status_code, texts(answer)) == (200, [])
    assert await house.held() == [lead.person_id]
    (event,) = await house.events()
    assert isinstance(event, ReplyReceived)
    assert (event.person_id, event.lead_id) == (lead.person_id, lead.lead_id)
    assert (event.enrollment_id, event.touch_id) == (touch.enrollment_id, touch.touch_id)
    assert not event.opt_out
    (kept,) = await house.rows("SELECT * FROM replies.messages")
    assert (kept["id"], kept["body"]) == (event.reply_id, "Yes, how much is it?")


async def test_the_latest_touch_of_the_channel_is_answered(house, later):
    """Of several touches the last on that channel counts, not a later e-mail."""
    lead = await house.lead()
    await house.sent(lead)
    later(hours=1)
    second = await house.sent(lead)
    later(hours=1)
    await house.sent(lead, account=house.accounts["sandbox", "email"])
    await house.sms("call me tomorrow")
    (event,) = await house.events()
    assert event.touch_id == second.touch_id


async def test_without_a_touch_the_newest_lead_is_meant(house, later):
    """Somebody nothing was sent to is matched to their newest enquiry."""
    await house.lead()
    later(hours=1)
    newer = await house.lead(lead_id=new_id(), external_id="second")
    await house.sms("hello?")
    (event,) = await house.events()
    assert (event.lead_id, event.touch_id) == (newer.lead_id, None)


@pytest.mark.parametrize(
    "body",
    [
        "STOP",
        "stop please",
        " Stop. ",
        "\uff33\uff34\uff2f\uff30",
        "arret",
        "Please take me off your list and never text me again",
    ],
)
async def test_stop_in_any_form_stops_texts_and_calls(house, body):
    """A stop lists the number for all channels, withdraws consent, and is confirmed once."""
    lead = await house.lead()
    await house.sent(lead)
    answer = await house.sms(body)
    (confirmation,) = texts(answer)
    assert confirmation.startswith("Acme Roofing: You are unsubscribed")
    assert await house.listed("phone", "+12125550123") == {"all"}
    consent = await house.consent(lead.person_id)
    assert (consent["sms"], consent["voice"]) == ("no", "no")
    reply, out = sorted(await house.events(), key=lambda e: isinstance(e, ContactOptedOut))
    assert reply.opt_out
    assert (out.person_id, out.channel, out.via) == (lead.person_id, "sms", "sms")
    assert texts(await house.sms("STOP")) == []


async def test_a_stranger_who_says_stop_is_stopped(house):
    """A number nobody knows is listed all the same, and nobody is held.

    parcelvoy, TextProvider.ts: an unknown number was answered 404, and its opt-out was lost.
    """
    answer = await house.sms("STOP", From="+4915112345678")
    assert len(texts(answer)) == 1
    assert await house.listed("phone", "+4915112345678") == {"all"}
    (event,) = await house.events()
    assert isinstance(event, ContactOptedOut)
    assert event.person_id is None
    assert await house.held() == []


async def test_another_tenants_person_with_that_number_is_not_meant(house):
    """The tenant is the account's: the same number elsewhere is somebody else's business."""
    async with house.databases.worker.transaction() as tx:
        other = await create_tenant(tx, "other", "Other")
    stranger = await house.lead(tenant_id=other.id)
    await house.sms("STOP")
    assert await house.held() == []
    assert await house.listed("phone", "+12125550123") == {"all"}
    assert await house.consent(stranger.person_id) == {"any": "yes"}
    rows = await house.rows("SELECT tenant_id FROM suppression.list")
    assert [row["tenant_id"] for row in rows] == [house.tenant.id]


async def test_what_the_vendor_has_answered_we_do_not(house):
    """With the vendor's own opt-out handling nothing is said twice."""
    await house.lead()
    assert texts(await house.sms("STOP", OptOutType="STOP")) == []
    assert texts(await house.sms("HELP", OptOutType="HELP")) == []
    assert await house.listed("phone", "+12125550123") == {"all"}


async def test_help_is_answered_with_the_business_and_the_way_out(house):
    """HELP names the business and STOP, in the person's language."""
    await house.lead(language="es")
    (text,) = texts(await house.sms("HELP"))
    assert text.startswith("Acme Roofing: ")
    assert "STOP" in text
    assert "Responda" in text


async def test_start_takes_back_ones_own_stop(house, later):
    """START lifts what the person's STOP listed; calls stay without consent."""
    lead = await house.lead()
    await house.sms("STOP")
    later(minutes=1)
    await house.sms("START")
    assert await house.listed("phone", "+12125550123") == set()
    consent = await house.consent(lead.person_id)
    assert (consent["sms"], consent["voice"]) == ("yes", "no")
    assert [e.channel for e in await house.events("ContactOptedIn")] == ["sms"]


async def test_start_does_not_lift_what_others_listed(house):
    """A complaint listed by the tenant is not undone by START, nor is consent made up."""
    lead = await house.lead(consent="unknown")
    body = {"address": "+12125550123", "reason": "complaint"}
    assert (await house.api("PUT", "/v1/suppressions", json=body)).status_code == 200
    await house.sms("START")
    assert await house.listed("phone", "+12125550123") == {"all"}
    assert await house.events("ContactOptedIn") == []
    assert await house.consent(lead.person_id) == {}


async def test_wrong_person_blocks_the_number(house):
    """Whoever has the wrong number: the contact point is marked wrong."""
    await house.lead()
    await house.sms("wrong number, I don't know any Ada")
    (event,) = await house.events("ReplyReceived")
    assert event.intent == "wrong_person"
    rows = await house.rows("SELECT state FROM people.contact_points WHERE kind = 'phone'")
    assert [row["state"] for row in rows] == ["wrong"]


async def test_a_reply_is_answered_only_behind_the_fence(house):
    """The answer comes no earlier than 250 ms behind the commit, a repeated one likewise."""
    await house.lead()
    sid = f"SM{new_id().hex}"
    first = await house.sms("STOP", MessageSid=sid)
    assert sum(house.wall.slept) >= ACKNOWLEDGE_AFTER
    house.wall.slept.clear()
    again = await house.sms("STOP", MessageSid=sid)
    assert sum(house.wall.slept) >= ACKNOWLEDGE_AFTER
    assert first.content == again.content
    assert len(texts(again)) == 1


async def test_the_same_message_counts_once(house):
    """Told three times, at once too: one message, one hold, one event of each kind."""
    lead = await house.lead()
    sid = f"SM{new_id().hex}"
    answers = await asyncio.gather(*(house.sms("STOP", MessageSid=sid) for _ in range(3)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert len(texts(answers[0])) == 1
    assert await house.held() == [lead.person_id]
    assert len(await house.rows("SELECT 1 FROM replies.messages")) == 1
    assert len(await house.events("ReplyReceived")) == 1
    assert len(await house.events("ContactOptedOut")) == 1


async def test_a_repeated_reply_does_not_hold_again(house):
    """Once the scheduler has decided, a late repetition holds nobody."""
    await house.lead()
    sid = f"SM{new_id().hex}"
    await house.sms("sounds good", MessageSid=sid)
    await house.rows("DELETE FROM suppression.holds RETURNING 1")
    await house.sms("sounds good", MessageSid=sid)
    assert await house.held() == []


async def test_text_that_no_database_holds_is_kept_as_far_as_it_can_be(house):
    """A NUL in a genuine message does not lose the message."""
    lead = await house.lead()
    assert (await house.sms("ok\x00call me")).status_code == 200
    assert await house.held() == [lead.person_id]
    (kept,) = await house.rows("SELECT body FROM replies.messages")
    assert kept["body"] == "ok\ufffdcall me"


async def test_a_messaging_services_number_needs_no_entry_of_its_own(house):
    """`To` may be any number of the service: the account in the address says whose it is."""
    lead = await house.lead()
    more = {"To": "+18885550177", "MessagingServiceSid": "MG" + "a" * 32}
    assert (await house.sms("yes", **more)).status_code == 200
    assert await house.held() == [lead.person_id]


async def test_an_e_mail_reply_finds_its_person_by_any_spelling(house):
    """Display name, case and a plus tag make no difference; a stop is for e-mail alone."""
    lead = await house.lead()
    await house.sent(lead, account=house.accounts["sandbox", "email"])
    body = {
        "id": "m1",
        "channel": "email",
        "from": "Ada L. <ADA+work@Example.com>",
        "to": "hello@example.com",
        "subject": "Re: your quote",
        "body": "Please unsubscribe me.",
    }
    answer = await house.sandbox("inbound", "email", body)
    assert (answer.status_code, answer.json()) == (200, {"answer": None})
    assert await house.held() == [lead.person_id]
    assert await house.listed("email", "ada+work@example.com") == {"all"}
    assert await house.listed("phone", "+12125550123") == set()
    assert (await house.consent(lead.person_id))["email"] == "no"


async def test_what_was_said_can_be_read_in_order(house, later):
    """The conversation has both directions, oldest first, page by page."""
    lead = await house.lead()
    touch = await house.sent(lead)
    later(minutes=5)
    await house.sms("who is this?")
    later(minutes=5)
    await house.sms("ok, call me")
    path = f"/v1/leads/{lead.lead_id}/conversation"
    first = (await house.api("GET", path, params={"limit": 2})).json()
    rest = (await house.api("GET", path, params={"cursor": first["next"]})).json()
    items = first["items"] + rest["items"]
    assert [i["direction"] for i in items] == ["outbound", "inbound", "inbound"]
    assert [i["body"] for i in items] == [None, "who is this?", "ok, call me"]
    assert items[0]["touch_id"] == str(touch.touch_id)
    assert rest["next"] is None
    assert (await house.api("GET", f"/v1/leads/{new_id()}/conversation")).status_code == 404
    assert (await house.api("GET", path, params={"cursor": "x"})).status_code == 422


async def test_replies_and_opt_outs_are_counted(house):
    """Figures: by intent and by way, without anybody's name."""
    await house.lead()
    await house.sms("STOP")
    shown = house.metrics.exposition().decode()
    assert 'followup_replies_received_total{channel="sms",intent="opt_out"} 1.0' in shown
    assert 'followup_replies_opt_outs_total{via="sms"} 1.0' in shown


async def test_the_wait_begins_when_all_of_it_is_committed(house):
    """When the fence begins to wait, a claim of anybody's already sees stop and hold."""
    lead = await house.lead()
    seen = []

    async def look() -> None:
        seen.append((await house.listed("phone", "+12125550123"), await house.held()))

    house.wall.watched = look
    await house.sms("STOP")
    assert seen == [({"all"}, [lead.person_id])]


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T15:00:00"]
)
async def test_a_forged_place_in_a_conversation_is_refused(house, moment):
    """A cursor from the edge of the calendar, or of no zone, is none of ours."""
    lead = await house.lead()
    cursor = pages.write([moment, str(new_id())])
    path = f"/v1/leads/{lead.lead_id}/conversation"
    answer = await house.api("GET", path, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?cursor")


async def test_a_stop_that_loses_to_another_transaction_is_tried_again(house):
    """A conflict is no reason to lose a stop; anything else is not repeated."""
    tries = []

    async def work(tx, *, code: str, times: int) -> str:
        tries.append(code)
        if len(tries) <= times:
            await tx.run(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$"))
        return "done"

    worker = house.databases.worker
    assert await committed(worker, lambda tx: work(tx, code="40P01", times=TRIES - 1)) == "done"
    assert len(tries) == TRIES
    tries.clear()
    with pytest.raises(PostgresError):
        await committed(worker, lambda tx: work(tx, code="40P01", times=TRIES))
    tries.clear()
    with pytest.raises(PostgresError):
        await committed(worker, lambda tx: work(tx, code="23514", times=1))
    assert len(tries) == 1


@asynccontextmanager
async def statements(house) -> AsyncIterator[list[str]]:
    """The statements that the service's database is asked while the block runs."""
    asked: list[str] = []

    def watch(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.driver_connection.add_query_logger(note)

    def unwatch(connection: Any, _record: Any) -> None:
        connection.driver_connection.remove_query_logger(note)

    def note(record: Any) -> None:
        asked.append(record.query)

    engine = house.databases.worker.engine.sync_engine
    listeners = (("checkout", watch), ("checkin", unwatch))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    yield asked
    for name, listener in listeners:
        event.remove(engine, name, listener)


@pytest.mark.parametrize(("words", "most"), [("Who is this?", 10), ("STOP", 15)])
async def test_a_webhook_is_one_short_transaction(house, words, most):
    """Who is stopped waits for each of its statements; the account is known from before."""
    await house.sent(await house.lead())
    await house.sms("hello")
    async with statements(house) as asked:
        await house.sms(words)
    assert sum(statement == "BEGIN" for statement in asked) == 1
    assert len(asked) <= most, "\n".join(asked)


async def test_a_changed_secret_counts_at_once(house):
    """An account is kept for a moment, but what its secret refuses is looked up again."""
    await house.lead()
    assert (await house.sms("hello")).status_code == 200
    secret = "another-token-of-the-account"
    sealed = Vault(house.keys.secret_keys).seal({"auth_token": secret})
    account = house.accounts["twilio", "sms"]
    await house.rows(
        "UPDATE directory.accounts SET secrets = :sealed WHERE id = :id RETURNING 1",
        sealed=sealed,
        id=account.id,
    )
    form = {"MessageSid": "SM9", "From": "+12125550123", "Body": "hello again"}
    assert (await house.twilio("inbound", form, token=secret)).status_code == 200
    assert (await house.twilio("inbound", form)).status_code == 403


async def test_what_a_person_writes_opens_their_window_for_answers(house):
    """A WhatsApp message lets us answer freely for a day; a text of theirs opens nothing."""
    lead = await house.lead()
    text = {"id": "m1", "channel": "sms", "from": "+12125550123", "to": "+12025550100"}
    assert (await house.sandbox("inbound", "sms", text | {"body": "hi"})).status_code == 200
    held = "SELECT heard FROM people.contact_points WHERE kind = 'phone'"
    (phone,) = await house.rows(held)
    assert set(phone["heard"]) == {"sms"}, "heard of, that is all: texts have no window"
    chat = text | {"id": "m2", "channel": "whatsapp", "body": "is Tuesday fine?"}
    assert (await house.sandbox("inbound", "whatsapp", chat)).status_code == 200
    async with house.databases.worker.transaction() as tx:
        person = (await persons_by_id(tx, [lead.person_id]))[lead.person_id]
    assert person.phones[0].heard == {"sms": house.clock(), "whatsapp": house.clock()}


async def test_an_automatic_answer_is_no_word_of_the_persons(house):
    """Whoever is away has not written: nothing is loosened for who answers them."""
    await house.lead()
    away = {"id": "m1", "channel": "sms", "from": "+12125550123", "to": "+12025550100"}
    away["body"] = "Automatic reply: I am out of the office until Monday."
    assert (await house.sandbox("inbound", "sms", away)).status_code == 200
    (kept,) = await house.rows("SELECT intent FROM replies.messages")
    assert kept["intent"] in {"auto_reply", "out_of_office"}
    (phone,) = await house.rows("SELECT heard FROM people.contact_points WHERE kind = 'phone'")
    assert phone["heard"] == {}
