"""What the vendors of mail tell of letters: bounces, complaints, and by whom it is signed."""

import asyncio
from typing import Any

import orjson
import pytest
from signed_hooks import CERTIFICATE, TOPIC, Topic, mailgun, mailgun_fields, now
from vendor_events import (
    ADDRESS,
    Played,
    mailgun_event,
    nothing_kept,
    sendgrid_event,
    ses_event,
)

from followup_contracts.events import TouchBounced, TouchDelivered
from followup_suppression import ACKNOWLEDGE_AFTER


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
