"""Every vendor's webhooks, played against the routes as the vendor sends them."""

from typing import Any

import orjson
import pytest
from signed_hooks import now, standard
from vendor_events import (
    ADDRESS,
    SIGNERS,
    Played,
    delivered,
    mailgun_event,
    meta_change,
    meta_status,
    nothing_kept,
    sendgrid_event,
    ses_event,
    telnyx_event,
)

from followup_contracts.events import TouchDelivered, TouchUnknown


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
