"""Letters: whatever stands in a template or a name, the headers stay ours."""

import email
from datetime import UTC, datetime
from email import policy
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.providers.mail_message import (
    BadAddress,
    compose,
    mailbox,
    message_id,
)
from followup_dispatcher.providers.port import Content

NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
OURS = {
    "date",
    "message-id",
    "from",
    "to",
    "subject",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
}


def letter(content: Content, sender: str = "Ray <ray@shop.example>") -> bytes:
    return compose(
        content,
        sender=mailbox(sender, "sender"),
        recipient=mailbox("dana@lead.example", "recipient"),
        message_id=message_id(UUID(int=1), sender),
        now=NOW,
    )


@given(
    subject=st.text(max_size=300),
    text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300),
    name=st.text(max_size=40),
    headers=st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=4),
)
def test_no_value_adds_a_header_or_a_recipient(subject, text, name, headers):
    """Line breaks in a subject, a name or a header's value stay inside it."""
    try:
        sender = mailbox(f"{name} <ray@shop.example>", "sender")
    except BadAddress:
        return
    raw = compose(
        Content(text, subject=subject, headers=headers),
        sender=sender,
        recipient=mailbox("dana@lead.example", "recipient"),
        message_id="<x@shop.example>",
        now=NOW,
    )
    raw.decode("ascii")
    read = email.message_from_bytes(raw, policy=policy.SMTP)
    allowed = OURS | {key.lower() for key in headers}
    assert {key.lower() for key in read} <= allowed
    assert read.get_all("To") == ["dana@lead.example"]
    assert read["From"].addresses[0].addr_spec == "ray@shop.example"
    assert read["Bcc"] is None
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


@pytest.mark.parametrize("name", ["Bcc", "from", "Content-Type", "Message-ID", "X Y", "X:Y", ""])
def test_a_header_that_is_ours_or_none_is_left_out(name):
    """A template's headers never take the place of the letter's own."""
    raw = letter(Content("t", subject="s", headers={name: "evil@x.example"}))
    assert b"evil" not in raw


def test_a_long_identifier_stays_as_it_is():
    """Folding would turn it into encoded words that nobody decodes."""
    domain = "a-rather-long-name-of-a-business." * 4 + "example"
    url = "https://follow.example/u/" + "A" * 152
    content = Content("t", subject="s", headers={"List-Unsubscribe": f"<{url}>, <mailto:u@x.de>"})
    raw = letter(content, f"ray@{domain}")
    assert f"Message-ID: <{UUID(int=1)}@{domain}>\r\n".encode() in raw
    assert f"List-Unsubscribe: <{url}>,\r\n <mailto:u@x.de>\r\n".encode() in raw


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("ray@shop.example", "", "ray@shop.example"),
        (" Ray <ray@shop.example> ", "Ray", "ray@shop.example"),
        ('"Müller, Ray" <ray+a@müller.example>', "Müller, Ray", "ray+a@xn--mller-kva.example"),
    ],
)
def test_a_mailbox_is_read(written, name, address):
    """Plain, or with a name."""
    read = mailbox(written, "sender")
    assert (read.display_name, read.addr_spec) == (name, address)
