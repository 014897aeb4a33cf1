"""Every vendor's webhooks, played against the routes as the vendor sends them."""

import asyncio
import base64
from typing import Any

import orjson
import pytest
from signed_hooks import (
    CERTIFICATE,
    PASSWORD,
    TOPIC,
    Signer,
    Topic,
    mailgun,
    mailgun_fields,
    meta,
    now,
    postmark,
    sendgrid,
    standard,
    telnyx,
    vonage_params,
    vonage_token,
)

from followup_contracts.events import TouchBounced, TouchDelivered, TouchUnknown
from followup_database import new_id
from followup_suppression import ACKNOWLEDGE_AFTER

TABLES = (
    "replies.messages",
    "replies.callbacks",
    "replies.spent",
    "suppression.list",
    "messaging.outbox",
)
ADDRESS = "Ada@example.com"
PHONE = "+12125550123"


class Played:
    """One vendor against the house."""

    def __init__(self, house: Any, signer: Signer, topic: Topic | None = None) -> None:
        self.house, self.signer, self.topic = house, signer, topic

    @classmethod
    async def by(cls, house: Any, signer: Signer) -> "Played":
        await house.account(
            signer.provider, signer.channel, secrets=signer.secrets, **signer.settings
        )
        return cls(house, signer)

    @property
    def path(self) -> str:
        return self.house.path("events", channel=self.signer.channel, provider=self.signer.provider)

    async def send(self, value: Any, *, ago: float = 0, query: str = "") -> Any:
        content, headers = self.signer.sign(orjson.dumps(value), now() - ago)
        return await self.raw(content, headers, query)

    async def raw(self, content: bytes, headers: dict[str, str], query: str = "") -> Any:
        return await self.house.client.post(self.path + query, content=content, headers=headers)

    async def touch(self, lead: Any, **more: Any) -> Any:
        account = self.house.accounts[self.signer.provider, self.signer.channel]
        return await self.house.sent(lead, account=account, **more)


def ses() -> Signer:
    topic = Topic()
    signer = topic.signer()
    PEMS[signer.provider] = topic
    return signer


PEMS: dict[str, Topic] = {}

SIGNERS = {
    "telnyx": telnyx,
    "sendgrid": sendgrid,
    "mailgun": mailgun,
    "postmark": postmark,
    "vonage": vonage_token,
    "vonage sms": vonage_params,
    "meta": meta,
    "ses": ses,
    "webhook": standard,
}


def delivered(provider: str, ref: str) -> Any:  # noqa: PLR0911 - one a vendor
    """The vendor's word for a message that has arrived, with nothing of ours in it."""
    match provider:
        case "telnyx":
            return telnyx_event("message.finalized", ref, "delivered")
        case "sendgrid":
            return [sendgrid_event("delivered", ref)]
        case "mailgun":
            return mailgun_event("delivered", ref)
        case "postmark":
            return {"RecordType": "Delivery", "MessageID": ref, "Recipient": ADDRESS,
                    "DeliveredAt": "2026-11-22T08:00:00Z", "Metadata": {}}  # fmt: skip
        case "vonage":
            return {"message_uuid": ref, "to": "12125550123", "from": "12025550100",
                    "timestamp": "2026-11-22T08:00:00.000Z", "status": "delivered",
                    "channel": "sms"}  # fmt: skip
        case "vonage sms":
            return {"msisdn": "12125550123", "to": "12025550100", "network-code": "310260",
                    "messageId": ref, "price": "0.0333", "status": "delivered",
                    "scts": "2611220800", "err-code": "0", "api-key": "abcd1234",
                    "message-timestamp": "2026-11-22 08:00:00"}  # fmt: skip
        case "meta":
            return meta_change({"statuses": [meta_status(ref, "delivered")]})
        case "ses":
            return ses_event("Delivery", ref, delivery={"recipients": [ADDRESS]})
        case _:
            return {"type": "message.status", "data": {"ref": ref, "state": "delivered"}}


def telnyx_event(name: str, ref: str, status: str, **more: Any) -> dict[str, Any]:
    payload = {
        "record_type": "message",
        "direction": "outbound",
        "id": ref,
        "type": "SMS",
        "from": {"phone_number": "+12025550100", "carrier": "TELNYX LLC"},
        "to": [{"phone_number": PHONE, "status": status, "carrier": "T-MOBILE"}],
        "text": "Hi",
        "errors": [],
    } | more
    return {
        "data": {
            "record_type": "event",
            "id": str(new_id()),
            "event_type": name,
            "occurred_at": "2026-11-22T08:00:00.000Z",
            "payload": payload,
        },
        "meta": {"attempt": 1, "delivered_to": "https://example.com"},
    }


