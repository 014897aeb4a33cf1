"""`POST /v1/leads/{id}/messages`: people of the tenant answer."""

import asyncio

import pytest

from followup_contracts import Message
from followup_contracts.events import MessageUpdated, MessageWritten
from followup_database import new_id
from followup_directory import Written, templates
from followup_intake.rights import Rights
from followup_suppression import ACKNOWLEDGE_AFTER, AddressHasher
from followup_testkit.waiting import until


async def write(house, lead, *, key="k1", **body):
    """Ask for a message to be sent."""
    headers = {"Idempotency-Key": key, "Authorization": f"Bearer {house.token}"}
    path = f"/v1/leads/{lead.lead_id}/messages"
    return await house.client.post(path, json={"text": "Yes."} | body, headers=headers)


async def words_of(house, event):
    """What is to be sent, as the dispatcher finds it."""
    async with house.databases.worker.transaction() as tx:
        found = await templates(tx, [(house.tenant.id, event.template)])
    return Written.of(found[house.tenant.id, event.template].body)


async def told(house, update, *, tenant_id=None):
    """Have the service's consumer handle what became of a message."""
    (consumer,) = [r for r in house.service.runners if r.name == "replies:replies.messages"]
    await consumer._handle_all([_message(house, update, tenant_id or house.tenant.id)])


def _message(house, update, tenant_id):
    return Message.of(
        update,
        id=new_id(),
        tenant_id=tenant_id,
        source="scheduler",
        subject="test",
        time=house.clock(),
    )


async def test_an_answer_is_held_told_and_answered_behind_the_fence(house):
    """It goes on from the number the person wrote to; nothing automatic can begin any more."""
    lead = await house.lead()
    await house.sent(lead)
    await house.sms("How much is it?")
    house.wall.slept.clear()
    answer = await write(house, lead, by="kim")
    assert answer.status_code == 202
    shown = answer.json()
    assert (shown["state"], shown["channel"], shown["written_by"]) == ("waiting", "sms", "kim")
    assert sum(house.wall.slept) >= ACKNOWLEDGE_AFTER
    (event,) = await house.events("MessageWritten")
    assert isinstance(event, MessageWritten)
    assert (str(event.message_id), event.lead_id) == (shown["id"], lead.lead_id)
    words = await words_of(house, event)
    account = house.accounts["twilio", "sms"]
    assert (words.account_id, words.sender) == (account.id, "+12025550100")
    rows = await house.rows("SELECT reply_id FROM suppression.holds")
    assert event.message_id in {row["reply_id"] for row in rows}


async def test_a_letter_answers_the_letter(house):
    """The thread is the inbound letter's, the sender the mailbox that wrote, the subject Re:."""
    lead = await house.lead()
    account = house.accounts["sandbox", "email"]
    touch = await house.sent(lead, account=account, sender="Acme <hi@acme.example>")
    heard = {
        "id": "m1",
        "channel": "email",
        "from": "Ada@example.com",
        "to": "reply@in.acme.example",
        "subject": "Your roof",
        "body": "How much?",
        "headers": {
            "Message-ID": "<theirs@example.net>",
            "In-Reply-To": f"<{touch.attempt_id}@acme.example>",
        },
    }
    assert (await house.sandbox("inbound", "email", heard)).is_success
    answer = await write(house, lead)
    assert (answer.status_code, answer.json()["subject"]) == (202, "Re: Your roof")
    (event,) = await house.events("MessageWritten")
    words = await words_of(house, event)
    assert words.thread == (f"<{touch.attempt_id}@acme.example>", "<theirs@example.net>")
    assert (words.account_id, words.sender) == (account.id, "Acme <hi@acme.example>")


async def wrote(house, touch, address):
    """A letter in answer to a touch, from this address."""
    heard = {"id": new_id().hex, "channel": "email", "from": address, "to": "in@acme.example"}
    named = {"In-Reply-To": f"<{touch.attempt_id}@acme.example>"}
    body = heard | {"subject": "Your roof", "body": "How much?", "headers": named}
    assert (await house.sandbox("inbound", "email", body)).is_success


async def test_an_answer_goes_to_the_address_they_wrote_from(house):
    """Theirs as they are known by it; nobody's as it stands; another person's, or one that is
    wrong by now, never."""
    lead = await house.lead()
    bob = "bob@example.com"
    await house.lead(email=bob, email_match_key=bob, phone_e164="+12125550144")
    touch = await house.sent(lead, account=house.accounts["sandbox", "email"])
    found = []
    for address in ("ada+home@Example.com", "ada@work.example", "Bob@example.com"):
        await wrote(house, touch, address)
        assert (await write(house, lead, key=address)).status_code == 202
        words = await words_of(house, (await house.events("MessageWritten"))[-1])
        found.append((words.address, words.stranger))
    assert found == [("Ada@example.com", False), ("ada@work.example", True), (None, False)]
    await house.rows("UPDATE people.contact_points SET state = 'wrong' RETURNING id")
    await wrote(house, touch, "ada@example.com")
    refused = await write(house, lead, key="wrong")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/channel")


