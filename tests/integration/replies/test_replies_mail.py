"""E-mail delivered by a mail server: matched, read, held and stopped like every message."""

import asyncio
import smtplib
from collections.abc import AsyncIterator

import pytest

from followup_contracts.events import ContactOptedOut, ReplyReceived, TouchBounced
from followup_replies.email.listener import MailListener


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
            return client.sendmail(sender, list(recipients), raw)

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