def sendgrid_event(name: str, ref: str, **more: Any) -> dict[str, Any]:
    return {
        "email": ADDRESS,
        "timestamp": 1795334400,
        "smtp-id": "<x@ismtpd0001>",
        "event": name,
        "sg_event_id": f"{name}-{new_id().hex}",
        "sg_message_id": f"{ref}.filter0001.16648.5515E0B88.0",
        "category": ["followup"],
    } | more


def mailgun_event(name: str, ref: str, **more: Any) -> dict[str, Any]:
    return {
        "event-data": {
            "event": name,
            "id": new_id().hex,
            "timestamp": 1795334400.123,
            "recipient": ADDRESS,
            "message": {"headers": {"message-id": ref.strip("<>"), "to": ADDRESS}},
            "user-variables": {},
        }
        | more
    }


def meta_status(ref: str, status: str, **more: Any) -> dict[str, Any]:
    return {"id": ref, "status": status, "timestamp": "1795334400",
            "recipient_id": "12125550123"} | more  # fmt: skip


def meta_change(value: dict[str, Any], field: str = "messages") -> dict[str, Any]:
    metadata = {"display_phone_number": "12025550100", "phone_number_id": "1"}
    whole = {"messaging_product": "whatsapp", "metadata": metadata} | value
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "7", "changes": [{"value": whole, "field": field}]}],
    }


def ses_event(name: str, ref: str, **more: Any) -> dict[str, Any]:
    mail = {"messageId": ref, "source": "us@example.org", "destination": [ADDRESS], "tags": {}}
    return {"eventType": name, "mail": mail} | more


