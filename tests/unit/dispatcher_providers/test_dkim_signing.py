"""Letters that carry their domain's signature, checked by the library's own verifier."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from followup_dispatcher.providers.dkim_signing import signer
from followup_dispatcher.providers.mail_message import compose, mailbox, message_id
from followup_dispatcher.providers.port import Content
from followup_dispatcher.providers.smtp import smtp

ATTEMPT = UUID("01a20250-dd1f-743f-b6ef-fdde57d9a8b4")
SETTINGS = {"dkim_domain": "shop.example", "dkim_selector": "s1"}


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def letter():
    content = Content(
        text="Gr\u00fc\u00dfe",
        subject="Gr\u00f6\u00dfe des Dachs",
        html="<p>Hi</p>",
        headers={
            "List-Unsubscribe": "<https://follow.example/u/x>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "References": "<a@shop.example> <b@shop.example>",
        },
    )
    return compose(
        content,
        sender=mailbox("Ray <ray@shop.example>", "sender"),
        recipient=mailbox("dana@lead.example", "recipient"),
        message_id=message_id(ATTEMPT, "ray@shop.example"),
        now=datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=1),
    )


def test_a_signed_letter_verifies_and_an_altered_one_does_not(key, pem):
    """Both unsubscribe headers are signed (RFC 8058 section 4), words and subject as well."""
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)

    def dns(name, timeout=5):
        del timeout
        assert name == b"s1._domainkey.shop.example."
        return record

    signed = signer(SETTINGS, {"dkim_private_key": pem})(letter())
    assert dkim.verify(signed, dnsfunc=dns)
    header = signed.partition(b"From:")[0].replace(b"\r\n", b"").replace(b" ", b"").lower()
    assert b"list-unsubscribe:list-unsubscribe-post" in header
    for before, after in ((b"One-Click", b"Two-Click"), (b"<p>Hi", b"<p>Ho"), (b"Ray", b"Roy")):
        assert before in signed
        assert not dkim.verify(signed.replace(before, after), dnsfunc=dns)


def test_the_three_settings_go_together_and_a_key_is_read_at_once(pem):
    """A mistake is told when the account is made, not when a letter is due."""
    assert signer({}, {}) is None
    for settings, secrets in (
        (SETTINGS, {}),
        ({"dkim_domain": "shop.example"}, {"dkim_private_key": pem}),
        (SETTINGS, {"dkim_private_key": "no key"}),
        (SETTINGS, {"dkim_private_key": pem[:200]}),
    ):
        with pytest.raises(ValueError, match="dkim_"):
            smtp({"host": "127.0.0.1", "tls": "none", **settings}, secrets)
