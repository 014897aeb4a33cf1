"""Whatever a vendor may come to send: read, kept or unfit, within a second and without a fault."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from processor import work

from followup_database import new_id
from followup_directory import Account
from followup_replies.core.bounces import bounce_of
from followup_replies.core.recording import ALL_PARTIES, must_ask
from followup_replies.errors import Unfit
from followup_replies.mailgun.vendor import MAILGUN
from followup_replies.meta.vendor import META
from followup_replies.postmark.vendor import POSTMARK
from followup_replies.sendgrid.vendor import SENDGRID
from followup_replies.ses.vendor import ses
from followup_replies.telnyx.vendor import TELNYX
from followup_replies.twilio.vendor import TWILIO
from followup_replies.vendor import Hook, Vendor
from followup_replies.vonage.vendor import VONAGE
from followup_replies.webhook.vendor import WEBHOOK

VENDORS = (TWILIO, VONAGE, TELNYX, SENDGRID, POSTMARK, MAILGUN, ses(), META, WEBHOOK)
FORM = "application/x-www-form-urlencoded"

NAMES = st.sampled_from(
    [
        "event", "email", "sg_event_id", "sg_message_id", "reason", "type", "status", "timestamp",
        "RecordType", "MessageID", "Metadata", "Headers", "FromFull", "Email", "Type", "Details",
        "event-data", "signature", "message", "headers", "message-id", "user-variables", "severity",
        "delivery-status", "code", "eventType", "notificationType", "mail", "messageId", "tags",
        "bounce", "bouncedRecipients", "emailAddress", "complaint", "destination", "Message",
        "data", "event_type", "payload", "id", "to", "from", "phone_number", "errors", "text",
        "messageId", "message_uuid", "msisdn", "err-code", "client-ref", "entry",
        "changes", "value",
        "statuses", "messages", "messaging", "sender", "read", "mid", "biz_opaque_callback_data",
        "events", "ref", "state", "MessageSid", "Body", "From", "CallSid", "CallStatus",
    ]
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "bounce", "dropped", "click", "Bounce", "HardBounce", "Delivery", "failed", "delivered",
        "permanent", "Complaint", "Received", "message.finalized", "message.received",
        "message.status", "Inbound", "5.1.1", "550 no", "\0", "\ud83d", "", "x" * 400,
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)


def hook(vendor: Vendor, body: bytes, *, media_type: str = "application/json") -> Hook:
    account = Account(
        new_id(), new_id(), "email", vendor.name, "x", "active", None, {}, b"", 0, datetime.now(UTC)
    )
    return Hook(
        kind="inbound" if vendor is TWILIO else "events",
        method="POST",
        url="https://example.com/",
        query={"attempt": "x"},
        headers={"content-type": media_type},
        body=body,
        account=account,
        secrets={},
        at=datetime.now(UTC),
    )


def read(vendor: Vendor, asked: Hook) -> Any:
    """What it is read as, None for what is unfit; fails for anything else, and for slowness."""
    with work() as cost:
        try:
            found = asyncio.run(_read(vendor, asked))
        except Unfit:
            found = None
    assert cost.seconds < 1
    for arrival in found or ():
        orjson.dumps(arrival.payload)  # it can be kept
        assert "\0" not in repr(arrival.payload)
    return found


async def _read(vendor: Vendor, asked: Hook) -> Any:
    await vendor.check(asked)
    return await vendor.read(asked)


def plain(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
@given(value=VALUES)
@example(value={"Type": []})  # what cannot be looked up in a set
def test_any_json(vendor, value):
    """Any JSON at all, with the vendors' own names in wrong places."""
    read(vendor, hook(vendor, plain(value)))


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
@given(value=st.dictionaries(NAMES, VALUES, min_size=1, max_size=6))
def test_any_json_in_its_envelope(vendor, value):
    """The same, where the vendor would put it."""
    for body in ([value], {"event-data": value}, {"data": value}, {"entry": [value]},
                 {"data": {"event_type": "message.finalized", "id": "1", "payload": value}},
                 {"Message": plain(value).decode(), "Type": "Notification"},
                 {"Message": plain({"eventType": "Bounce", "mail": value} | value).decode()},
                 {"entry": [{"changes": [{"value": value}], "messaging": [value]}]}):  # fmt: skip
        read(vendor, hook(vendor, plain(body)))


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
@given(body=st.binary(max_size=200), media=st.sampled_from(
    [FORM, "multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "", "é"]
))  # fmt: skip
def test_any_bytes(vendor, body, media):
    """Any bytes under any content type."""
    read(vendor, hook(vendor, body, media_type=media))


PART = st.tuples(
    st.sampled_from(["headers", "text", "html", "charsets", "envelope", "email", "attachment1",
                     "message-headers", "body-mime", "sender", "recipient", "timestamp"]),
    st.binary(max_size=80),
)  # fmt: skip


@pytest.mark.parametrize("vendor", [SENDGRID, MAILGUN], ids=lambda vendor: vendor.name)
@given(parts=st.lists(PART, max_size=6))
def test_any_form_of_a_letter(vendor, parts):
    """Any parts, any charsets: a letter, or none."""
    pieces = [
        b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value)
        for name, value in parts
    ]
    body = b"".join(pieces) + b"--x--\r\n"
    read(vendor, hook(vendor, body, media_type="multipart/form-data; boundary=x"))