@pytest.fixture(params=SIGNERS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def played(house, kind) -> Played:
    signer = SIGNERS[kind]()
    if kind == "ses":
        house.fetched[CERTIFICATE] = PEMS["ses"].pem()
    return await Played.by(house, signer)


async def nothing_kept(house: Any) -> bool:
    return not any([await house.rows(f"SELECT 1 FROM {table}") for table in TABLES])


async def test_a_delivered_message_is_told_once(house, played, kind):
    """By the vendor's own reference; the same event a second time changes nothing."""
    ref = "<ref-1@example.org>" if kind == "mailgun" else "ref-1"
    touch = await played.touch(await house.lead(), provider_ref=ref)
    value = delivered(kind, ref)
    answers = [await played.send(value) for _ in range(2)]
    assert {answer.status_code // 100 for answer in answers} == {2}
    (event,) = await house.events()
    assert isinstance(event, TouchDelivered)
    assert (event.touch_id, event.attempt_id) == (touch.touch_id, touch.attempt_id)
    (kept,) = await house.rows("SELECT payload, state FROM replies.callbacks")
    assert kept["state"] == "delivered"
    assert kept["payload"]


async def test_forged_altered_unsigned_and_expired(house, played, kind):
    """Nothing of it is kept, and nobody is told more than 403."""
    value = delivered(kind, "ref-1")
    content, headers = played.signer.sign(orjson.dumps(value), now())
    other = content.replace(b"ref-1", b"ref-2")
    signed = {name: value for name, value in headers.items() if name != "Content-Type"}
    tries = [(other, headers)]
    if kind == "postmark":
        tries = [(content, headers | {"Authorization": "Bearer x"})]
    if kind == "mailgun":
        tries = [(content.replace(b'"token":"', b'"token":"0'), headers), (b"{}", headers)]
    if kind in {"telnyx", "sendgrid", "meta", "postmark", "webhook"}:
        tries.append((content, {"Content-Type": "application/json"}))
        tries += [(content, headers | {name: value[:-3] + "AAA"}) for name, value in signed.items()]
    for sent, with_headers in tries:
        assert (await played.raw(sent, with_headers)).status_code == 403
    if played.signer.stale is not None:
        assert (await played.send(value, ago=played.signer.stale + 1)).status_code == 403
    assert await nothing_kept(house)


async def test_another_accounts_secret_is_no_secret(house, played, kind):
    """What one account's vendor signs does not open another's door."""
    stranger = SIGNERS[kind]()
    if kind in {"telnyx", "sendgrid", "ses"}:
        content, headers = stranger.sign(orjson.dumps(delivered(kind, "ref-1")), now())
        assert (await played.raw(content, headers)).status_code == 403
    account = house.accounts[played.signer.provider, played.signer.channel]
    await house.rows(
        "UPDATE directory.accounts SET secrets = '', settings = '{}' WHERE id = :id RETURNING 1",
        id=account.id,
    )
    content, headers = played.signer.sign(orjson.dumps(delivered(kind, "ref-1")), now())
    assert (await played.raw(content, headers)).status_code == 403
    assert await nothing_kept(house)


async def test_what_nobody_understands_is_kept_and_answered_well(house, played, kind):
    """An event of a type that is new: 2xx, kept as it came, without effect."""
    strange: Any = {"type": "brand.new", "data": {"a": "\0b", "n": 1e300}, "event_type": "x"}
    if kind == "sendgrid":
        strange = [{"event": "brand_new", "email": ADDRESS, "sg_event_id": "e"}, "text", None, []]
    if kind == "ses":
        strange = ses_event("Brand New", "ref-1")
    assert (await played.send(strange)).status_code // 100 == 2
    rows = await house.rows("SELECT kind, payload FROM replies.callbacks")
    assert {row["kind"] for row in rows} == {"other"}
    assert await house.events() == []
    assert await house.sweep() == 0


async def test_genuine_and_no_json(house, played, kind):
    """Signed by the vendor and unreadable: 4xx, never a 500, and nothing kept."""
    for raw in (b" ", b"{", b"\xff\xfe", b"[" * 900 + b"]" * 900, b'"text"', b"17", b"null"):
        if kind in {"mailgun", "vonage sms"}:
            answer = await played.raw(raw, {"Content-Type": "application/json"})
        else:
            content, headers = played.signer.sign(raw.decode("latin-1").encode(), now())
            answer = await played.raw(content, headers)
        if kind != "ses":  # its envelope is good whatever is in it
            assert 400 <= answer.status_code < 500
    if kind != "ses":
        assert await nothing_kept(house)


async def test_ten_megabytes_are_refused_early(played):
    """By the length that is declared, before a byte is read or a signature reckoned."""
    answer = await played.raw(b"x" * 10_000_000, {"Content-Type": "application/json"})
    assert answer.status_code == 413


async def test_a_report_before_the_answer_waits_for_its_touch(house, played, kind):
    """A callback that overtakes the API's answer is parked, then told."""
    ref = "<ref-1@example.org>" if kind == "mailgun" else "ref-1"
    account = house.accounts[played.signer.provider, played.signer.channel]
    touch = house.touch(await house.lead(), account=account, provider_ref=ref)
    await played.send(delivered(kind, ref))
    assert await house.events() == []
    await house.tell(touch)
    (event,) = await house.events()
    assert event.attempt_id == touch.attempt_id


OWN = {"attempt_id", "reason"}

ECHOES = {
    "telnyx": lambda a: telnyx_event("message.finalized", "x", "delivered", tags=[a]),
    "sendgrid": lambda a: [sendgrid_event("delivered", "", attempt=a)],
    "mailgun": lambda a: mailgun_event("delivered", "", **{"user-variables": {"attempt": a}}),
    "postmark": lambda a: delivered("postmark", "") | {"Metadata": {"attempt": a}},
    "ses": lambda a: ses_event(
        "Delivery", "x", mail={"messageId": "x", "destination": [ADDRESS], "tags": {"attempt": [a]}}
    ),
    "meta": lambda a: meta_change(
        {"statuses": [meta_status("x", "delivered", biz_opaque_callback_data=a)]}
    ),
    "vonage": lambda a: delivered("vonage", "x") | {"client_ref": a},
    "vonage sms": lambda a: delivered("vonage sms", "x") | {"client-ref": a},
    "webhook": lambda a: {
        "type": "message.status",
        "data": {"ref": "x", "state": "delivered", "attempt": a},
    },
}


@pytest.mark.parametrize("kind", sorted(ECHOES))
@pytest.mark.parametrize("early", [False, True])
async def test_the_attempt_that_a_vendor_echoes_is_enough(house, played, kind, early):
    """Found by our own id alone, before and after the touch is known to have gone out."""
    account = house.accounts[played.signer.provider, played.signer.channel]
    touch = house.touch(await house.lead(), account=account, provider_ref="another")
    if not early:
        await house.tell(touch)
    await played.send(ECHOES[kind](str(touch.attempt_id)))
    if early:
        assert await house.events() == []
        await house.tell(touch)
    (event,) = await house.events()
    assert event.attempt_id == touch.attempt_id


@pytest.mark.parametrize("kind", ["sendgrid", "vonage sms"])
@pytest.mark.parametrize("first", [True, False])
async def test_a_callback_settles_what_nobody_knows(house, played, kind, first):
    """A call whose answer was lost: the attempt that the vendor echoes proves it, in any order."""
    account = house.accounts[played.signer.provider, played.signer.channel]
    touch = house.touch(await house.lead(), account=account)
    common = {name: getattr(touch, name) for name in TouchUnknown.model_fields if name not in OWN}
    lost = TouchUnknown(**common, attempt_id=touch.attempt_id, reason="no answer")
    value = ECHOES[kind](str(touch.attempt_id))
    if first:
        await played.send(value)
        assert await house.events() == []
    await house.tell(lost)
    if not first:
        await played.send(value)
    (event,) = await house.events()
    assert (event.touch_id, event.enrollment_id) == (touch.touch_id, touch.enrollment_id)
    answer = await house.api("GET", f"/v1/leads/{touch.lead_id}/conversation")
    assert answer.json()["items"] == []
    await house.tell(touch)
    answer = await house.api("GET", f"/v1/leads/{touch.lead_id}/conversation")
    assert [item["touch_id"] for item in answer.json()["items"]] == [str(touch.touch_id)]


def bounced(kind: str, status: str, said: str, *, hard: bool = True) -> Any:
    match kind:
        case "sendgrid":
            sort = "bounce" if hard else "blocked"
            return [sendgrid_event("bounce", "ref-1", status=status, reason=said, type=sort)]
        case "mailgun":
            detail = {"code": int(said[:3]), "message": said, "enhanced-code": status}
            return mailgun_event(
                "failed", "ref-1", severity="permanent", reason="generic",
                **{"delivery-status": detail},
            )  # fmt: skip
        case "postmark":
            sort = "HardBounce" if hard else "SoftBounce"
            return {"RecordType": "Bounce", "ID": 42, "Type": sort, "MessageID": "ref-1",
                    "Email": ADDRESS, "Details": f"smtp;{said}",
                    "BouncedAt": "2026-11-22T08:00:00Z"}  # fmt: skip
        case _:
            whom = {"emailAddress": ADDRESS, "status": status, "diagnosticCode": f"smtp; {said}",
                    "action": "failed"}  # fmt: skip
            sort = "Permanent" if hard else "Transient"
            return ses_event(
                "Bounce", "ref-1", bounce={"bounceType": sort, "bouncedRecipients": [whom]}
            )


@pytest.mark.parametrize("kind", ["sendgrid", "mailgun", "postmark", "ses"])
@pytest.mark.parametrize(
    ("status", "said", "hard", "dead"),
    [
        ("5.1.1", "550 5.1.1 The email account does not exist", True, True),
        ("5.2.1", "550 5.2.1 mailbox disabled", True, True),
        ("5.2.2", "552 5.2.2 mailbox full", True, False),
        ("4.2.2", "452 4.2.2 over quota", False, False),
        ("5.7.1", "554 5.7.1 blocked by policy", True, False),
    ],
)
async def test_only_a_dead_address_is_not_written_to_again(
    house, played, kind, status, said, hard, dead
):
    """5.1.x and 5.2.1 list the address; a full mailbox and a block of ours do not."""
    ref = "<ref-1>" if kind == "mailgun" else "ref-1"
    await played.touch(await house.lead(), provider_ref=ref)
    assert (await played.send(bounced(kind, status, said, hard=hard))).status_code // 100 == 2
    (event,) = await house.events()
    assert isinstance(event, TouchBounced)
    assert (event.code, event.permanent) == (status, dead)
    assert await house.listed("email", ADDRESS) == ({"email"} if dead else set())
    rows = await house.rows("SELECT state FROM people.contact_points WHERE kind = 'email'")
    assert [row["state"] for row in rows] == ["bounced" if dead else "usable"]


COMPLAINTS = {
    "sendgrid": [sendgrid_event("spamreport", "ref-1")],
    "mailgun": mailgun_event("complained", "ref-1"),
    "postmark": {"RecordType": "SpamComplaint", "ID": 7, "Type": "SpamComplaint",
                 "MessageID": "ref-1", "Email": ADDRESS},
    "ses": ses_event(
        "Complaint", "ref-1",
        complaint={"complainedRecipients": [{"emailAddress": ADDRESS}],
                   "complaintFeedbackType": "abuse"},
    ),
}  # fmt: skip
DEPARTURES = {
    "sendgrid": [sendgrid_event("unsubscribe", "ref-1")],
    "mailgun": mailgun_event("unsubscribed", "ref-1"),
    "postmark": {"RecordType": "SubscriptionChange", "MessageID": "ref-1", "Recipient": ADDRESS,
                 "SuppressSending": True, "SuppressionReason": "ManualSuppression",
                 "ChangedAt": "2026-11-22T08:00:00Z"},
    "ses": ses_event(
        "Subscription", "ref-1",
        subscription={"newTopicPreferences": {"unsubscribeAll": True}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(COMPLAINTS))
@pytest.mark.parametrize("values", [COMPLAINTS, DEPARTURES])
@pytest.mark.parametrize("known", [True, False])
async def test_who_complains_or_leaves_is_not_written_to(house, played, kind, values, known):
    """Listed, consent withdrawn, held, and answered behind the fence; strangers are listed too."""
    lead = await house.lead()
    ref = "<ref-1>" if kind == "mailgun" else "ref-1"
    if known:
        await played.touch(lead, provider_ref=ref)
    assert (await played.send(values[kind])).status_code // 100 == 2
    assert await house.listed("email", ADDRESS) == {"email"}
    assert (await house.consent(lead.person_id))["email"] == "no"
    assert await house.held() == [lead.person_id]
    (out,) = await house.events("ContactOptedOut")
    assert (out.person_id, out.via) == (lead.person_id, "vendor")
    assert sum(house.wall.slept) >= ACKNOWLEDGE_AFTER


@pytest.mark.parametrize("kind", ["sendgrid"])
async def test_a_batch_in_any_order_comes_to_the_same(house, played):
    """Two hundred events of many letters, twice, at once: each letter told once."""
    lead = await house.lead()
    touches = [await played.touch(lead, provider_ref=f"ref-{n}") for n in range(20)]
    events = [
        sendgrid_event(name, touch.provider_ref)
        for name in ("click", "open", "delivered", "processed", "deferred", "brand_new")
        for touch in touches
    ]
    answers = await asyncio.gather(played.send(events), played.send(events[::-1]))
    assert {answer.status_code for answer in answers} == {204}
    told = await house.events()
    assert {type(event) for event in told} == {TouchDelivered}
    assert sorted(e.touch_id for e in told) == sorted(t.touch_id for t in touches)
    rows = await house.rows("SELECT DISTINCT state FROM replies.deliveries")
    assert [row["state"] for row in rows] == ["clicked"]
    (count,) = await house.rows("SELECT count(*) AS n FROM replies.callbacks")
    assert count["n"] == len(events)


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
    """A text by any vendor: matched, held, kept with what came, told once, behind the fence."""
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


async def test_a_token_of_mailguns_is_good_once(house):
    """The body is not signed: with a token seen before nothing is taken, whatever it brings."""
    played = await Played.by(house, mailgun())
    body = mailgun_event("delivered", "a") | {"signature": mailgun_fields(now())}
    sent = [
        await played.raw(orjson.dumps(value), {"Content-Type": "application/json"})
        for value in (body, body, body | mailgun_event("complained", "b"))
    ]
    assert [answer.status_code for answer in sent] == [200, 403, 403]
    assert len(await house.rows("SELECT 1 FROM replies.callbacks")) == 1
    assert await house.listed("email", ADDRESS) == set()


async def test_a_token_is_not_spent_by_what_failed(house):
    """What could not be taken may come again with the same token."""
    played = await Played.by(house, mailgun())
    fields = mailgun_fields(now())
    form = {**fields, "recipient": "us@in.example.org", "body-plain": "hello"}
    path = played.path
    assert (await house.client.post(path, data=form)).status_code == 406
    assert (await house.client.post(path, data=form | {"sender": ADDRESS})).status_code == 200


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


async def test_a_topic_is_confirmed_only_if_it_is_ours(house):
    """The subscription of the account's topic is confirmed at Amazon; a stranger's is not."""
    topic = Topic()
    played = await Played.by(house, topic.signer())
    house.fetched[CERTIFICATE] = topic.pem()
    url = (
        f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t"
    )
    confirm = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": url}
    headers = {"Content-Type": "text/plain"}
    asked = orjson.dumps(topic.envelope("You have chosen to subscribe", now(), **confirm))
    assert (await played.raw(asked, headers)).status_code == 503  # Amazon is out of reach
    house.fetched[url] = b"<ok/>"
    assert (await played.raw(asked, headers)).status_code == 200
    assert house.asked.count(CERTIFICATE) == 1
    stranger = confirm | {"TopicArn": TOPIC.replace("followup", "other")}
    elsewhere = confirm | {"SubscribeURL": "https://evil.example/?Action=ConfirmSubscription&x"}
    before = list(house.asked)
    for more, status in ((stranger, 403), (elsewhere, 422)):
        sent = orjson.dumps(topic.envelope("x", now(), **more))
        assert (await played.raw(sent, headers)).status_code == status
    assert house.asked == before


async def test_a_certificate_out_of_force_signs_nothing(house):
    """Expired yesterday: 403; out of reach: 503, so that it comes again."""
    topic = Topic()
    played = await Played.by(house, topic.signer())
    value = ses_event("Delivery", "ref-1", delivery={})
    assert (await played.send(value)).status_code == 503
    house.fetched[CERTIFICATE] = topic.pem(days=-1)
    assert (await played.send(value)).status_code == 403
    assert await nothing_kept(house)


LETTER = "Hello,\n\nplease call me tomorrow.\n"


async def letters(house: Any) -> list[dict[str, Any]]:
    return await house.rows(
        "SELECT body, subject, address, our_address, payload FROM replies.messages ORDER BY id"
    )


async def test_a_letter_by_inbound_parse(house):
    """Multipart, each field in its own charset, what is attached left out; once only."""
    played = await Played.by(house, sendgrid())
    lead = await house.lead()
    fields = {
        "headers": "From: Ada <Ada@example.com>\nMessage-ID: <1@example.com>\nSubject: Grüße",
        "from": "Ada <ada@example.com>",
        "to": "r+1@in.example.org",
        "subject": "Grüße",
        "envelope": '{"to":["r+1@in.example.org"],"from":"bounce@example.com"}',
        "charsets": '{"to":"UTF-8","text":"iso-8859-1","subject":"UTF-8"}',
    }
    files = {
        **{name: (None, value.encode()) for name, value in fields.items()},
        "text": (None, "Schöne Grüße, bitte rufen Sie an.".encode("iso-8859-1")),
        "attachment1": ("plan.pdf", b"%PDF" * 100, "application/pdf"),
    }
    for _ in range(2):
        answer = await house.client.post(
            played.path, files=files, headers={"Authorization": f"Basic {PASSWORD}"}
        )
        assert answer.status_code == 204
    (kept,) = await letters(house)
    assert kept["body"] == "Schöne Grüße, bitte rufen Sie an."
    assert (kept["subject"], kept["our_address"]) == ("Grüße", "r+1@in.example.org")
    attached = {"name": "plan.pdf", "type": "application/pdf", "size": 400}
    assert kept["payload"]["attached"] == [attached]
    assert await house.held() == [lead.person_id]
    assert (await house.client.post(played.path, files=files)).status_code == 403


async def test_a_letter_by_postmark(house):
    """JSON with base64 attachments: the words are kept, not what is attached."""
    played = await Played.by(house, postmark())
    lead = await house.lead()
    value = {
        "FromName": "Ada",
        "From": "ada@example.com",
        "FromFull": {"Email": "ada@example.com", "Name": "Ada", "MailboxHash": ""},
        "To": "r+1@in.example.org",
        "ToFull": [{"Email": "r+1@in.example.org", "Name": "", "MailboxHash": "1"}],
        "OriginalRecipient": "r+1@in.example.org",
        "Subject": "Re: your quote",
        "MessageID": "73e6d360-66eb-11e1-8e72-a8904824019b",
        "MailboxHash": "1",
        "Date": "Sun, 22 Nov 2026 09:00:00 +0100",
        "TextBody": LETTER,
        "HtmlBody": "<p>Hello</p>",
        "Headers": [{"Name": "Message-ID", "Value": "<2@example.com>"}],
        "Attachments": [
            {"Name": "a.png", "Content": "A" * 1_500_000, "ContentType": "image/png",
             "ContentLength": 1_125_000}
        ],
    }  # fmt: skip
    assert (await played.send(value)).status_code == 204
    (kept,) = await letters(house)
    assert (kept["body"], kept["subject"]) == (LETTER.strip(), "Re: your quote")
    assert kept["payload"]["Attachments"][0]["Name"] == "a.png"
    assert "Content" not in kept["payload"]["Attachments"][0]
    assert await house.held() == [lead.person_id]


async def test_a_letter_by_mailguns_route(house):
    """A form, signed among its fields; HTML alone is read as its text."""
    played = await Played.by(house, mailgun())
    lead = await house.lead()
    form = {
        **mailgun_fields(now()),
        "recipient": "r+1@in.example.org",
        "sender": "ada@example.com",
        "from": "Ada <ada@example.com>",
        "subject": "Re: your quote",
        "body-html": "<style>p{}</style><p>Please call&nbsp;me.</p><blockquote>STOP</blockquote>",
        "message-headers": '[["Message-Id","<3@example.com>"],["From","Ada <ada@example.com>"]]',
    }
    assert (await house.client.post(played.path, data=form)).status_code == 200
    (kept,) = await letters(house)
    assert kept["body"].split() == ["Please", "call", "me.", ">", "STOP"]
    assert await house.held() == [lead.person_id]
    assert await house.listed("email", ADDRESS) == set()
    again = form | mailgun_fields(now())
    assert (await house.client.post(played.path, data=again)).status_code == 200
    assert len(await letters(house)) == 1


RAW = (
    b"From: =?utf-8?q?Ada?= <ada@example.com>\r\nTo: r+1@in.example.org\r\n"
    b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nMessage-ID: <9@example.com>\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Bitte sp\xe4ter anrufen.\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
    b"Content-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n"
    b"\r\nQUJD\r\n--b--\r\n"
)


@pytest.mark.parametrize("kind", ["ses", "mailgun", "sendgrid"])
async def test_a_letter_as_it_came_through_the_wires(house, played, kind):
    """Raw MIME by each vendor: read in its own charsets, what is attached left out."""
    lead = await house.lead()
    match kind:
        case "ses":
            receipt = {"recipients": ["r+1@in.example.org"],
                       "action": {"type": "SNS", "encoding": "BASE64"}}  # fmt: skip
            answer = await played.send(
                {"notificationType": "Received", "receipt": receipt,
                 "mail": {"messageId": "m1", "source": "ada@example.com"},
                 "content": base64.b64encode(RAW).decode()}
            )  # fmt: skip
        case "mailgun":
            fields = {**mailgun_fields(now()), "sender": "ada@example.com",
                      "recipient": "r+1@in.example.org"}  # fmt: skip
            files = {name: (None, value) for name, value in fields.items()}
            answer = await house.client.post(played.path, files={**files, "body-mime": (None, RAW)})
        case _:
            envelope = b'{"to":["r+1@in.example.org"],"from":"ada@example.com"}'
            answer = await house.client.post(
                played.path,
                files={"email": (None, RAW), "envelope": (None, envelope)},
                headers={"Authorization": f"Basic {PASSWORD}"},
            )
    assert answer.status_code // 100 == 2
    (kept,) = await letters(house)
    assert (kept["body"].strip(), kept["subject"]) == ("Bitte später anrufen.", "Grüße")
    assert kept["our_address"] == "r+1@in.example.org"
    assert await house.held() == [lead.person_id]


async def test_a_provider_that_there_is_not(house):
    """An unknown provider or kind is 404, a method it does not use 405."""
    account = house.accounts["twilio", "sms"].id
    assert (await house.client.post(f"/hooks/nobody/{account}/inbound")).status_code == 404
    assert (await house.client.post(f"/hooks/twilio/{account}/nothing")).status_code == 404
    assert (await house.client.get(f"/hooks/twilio/{account}/inbound")).status_code == 405


async def test_a_webhook_of_its_provider_lets_no_other_provider_in(house):
    """Whoever was genuine a moment ago is looked up by the provider that is asked for, too."""
    played = await Played.by(house, standard())
    assert (await played.send(delivered("webhook", "ref-1"))).status_code // 100 == 2
    house.accounts["sandbox", "sms"] = house.accounts["webhook", "sms"]
    answer = await house.sandbox("status", "sms", {"ref": "ref-2", "state": "sent"})
    assert answer.status_code == 404
