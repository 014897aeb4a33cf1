"""Letters that come in by every vendor of mail, each in its own form."""

import base64
from typing import Any

import pytest
from signed_hooks import PASSWORD, mailgun, mailgun_fields, now, postmark, sendgrid
from vendor_events import ADDRESS, Played

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
