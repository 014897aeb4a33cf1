"""E-mail delivered by a mail server: matched, read, held and stopped like every message."""

import asyncio
import smtplib
from collections.abc import AsyncIterator

import pytest

from followup_contracts.events import ContactOptedOut, ReplyReceived, TouchBounced
from followup_replies.email.listener import MailListener
from followup_suppression.replying import ReplyAddresses
from followup_suppression.returning import ReturnTags


def text_from(sender: str, body: str, **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"From: {sender}", "Message-ID: <m1@example.com>", *lines])
    return f"{head}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n".encode()


@pytest.fixture
async def listener(house) -> AsyncIterator[MailListener]:
    (runner,) = [runner for runner in house.service.runners if runner.name == "replies:mail"]
    stop = asyncio.Event()
    running = asyncio.create_task(runner.run(stop))
    await runner.listening()
    yield runner
    stop.set()
    await running


async def deliver(listener, raw: bytes, *recipients: str, sender: str = "ada@example.com"):
    """What a mail server is answered, for each recipient that was refused."""

    def speak() -> dict[str, tuple[int, bytes]]:
        with smtplib.LMTP("127.0.0.1", listener.port) as client:
            try:
                return client.sendmail(sender, list(recipients), raw)
            except smtplib.SMTPRecipientsRefused as refused:  # all of them
                return refused.recipients

    return await asyncio.to_thread(speak)


def address(house, provider: str = "sandbox", channel: str = "email") -> str:
    return f"{house.accounts[provider, channel].id}@inbound.example.com"


async def test_a_letter_answers_the_touch_whose_message_id_it_names(house, listener, later):
    """Whatever address it was written from, and although a later touch went out."""
    lead = await house.lead()
    account = house.accounts["sandbox", "email"]
    first = await house.sent(lead, account=account)
    later(hours=1)
    await house.sent(lead, account=account)
    raw = text_from(
        "Ada <other@example.net>",
        "Yes please, Friday works",
        In_Reply_To=f"<{first.attempt_id}@us.example.com>",
    )
    assert await deliver(listener, raw, address(house)) == {}
    (event,) = await house.events(ReplyReceived.__name__)
    assert (event.person_id, event.touch_id) == (lead.person_id, first.touch_id)
    assert event.intent == "interested"
    assert await house.held() == [lead.person_id]


async def test_a_letter_that_says_stop_stops_its_sender(house, listener):
    """Also when it comes twice, and when it names no letter of ours."""
    lead = await house.lead()
    raw = text_from("Ada@example.com", "Please take me off your list.")
    await deliver(listener, raw, address(house))
    await deliver(listener, raw, address(house))
    assert await house.listed("email", "ada@example.com") == {"all"}
    assert len(await house.events(ContactOptedOut.__name__)) == 1
    assert await house.held() == [lead.person_id]


async def test_an_answer_of_a_machine_is_told_by_its_empty_return_path(house, listener):
    """RFC 3834: nobody types with a null sender."""
    await house.lead()
    await deliver(listener, text_from("ada@example.com", "Thanks!"), address(house), sender="")
    (event,) = await house.events(ReplyReceived.__name__)
    assert event.intent == "auto_reply"


async def test_a_delivery_report_bounces_its_touch(house, listener):
    """Nobody has the address: the touch has bounced for good."""
    lead = await house.lead()
    touch = await house.sent(lead, account=house.accounts["sandbox", "email"])
    raw = (
        "From: MAILER-DAEMON@mx.example\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=z\r\n\r\n"
        "--z\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        "Final-Recipient: rfc822; ada@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--z\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: <{touch.attempt_id}@us.example.com>\r\n--z--\r\n"
    ).encode()
    assert await deliver(listener, raw, address(house), sender="") == {}
    (event,) = await house.events(TouchBounced.__name__)
    assert (event.touch_id, event.permanent) == (touch.touch_id, True)