async def test_who_is_being_erased_is_not_written_to(house):
    """What is kept beside an erasure would be found by none: it waits, and finds nobody."""
    lead = await house.lead()
    async with house.databases.worker.transaction() as erasing:
        rights = Rights(AddressHasher(house.keys.suppression_key))
        await rights.erase(erasing, house.tenant.id, lead.person_id, listed=True)
        writing = asyncio.create_task(write(house, lead))
        hearing = asyncio.create_task(house.sms("STOP"))
        await until(lambda: _waiting(house, 2), what="both wait for the erasure")
    assert (await writing).status_code == 404
    assert (await hearing).is_success
    assert await house.rows("SELECT 1 FROM replies.written") == []
    (kept,) = await house.rows("SELECT person_id FROM replies.messages")
    assert kept["person_id"] is None


async def _waiting(house, count):
    rows = await house.rows(
        "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE a.datname = current_database() AND NOT l.granted"
    )
    return len(rows) >= count


async def test_a_key_sends_once_however_often_it_comes(house):
    """Twenty at a time under one key are one message; another request under it is refused."""
    lead = await house.lead()
    answers = await asyncio.gather(*(write(house, lead) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await house.events("MessageWritten")) == 1
    other = await write(house, lead, text="Something else.")
    assert (other.status_code, other.json()["title"]) == (422, "Key reused")
    assert (await write(house, await house.lead(phone_e164="+12125550199", email=None))).is_error


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"text": ""}, "/text"),
        ({"text": "   "}, "/text"),
        ({"text": "x" * 10_001}, "/text"),
        ({"text": "x" * 1_601}, "/text"),
        ({"subject": "S"}, "/subject"),
        ({"channel": "voice"}, "/channel"),
        ({"channel": "instagram"}, "/channel"),
        ({"channel": "email"}, "/subject"),
        ({"channel": "email", "subject": "a\nBcc: x"}, "/subject"),
        ({"by": ""}, "/by"),
        ({"html": "<p>"}, "/html"),
    ],
)
async def test_what_cannot_be_said_is_refused_with_its_place(house, body, pointer):
    """422 with a pointer, and nothing is kept."""
    lead = await house.lead()
    answer = await write(house, lead, **body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert await house.rows("SELECT FROM replies.written") == []
    assert await house.held() == []


async def test_nobody_is_written_to_who_is_not_there_or_said_stop(house):
    """404, 422 without a key, 409 for an address on the list; each at once."""
    lead = await house.lead()
    stranger = await house.lead(lead_id=new_id(), phone_e164="+12125550188", email=None)
    path = f"/v1/leads/{new_id()}/messages"
    headers = {"Idempotency-Key": "k"}
    answer = await house.api("POST", f"/v1/leads/{lead.lead_id}/messages", json={"text": "Hi"})
    assert answer.status_code == 422
    client = {"headers": headers | {"Authorization": f"Bearer {house.token}"}}
    assert (await house.client.post(path, json={"text": "Hi"}, **client)).status_code == 404
    await house.sms("STOP")
    assert (await write(house, lead, channel="sms")).status_code == 409
    assert (await write(house, stranger, key="k2")).status_code == 202


async def test_what_became_of_it_stands_in_the_conversation(house):
    """Old news changes nothing, another tenant's neither; the sent touch is not told twice."""
    lead = await house.lead()
    id_ = (await write(house, lead)).json()["id"]

    def update(state, **more):
        fields = {"message_id": id_, "lead_id": lead.lead_id, "person_id": lead.person_id}
        return MessageUpdated(**fields, channel="sms", state=state, **more)

    late = house.clock()
    await told(house, update("waiting", rule="R15:US-NY", reason="night", at=late))
    await told(house, update("failed", at=late), tenant_id=new_id())
    await told(house, update("sent", at=late))
    await told(house, update("waiting", at=late))
    await house.sent(lead, touch_id=id_)
    page = (await house.api("GET", f"/v1/leads/{lead.lead_id}/conversation")).json()
    assert [(said["id"], said["body"], said["state"]) for said in page["items"]] == [
        (id_, "Yes.", "sent")
    ]
