"""Every vendor of letters carries a signed reply address where its API wants it, and only there."""

import email
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import orjson
import pytest

from followup_dispatcher.providers.http_provider import Request
from followup_dispatcher.providers.mailgun import Mailgun
from followup_dispatcher.providers.port import Call, Content
from followup_dispatcher.providers.postmark import Postmark
from followup_dispatcher.providers.sendgrid import SendGrid
from followup_dispatcher.providers.ses import AmazonSes
from followup_suppression.replying import Named, ReplyAddresses

ATTEMPT = UUID("0198f0c4-7a10-7b31-9d2e-1f5b6c7d8e91")
ADDRESSES = ReplyAddresses(b"l" * 32)
SIGNED = ADDRESSES.write("reply", ATTEMPT, "in.shop.example")
LEAVE = "<https://shop.example/u/x>"


def request(dialect: Any, **headers: str) -> Request:
    content = Content(
        "Still on?", subject="Your roof", headers={"List-Unsubscribe": LEAVE, **headers}
    )
    call = Call(
        attempt_id=ATTEMPT,
        touch_id=ATTEMPT,
        tenant_id=ATTEMPT,
        channel="email",
        to="dana@lead.example",
        sender="Ray <ray@shop.example>",
        content=content,
        callback_url=None,
        valid_for=None,
        time_left=lambda: 1.0,
    )
    made = dialect.request(call)
    assert isinstance(made, Request)
    return made


def of_sendgrid(made: Request) -> tuple[list[str], list[str]]:
    """`reply_to` is an object; the header is refused (docs.sendgrid.com, "Mail Send")."""
    letter = orjson.loads(made.body.octets)
    answers = [letter["reply_to"]["email"]] if "reply_to" in letter else []
    return answers, list(letter["headers"])


def of_postmark(made: Request) -> tuple[list[str], list[str]]:
    """`ReplyTo` is a text (postmarkapp.com/developer/api/email-api)."""
    letter = orjson.loads(made.body.octets)
    answers = [letter["ReplyTo"]] if "ReplyTo" in letter else []
    return answers, [header["Name"] for header in letter["Headers"]]


def of_mailgun(made: Request) -> tuple[list[str], list[str]]:
    """`h:Reply-To` (documentation.mailgun.com, "Sending messages")."""
    fields = parse_qsl(made.body.octets.decode())
    answers = [value for name, value in fields if name == "h:Reply-To"]
    return answers, [name[2:] for name, _ in fields if name[:2] == "h:" and name != "h:Reply-To"]


def of_ses(made: Request) -> tuple[list[str], list[str]]:
    """The whole letter, base64 (SES v2, `Content.Raw`)."""
    letter = orjson.loads(made.body.octets)
    read = email.message_from_bytes(b64decode(letter["Content"]["Raw"]["Data"]))
    names = [name for name in read if name != "Reply-To"]
    return [str(value) for value in read.get_all("Reply-To", [])], names


VENDORS: dict[str, tuple[Any, Callable[[Request], tuple[list[str], list[str]]]]] = {
    "sendgrid": (SendGrid(), of_sendgrid),
    "postmark": (Postmark(None), of_postmark),
    "mailgun": (Mailgun("shop.example"), of_mailgun),
    "ses": (AmazonSes(None), of_ses),
}


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_a_signed_reply_address_goes_along_once(vendor: str) -> None:
    """In the vendor's own field, to the letter, and read again as ours; beside it the way out."""
    dialect, parts = VENDORS[vendor]
    answers, headers = parts(request(dialect, **{"Reply-To": SIGNED}))
    assert answers == [SIGNED]
    assert ADDRESSES.read(answers[0]) == Named("reply", ATTEMPT)
    assert "List-Unsubscribe" in headers
    assert "reply-to" not in {name.lower() for name in headers}


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_without_one_the_sender_is_answered(vendor: str) -> None:
    """No field at all: an empty one would be refused, or answered nowhere."""
    dialect, parts = VENDORS[vendor]
    answers, headers = parts(request(dialect))
    assert answers == []
    assert "List-Unsubscribe" in headers
