"""Texts that come in by every vendor of texts, and what is particular to each of them."""

import orjson
import pytest
from signed_hooks import meta, now, telnyx, vonage_params
from vendor_events import PHONE, Played, delivered, meta_change, meta_status, telnyx_event

from followup_database import new_id
from followup_suppression import ACKNOWLEDGE_AFTER

INBOUND = {
    "telnyx": lambda body: telnyx_event(
        "message.received", str(new_id()), "delivered", direction="inbound", text=body,
        **{"from": {"phone_number": PHONE}, "to": [{"phone_number": "+12025550100"}]},
    ),
    "vonage": lambda body: {
        "channel": "sms", "message_uuid": str(new_id()), "to": "12025550100",
        "from": "12125550123", "timestamp": "2026-11-22T08:00:00Z", "text": body,
        "message_type": "text", "sms": {"num_messages": "1"},
    },
    "vonage sms": lambda body: {
        "msisdn": "12125550123", "to": "12025550100", "messageId": new_id().hex, "text": body,
        "type": "text", "keyword": body.split()[0].upper(), "api-key": "abcd1234",
        "message-timestamp": "2026-11-22 08:00:00",
    },
    "meta": lambda body: meta_change(
        {"contacts": [{"profile": {"name": "Ada"}, "wa_id": "12125550123"}],
         "messages": [{"from": "12125550123", "id": f"wamid.{new_id().hex}",
                       "timestamp": "1795334400", "type": "text", "text": {"body": body}}]}
    ),
    "webhook": lambda body: {
        "type": "message.received",
        "data": {"id": new_id().hex, "channel": "sms", "from": PHONE, "to": "+12025550100",
                 "body": body},
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(INBOUND))
async def test_a_text_holds_its_person(house, played, kind):
    """A text by any vendor: matched, held, kept with what came, told once, behind the fence.

    dittofeed: only states of texts were handled, and what people wrote was not.
    """
    lead = await house.lead()
    touch = await played.touch(lead)
    value = INBOUND[kind]("Yes, how much is it?")
    for _ in range(2):
        assert (await played.send(value)).status_code // 100 == 2
    assert await house.held() == [lead.person_id]
    (event,) = await house.events()
    assert (event.person_id, event.touch_id) == (lead.person_id, touch.touch_id)
    (kept,) = await house.rows("SELECT body, address, our_address, payload FROM replies.messages")
    assert (kept["body"], kept["address"]) == ("Yes, how much is it?", PHONE)
    assert kept["our_address"] == "+12025550100"
    assert kept["payload"]
    assert sum(house.wall.slept) >= ACKNOWLEDGE_AFTER


@pytest.mark.parametrize("kind", sorted(INBOUND))
async def test_stop_by_any_vendor(house, played, kind):
    """mautic#11333, mautic#9153, mautic#3721: STOP is heard whoever carries it."""
    for word, sender in (("STOP", PHONE), ("stopall", PHONE)):
        assert (await played.send(INBOUND[kind](word))).status_code // 100 == 2
        assert await house.listed("phone", sender) == {"all"}


async def test_telnyxs_own_word_for_a_stop(house):
    """What Telnyx itself took for a STOP is one, whatever it says; a blocked text tells of one."""
    played = await Played.by(house, telnyx())
    value = INBOUND["telnyx"]("por favor ya no")
    value["data"]["payload"]["autoresponse_type"] = "STOP"
    await played.send(value)
    assert await house.listed("phone", PHONE) == {"all"}
    errors = [{"code": "40300", "title": "Blocked due to STOP message"}]
    to = [{"phone_number": "+13125550199", "status": "sending_failed"}]
    await played.send(telnyx_event("message.finalized", "x", "", errors=errors, to=to))
    assert await house.listed("phone", "+13125550199") == {"sms"}


async def test_metas_handshake(house):
    """The challenge comes back as text to who knows the token, and to nobody else."""
    played = await Played.by(house, meta())
    query = {"hub.mode": "subscribe", "hub.verify_token": "made-up token", "hub.challenge": "1158"}
    answer = await house.client.get(played.path, params=query)
    assert (answer.status_code, answer.text) == (200, "1158")
    assert answer.headers["content-type"].startswith("text/plain")
    wrong = await house.client.get(played.path, params=query | {"hub.verify_token": "x"})
    assert wrong.status_code == 403


async def test_whatsapp_in_one_piece(house):
    """Several entries, states and messages at once; a tapped button speaks."""
    played = await Played.by(house, meta())
    lead = await house.lead()
    touch = await played.touch(lead, provider_ref="wamid.1")
    body = meta_change({"statuses": [meta_status("wamid.1", s) for s in ("read", "sent")]})
    tapped = {"type": "button_reply", "button_reply": {"id": "1", "title": "Call me"}}
    message = {"from": "12125550123", "id": "wamid.2", "type": "interactive",
               "interactive": tapped}  # fmt: skip
    body["entry"] += meta_change({"messages": [message]})["entry"]
    stopped = {"wa_id": "13125550199", "category": "marketing_messages", "value": "stop",
               "timestamp": 1795334400}  # fmt: skip
    body["entry"] += meta_change({"user_preferences": [stopped]}, "user_preferences")["entry"]
    assert (await played.send(body)).status_code == 200
    (arrived,) = await house.events("TouchDelivered")
    assert arrived.touch_id == touch.touch_id
    (kept,) = await house.rows("SELECT body, channel FROM replies.messages")
    assert (kept["body"], kept["channel"]) == ("Call me", "whatsapp")
    assert await house.listed("phone", "+13125550199") == {"whatsapp"}


async def test_vonage_by_get_and_unsigned(house):
    """A receipt in the query counts if it is signed; what the vendor forgot to sign comes again."""
    played = await Played.by(house, vonage_params())
    content, _ = played.signer.sign(orjson.dumps(delivered("vonage sms", "ref-1")), now())
    touch = await played.touch(await house.lead(), provider_ref="ref-1")
    params = orjson.loads(content)
    assert (await house.client.get(played.path, params=params | {"price": "0"})).status_code == 403
    assert (await house.client.get(played.path, params=params)).status_code == 200
    (event,) = await house.events()
    assert event.touch_id == touch.touch_id
    unsigned = orjson.dumps(delivered("vonage", "ref-2"))
    answer = await played.raw(unsigned, {"Content-Type": "application/json"})
    assert answer.status_code == 503
    assert len(await house.rows("SELECT 1 FROM replies.callbacks")) == 1
