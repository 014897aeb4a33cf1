"""A stop, a start and a call for help are answered once, by us or by the vendor, never by both."""

import xml.etree.ElementTree as ET
from typing import Any

import orjson
import pytest
from signed_hooks import Signer, now, standard, telnyx, vonage_params

from followup_database import new_id
from followup_directory import Written, templates
from followup_replies.confirming import STRANGERS

PHONE, OURS = "+12125550123", "+12025550100"


def by_telnyx(body: str) -> dict[str, Any]:
    payload = {
        "id": str(new_id()),
        "direction": "inbound",
        "text": body,
        "from": {"phone_number": PHONE},
        "to": [{"phone_number": OURS}],
    }
    data = {"id": str(new_id()), "event_type": "message.received", "payload": payload}
    return {"data": data}


def by_vonage(body: str) -> dict[str, Any]:
    return {"msisdn": PHONE[1:], "to": OURS[1:], "messageId": new_id().hex, "text": body}


def by_webhook(body: str) -> dict[str, Any]:
    said = {"id": new_id().hex, "channel": "sms", "from": PHONE, "to": OURS, "body": body}
    return {"type": "message.received", "data": said}


VENDORS = {
    "telnyx": (telnyx, by_telnyx),
    "vonage": (vonage_params, by_vonage),
    "webhook": (standard, by_webhook),
}


async def knock(house, signer: Signer, value: dict[str, Any]) -> Any:
    """A webhook of a vendor's account, which the house has by now."""
    path = house.path("events", channel=signer.channel, provider=signer.provider)
    content, headers = signer.sign(orjson.dumps(value), now())
    answer = await house.client.post(path, content=content, headers=headers)
    assert answer.is_success, answer.text
    return answer


@pytest.fixture
async def text(house, vendor):
    """Sends a text by a vendor that answers nothing itself."""
    make, body_of = VENDORS[vendor]
    signer = make()
    await house.account(signer.provider, signer.channel, secrets=signer.secrets, **signer.settings)

    async def send(body: str) -> Any:
        return await knock(house, signer, body_of(body))

    return send


async def told(house) -> list[Written]:
    """What is to be sent in answer, oldest first."""
    events = [event for event in await house.events("MessageWritten") if event.confirms]
    async with house.databases.worker.transaction() as tx:
        found = await templates(tx, [(house.tenant.id, event.template) for event in events])
    return [Written.of(found[house.tenant.id, event.template].body) for event in events]


@pytest.mark.parametrize("vendor", sorted(VENDORS))
async def test_a_stop_is_confirmed_once_by_a_message(house, text):
    """From the number it came to, to where it came from, with what it is about."""
    lead = await house.lead()
    for body in ("STOP", "stop", "please stop texting me"):
        await text(body)
    (confirmed,) = await told(house)
    assert confirmed.text.startswith("Acme Roofing: You are unsubscribed")
    assert "texts or calls" in confirmed.text
    assert (confirmed.sender, confirmed.address, confirmed.confirms) == (OURS, PHONE, "stop")
    assert confirmed.stranger, "it goes to this number, whatever others the person has"
    (event,) = await house.events("MessageWritten")
    assert (event.lead_id, event.person_id, event.channel) == (lead.lead_id, lead.person_id, "sms")
    assert event.message_id not in {
        row["reply_id"] for row in await house.rows("SELECT reply_id FROM suppression.holds")
    }


@pytest.mark.parametrize("vendor", ["vonage"])
async def test_a_start_is_confirmed_where_it_started_something(house, text):
    """The texts come back and it is said so; to who never stopped nothing is said."""
    await house.lead()
    await text("START")
    assert await told(house) == []
    await text("STOP")
    await text("START")
    assert [words.text[:30] for words in await told(house)] == [
        "Acme Roofing: You are unsubscr",
        "Acme Roofing: You will get our",
    ]


@pytest.mark.parametrize("vendor", ["telnyx"])
async def test_help_is_answered_by_a_message_too(house, text, later):
    """With who writes and the way out, not again within minutes; a question by a person."""
    await house.lead(language="de")
    await text("HELP")
    await text("How much is it?")
    await text("HELP")
    (helped,) = await told(house)
    assert helped.text.startswith("Acme Roofing: Antworten Sie")
    later(minutes=11)
    await text("HELP")
    assert len(await told(house)) == 2