def signed(house, purpose: str, attempt_id) -> str:
    """An address that a letter of ours carries."""
    return ReplyAddresses(house.keys.link_key).write(purpose, attempt_id, "in.example.com")


async def test_an_answer_to_a_signed_address_is_to_the_letter_it_names(house, listener, later):
    """From any address, whatever else it names; and in capitals, as some servers write."""
    lead, other = await house.lead(), await house.lead(phone_e164="+12125550144", email="b@x.com")
    account = house.accounts["sandbox", "email"]
    first = await house.sent(lead, account=account)
    later(hours=1)
    second = await house.sent(other, account=account)
    raw = text_from("b@x.com", "Friday works", In_Reply_To=f"<{second.attempt_id}@us.example.com>")
    local, _, domain = signed(house, "reply", first.attempt_id).rpartition("@")
    assert await deliver(listener, raw, f"{local.upper()}@{domain}") == {}
    (event,) = await house.events(ReplyReceived.__name__)
    assert (event.person_id, event.touch_id) == (lead.person_id, first.touch_id)


async def test_a_forged_address_is_no_address_of_ours(house, listener):
    """One letter off: refused by the listener; a vendor's letter is matched by all the rest."""
    lead = await house.lead()
    touch = await house.sent(lead, account=house.accounts["sandbox", "email"])
    genuine = signed(house, "reply", touch.attempt_id)
    forged = genuine.replace(genuine[20], "b" if genuine[20] != "b" else "c", 1)
    refused = await deliver(listener, text_from("ada@example.com", "hi"), forged)
    assert {code for code, _ in refused.values()} == {550}
    letter = {"id": "m1", "channel": "email", "from": "ada@example.com", "to": forged}
    assert (await house.sandbox("inbound", "email", letter | {"body": "Hi?"})).is_success
    (event,) = await house.events(ReplyReceived.__name__)
    assert event.person_id == lead.person_id


async def test_an_answer_that_is_here_before_its_letter_is_known_comes_again(house, listener):
    """The mail server keeps it, and is told to try later; then it is taken."""
    lead = await house.lead()
    touch = house.touch(lead, account=house.accounts["sandbox", "email"])
    to, raw = signed(house, "reply", touch.attempt_id), text_from("ada@example.com", "Yes")
    assert {code for code, _ in (await deliver(listener, raw, to)).values()} == {451}
    await house.tell(touch)
    assert await deliver(listener, raw, to) == {}


async def test_a_letter_to_the_address_of_departures_unsubscribes(house, listener):
    """Without a word, by a machine's hand, and from another address than we wrote to."""
    lead = await house.lead()
    touch = await house.sent(lead, account=house.accounts["sandbox", "email"])
    raw = text_from("ada@forwarded.example", "", Auto_Submitted="auto-generated")
    await deliver(listener, raw, signed(house, "unsubscribe", touch.attempt_id), sender="")
    assert await house.listed("email", "ada@example.com") == {"all"}
    assert await house.listed("email", "ada@forwarded.example") == {"all"}
    assert (await house.consent(lead.person_id))["email"] == "no"
    (event,) = await house.events(ReplyReceived.__name__)
    assert event.opt_out


async def test_the_latest_of_several_conversations_is_a_guess(house, later):
    """Two enquiries of one person: the last touch is taken for what is answered, and flagged."""
    lead = await house.lead()
    await house.sent(lead)
    await house.sms("first")
    second = await house.lead(person_id=lead.person_id)
    later(hours=1)
    await house.sent(second)
    await house.sms("second")
    pages = [
        (await house.api("GET", f"/v1/leads/{of.lead_id}/conversation")).json()["items"]
        for of in (lead, second)
    ]
    said = [
        (item["body"], item["guessed"])
        for page in pages
        for item in page
        if item["direction"] == "inbound"
    ]
    assert said == [("first", False), ("second", True)]