@pytest.mark.parametrize(
    "charset", ["utf-8", "iso-8859-1", "idna", "punycode", "rot13", "zip", "x" * 99, "\0", 7, None]
)
def test_any_charset(charset):
    """A charset that is none, or is slow, is not used; the text is kept anyway."""
    parts = {
        "headers": b"From: a@example.com",
        "charsets": orjson.dumps({"text": charset}),
        "text": "Grüße".encode("iso-8859-1") * 50_000,
    }
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (n.encode(), v)
        for n, v in parts.items()
    )
    media = "multipart/form-data; boundary=x"
    (letter,) = read(SENDGRID, hook(SENDGRID, body + b"--x--\r\n", media_type=media))
    assert letter.body.startswith("Gr")


def test_depth_and_size_are_bounded():
    """Deep, wide and long: refused or read in time."""
    deep = b"[" * 100_000 + b"]" * 100_000
    wide = b"[" + b"{}," * 6_000 + b"{}]"
    long = orjson.dumps([{"event": "open", "email": "x" * 100_000, "sg_event_id": "y" * 500}] * 8)
    for vendor in VENDORS:
        for body in (deep, wide, long):
            read(vendor, hook(vendor, body))
    assert read(SENDGRID, hook(SENDGRID, wide)) is None
    assert read(SENDGRID, hook(SENDGRID, deep)) is None
    for report in read(SENDGRID, hook(SENDGRID, long)):
        assert len(report.dedupe_key) <= 200


@given(said=st.text(max_size=300), hard=st.none() | st.booleans())
def test_any_text_of_a_bounce(said, hard):
    """Whatever a server says is of one kind, with a short code."""
    bounce = bounce_of(said, hard=hard)
    assert bounce.kind in {"dead", "later", "sender", "refused"}
    assert 0 < len(bounce.code) <= len("mailbox_full")


@pytest.mark.parametrize(
    ("said", "hard", "kind"),
    [
        ("smtp; 550 5.1.1 user unknown", None, "dead"),
        ("550-5.1.1 The email account that you tried to reach does not exist", None, "dead"),
        ("5.1.10 RecipientNotFound", None, "dead"),
        ("5.1.2 host unknown", True, "dead"),
        ("5.1.8 bad sender", True, "sender"),
        ("5.2.1 disabled", True, "dead"),
        ("5.2.2 full", True, "later"),
        ("5.7.26 unauthenticated mail", True, "sender"),
        ("421 4.7.0 try again", None, "later"),
        ("5.3.4 too big", True, "refused"),
        ("550 no such user", None, "dead"),
        ("550 mailbox full", True, "later"),
        ("554 blocked by Spamhaus block list", None, "sender"),
        ("451 greylisted", None, "later"),
        ("connection to 10.5.1.1 timed out", False, "later"),
        ("", True, "dead"),
        ("", False, "later"),
    ],
)
def test_classes_of_bounces(said, hard, kind):
    """Dead, later, or the sender's fault: by code, else by words and the vendor."""
    assert bounce_of(said, hard=hard).kind == kind


@pytest.mark.parametrize(
    ("jurisdictions", "asked"),
    [
        ({"US", "US-TX"}, False),
        ({"US", "US-TX", "US-CA"}, True),
        ({"US"}, True),
        ({"DE"}, True),
        ({"US", "US-TX", "CA"}, True),
        (set(), True),
    ],
)
def test_whoever_may_have_to_agree_is_asked(jurisdictions, asked):
    """Only where one party is known to be enough is nobody asked."""
    assert must_ask(frozenset(jurisdictions)) is asked
    assert all(must_ask(frozenset({"US", state})) for state in ALL_PARTIES)