@pytest.mark.parametrize("vendor", sorted(VENDORS))
async def test_the_stop_of_somebody_unknown_is_confirmed_once_and_nothing_else_is(house, text):
    """There and nowhere else; nobody is known by the ids it goes under."""
    for body in ("HELP", "START", "How much?", "STOP", "stop", "please stop texting me"):
        await text(body)
    assert await house.listed("phone", PHONE) == {"all"}
    (confirmed,) = await told(house)
    assert confirmed.text.startswith("Acme Roofing: You are unsubscribed")
    assert (confirmed.sender, confirmed.address, confirmed.confirms) == (OURS, PHONE, "stop")
    assert confirmed.stranger
    (event,) = await house.events("MessageWritten")
    (stop,) = await house.rows("SELECT id FROM replies.messages WHERE answer LIKE '%unsub%'")
    assert {event.message_id, event.lead_id, event.person_id} == {stop["id"]}
    assert await house.held() == []


@pytest.mark.parametrize("vendor", ["vonage"])
async def test_a_stranger_who_stops_again_and_again_is_told_once_a_day(house, text, later):
    """Each stop holds; whoever starts in between is not paid for at the tenant's expense."""
    for body in ("STOP", "START") * 3 + ("STOP",):
        await text(body)
    assert len(await told(house)) == 1
    assert await house.listed("phone", PHONE) == {"all"}
    assert len(await house.rows("SELECT 1 FROM replies.messages WHERE answer IS NOT NULL")) == 1
    later(hours=25)
    for body in ("START", "STOP"):
        await text(body)
    assert len(await told(house)) == 2


async def test_a_stranger_is_not_paid_for_again_in_the_answer_to_a_webhook(house):
    """Neither for their stops, within the day, nor for turning about."""
    secrets = {"auth_token": "made-up auth token"}
    await house.account("twilio", "sms", secrets=secrets, keyword_replies="ours")
    answers = [_texts(await house.sms(body)) for body in ("STOP", "START") * 2 + ("STOP",)]
    assert [len(texts) for texts in answers] == [1, 1, 0, 0, 0]
    assert await house.listed("phone", PHONE) == {"all"}


@pytest.mark.parametrize("vendor", ["vonage"])
async def test_strangers_of_many_numbers_cost_a_tenant_no_more_than_so_much(house, text, later):
    """Their stops hold without a word; an hour later, and to who is known, there is one."""
    await text("STOP")
    await house.rows(
        "INSERT INTO replies.messages (id, tenant_id, account_id, vendor_id, channel, direction,"
        " our_address, address, address_hash, body, intent, opt_out, confidence, rules, payload,"
        " at, answer) SELECT gen_random_uuid(), tenant_id, account_id, n::text, channel,"
        " direction, our_address, address, sha256(n::text::bytea), body, intent, opt_out,"
        " confidence, rules, payload, at, answer"
        " FROM replies.messages, generate_series(2, :many) AS n RETURNING 1",
        many=STRANGERS,
    )
    other = by_vonage("STOP") | {"msisdn": "12125550155"}
    await knock(house, vonage_params(), other)
    assert await house.listed("phone", "+12125550155") == {"all"}
    assert len(await told(house)) == 1
    await house.lead(phone_e164="+12125550156", email=None)
    await knock(house, vonage_params(), by_vonage("STOP") | {"msisdn": "12125550156"})
    assert len(await told(house)) == 2
    later(minutes=61)
    await knock(house, vonage_params(), by_vonage("STOP") | {"msisdn": "12125550157"})
    assert len(await told(house)) == 3