async def test_the_number_they_wrote_to_tells_conversations_apart(house, later):
    """The pair of numbers goes before what was sent last from another."""
    lead = await house.lead()
    touch = await house.sent(lead, sender="+12025550100")
    second = await house.lead(person_id=lead.person_id)
    later(hours=1)
    await house.sent(second, sender="+12025550199")
    await house.sms("about the first", To="+12025550100")
    (event,) = await house.events(ReplyReceived.__name__)
    assert (event.lead_id, event.touch_id) == (lead.lead_id, touch.touch_id)
    (row,) = await house.rows("SELECT guessed FROM replies.messages")
    assert not row["guessed"]


def report(original: str, recipient: str) -> bytes:
    """A delivery report about a letter, for an address nobody has."""
    return (
        "From: MAILER-DAEMON@mx.example\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=z\r\n\r\n"
        "--z\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--z\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {original}\r\n--z--\r\n"
    ).encode()


async def test_a_bounce_is_known_by_the_return_path_it_comes_to(house, listener):
    """Although it names no letter: the tag does, and its address is listed."""
    lead = await house.lead()
    touch = await house.sent(lead, account=house.accounts["sandbox", "email"])
    tag = ReturnTags(house.keys.link_key).write(touch.attempt_id)
    raw = report("<rewritten@relay.example>", "ada@example.com")
    assert await deliver(listener, raw, f"bounces+{tag}@in.example.com", sender="") == {}
    (event,) = await house.events(TouchBounced.__name__)
    assert event.touch_id == touch.touch_id
    assert await house.listed("email", "ada@example.com") == {"email"}


async def test_a_report_that_is_here_before_its_letter_is_known_counts_then(house, listener):
    """A server of this house says so at once; the address is listed when the touch is known."""
    lead = await house.lead()
    touch = house.touch(lead, account=house.accounts["sandbox", "email"])
    raw = report(f"<{touch.attempt_id}@us.example.com>", "ada@example.com")
    assert await deliver(listener, raw, address(house), sender="") == {}
    assert await house.listed("email", "ada@example.com") == set()
    await house.tell(touch)
    assert await house.listed("email", "ada@example.com") == {"email"}
    (event,) = await house.events(TouchBounced.__name__)
    assert event.touch_id == touch.touch_id


async def test_a_forged_report_lists_no_address_that_is_not_its_letters(house, listener):
    """Not by a name nobody gave, not by a letter to somebody else, and no complaint either."""
    lead, victim = await house.lead(), await house.lead(phone_e164="+12125550144", email="v@x.com")
    touch = await house.sent(lead, account=house.accounts["sandbox", "email"])
    await house.sent(victim, account=house.accounts["sandbox", "email"])
    forged = [
        report("<nobody@knows.example>", "v@x.com"),
        report(f"<{touch.attempt_id}@us.example.com>", "v@x.com"),
    ]
    for raw in forged:
        assert await deliver(listener, raw, address(house), sender="") == {}
    complaint = (
        b"From: fbl@mx.example\r\n"
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=z\r\n\r\n"
        b"--z\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
        b"User-Agent: x\r\nVersion: 1\r\nOriginal-Rcpt-To: v@x.com\r\n\r\n--z--\r\n"
    )
    assert await deliver(listener, complaint, address(house), sender="") == {}
    assert await house.listed("email", "v@x.com") == set()


async def test_only_mail_accounts_take_mail(house, listener):
    """An unknown address, and one of another channel's account, are refused at once."""
    raw = text_from("ada@example.com", "hello")
    known, texts = address(house), address(house, channel="sms")
    refused = await deliver(listener, raw, "nobody@inbound.example.com", known, texts)
    assert {who: code for who, (code, _) in refused.items()} == {
        "nobody@inbound.example.com": 550,
        texts: 550,
    }


async def test_what_cannot_be_read_is_refused_for_good(house, listener):
    """The mail server tells its sender; nothing is kept."""
    with pytest.raises(smtplib.SMTPDataError) as refused:
        await deliver(listener, b"\r\nno headers\r\n", address(house))
    assert refused.value.smtp_code == 554
    assert await house.rows("SELECT 1 FROM replies.messages") == []