@pytest.mark.parametrize("receipt", ["after", "before"])
async def test_the_receipt_of_a_strangers_confirmation_leaves_no_number(house, receipt):
    """Whether its touch is known by then or not: no erasure would find it."""
    signer = vonage_params()
    await house.account(signer.provider, signer.channel, secrets=signer.secrets, **signer.settings)
    await knock(house, signer, by_vonage("STOP"))
    (event,) = await house.events("MessageWritten")
    touch = house.touch(
        event,
        account=house.accounts[signer.provider, signer.channel],
        touch_id=event.message_id,
        enrollment_id=event.message_id,
    )
    told = {
        "msisdn": PHONE[1:],
        "to": OURS[1:],
        "messageId": touch.provider_ref,
        "status": "delivered",
        "err-code": "0",
    }
    if receipt == "before":
        await knock(house, signer, told)
    await house.tell(touch)
    if receipt == "after":
        await knock(house, signer, told)
    await house.sweep()
    (kept,) = await house.rows("SELECT matched, attempt_id FROM replies.callbacks")
    assert (kept["matched"], kept["attempt_id"]) == (True, touch.attempt_id)
    assert len(await house.events("TouchDelivered")) == 1
    assert await named(house, PHONE[1:]) == {("messages", "address"), ("messages", "payload")}
    await house.rows(
        "UPDATE replies.messages SET received_at = now() - interval '31 days' RETURNING 1"
    )
    await house.sweep()
    assert await named(house, PHONE[1:]) == set()


async def test_whom_a_vendor_will_not_text_is_nobodys_person(house):
    """What the receipt of a stranger's confirmation says of the number lists that alone."""
    lead = await house.lead(phone_e164="+12125550188", email=None)
    touch = house.touch(lead)
    touch = touch.model_copy(update={"lead_id": touch.touch_id, "person_id": touch.touch_id})
    await house.tell(touch)
    form = {
        "MessageSid": touch.provider_ref,
        "MessageStatus": "undelivered",
        "ErrorCode": "21610",
        "To": PHONE,
        "From": OURS,
    }
    assert (await house.twilio("status", form)).is_success
    assert await house.listed("phone", PHONE)
    assert await house.held() == []
    assert [e.person_id for e in await house.events("ContactOptedOut")] == [None]


async def named(house, mark: str) -> set[tuple[str, str]]:
    """Every column of the service's tables in which this stands."""
    columns = await house.rows(
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns"
        " JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = 'replies' AND table_type = 'BASE TABLE'"
    )
    return {
        (each["t"], each["c"])
        for each in columns
        if await house.rows(
            f'SELECT 1 FROM replies.{each["t"]} WHERE position(:mark IN "{each["c"]}"::text) > 0',
            mark=mark,
        )
    }


@pytest.mark.parametrize("sender", ["12345", "INFO", "0012125550123", "1212555012345678"])
async def test_what_nobody_can_be_texted_at_is_listed_without_a_word(house, sender):
    """A short code, a name, or what is no number."""
    signer = vonage_params()
    await house.account(signer.provider, signer.channel, secrets=signer.secrets, **signer.settings)
    await knock(house, signer, by_vonage("STOP") | {"msisdn": sender})
    (row,) = await house.rows("SELECT address, opt_out FROM replies.messages")
    assert row["opt_out"]
    assert await house.listed("phone", row["address"]) == {"all"}
    assert await told(house) == []


async def test_what_telnyx_has_answered_is_not_answered_again(house):
    """Its messaging profile says so by `autoresponse_type`."""
    await house.lead()
    signer = telnyx()
    await house.account(signer.provider, signer.channel, secrets=signer.secrets, **signer.settings)
    for word, took in (("STOP", "STOP"), ("START", "START"), ("HELP", "HELP")):
        value = by_telnyx(word)
        value["data"]["payload"]["autoresponse_type"] = took
        await knock(house, signer, value)
    assert await told(house) == []
    assert await house.listed("phone", PHONE) == set()


@pytest.mark.parametrize("body", ["STOP", " stop ", "Unsubscribe", "HELP", "START"])
async def test_what_twilio_answers_by_default_is_not_answered_again(house, body):
    """The bare word of its default handling, of which it need not tell us; ours says the rest."""
    await house.lead()
    await house.account("twilio", "sms", secrets={"auth_token": "made-up auth token"})
    assert _texts(await house.sms(body)) == []
    assert await told(house) == []


async def test_twilio_leaves_a_stop_in_other_words_to_us(house):
    """What its list of words does not hold it neither blocks nor answers."""
    await house.lead()
    await house.account("twilio", "sms", secrets={"auth_token": "made-up auth token"})
    (text,) = _texts(await house.sms("please take me off your list"))
    assert text.startswith("Acme Roofing: You are unsubscribed")
    assert await told(house) == []


def _texts(answer: Any) -> list[str | None]:
    root = ET.fromstring(answer.content)  # noqa: S314 - our own
    return [message.text for message in root.findall("Message")]
