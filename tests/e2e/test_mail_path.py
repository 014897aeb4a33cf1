"""The whole way of e-mail: a lead, a sequence, a real Postfix, a mailbox, and the way back."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from postfix import AWAY, DOMAIN, MAILBOX, Postfix, installed, postfix

from followup_directory import Vault, put_account, set_tenant_settings
from followup_runtime.keyring import keys_of
from followup_suppression.returning import LENGTH, ReturnTags, tag_of
from followup_testkit.ports import free_port
from followup_testkit.waiting import until

OURS, RETURNS, READERS = "roofs.example", "bounces.example", "replies.example"
BOUNCES = f"bounces@{RETURNS}"
RELAY = {
    "host": "127.0.0.1",
    "tls": "none",
    "helo": "here.example",
    "from": f"Ray <ray@{OURS}>",
    "bounce_address": BOUNCES,
    "dkim_domain": OURS,
    "dkim_selector": "s1",
}
TENANT = {
    "business_name": "Example Roofs",
    "postal_address": "1 Main St, Springfield",
    "public_url": "https://follow.roofs.example",
    "sandbox": False,
}
DOCUMENT = """
format: 1
key: letters
name: letters
accept:
  R7-one-channel: this is about letters
steps:
  - id: first
    at: {after: 0m, window: at_once}
    touches: [{channel: email, template: first}]
  - id: second
    at: {day: 3, time: "10:00"}
    touches: [{channel: email, template: second}]
templates:
  first:
    subject: Your roof
    text: >-
      Hi {{ person.first_name | default: "there" }}, thank you for asking about
      {{ lead.need | default: "your roof" }}. Shall we call?
    html: >-
      <style>p {color: #333}</style>
      <p>Hi {{ person.first_name | default: "there" }}, shall we call?</p>
      <p>{{ business.address | default: "" }}</p>
      <a href="{{ links.unsubscribe }}">Unsubscribe</a>
  second:
    subject: "Re: Your roof"
    text: >-
      Hi {{ person.first_name | default: "there" }}, here is what
      {{ lead.need | default: "your roof" }} costs. Is Friday good?
"""


@dataclass(frozen=True)
class MailPath:
    """The product and the mail server it sends through, which brings back what bounces."""

    followup: object
    server: Postfix
    tags: ReturnTags

    async def letters(self, count: int) -> list[tuple[bytes, EmailMessage]]:
        """The mailbox, once so many letters are in it: as they lie there, and read; in order."""
        found = [
            (raw, message_from_bytes(raw, policy=default))
            for raw in await self.server.delivered(count)
        ]
        return sorted(found, key=lambda letter: letter[1]["Subject"].startswith("Re:"))


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """The domain's key; making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem() -> str:
    return (
        signing_key()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        .decode()
    )


def published(name: bytes, timeout: float = 5) -> bytes:
    """What the domain's name server would say."""
    del timeout
    assert name == f"s1._domainkey.{OURS}.".encode()
    public = signing_key().public_key()
    encoded = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(encoded)


@pytest.fixture
async def path(starting, clock, database_url, tmp_path) -> AsyncIterator[MailPath]:
    installed()
    mail, listens = free_port(), free_port()
    (tmp_path / "house").mkdir()
    (tmp_path / "mail").mkdir()
    async with starting(
        clock,
        database_url=database_url,
        folder=tmp_path / "house",
        mail_listen=f"lmtp://127.0.0.1:{listens}",
    ) as followup:
        keys = keys_of(followup.house.settings)
        async with followup.house.databases.worker.transaction() as tx:
            await set_tenant_settings(tx, followup.house.tenant.id, TENANT)
            account = await put_account(
                tx,
                followup.house.tenant.id,
                channel="email",
                provider="smtp",
                name="relay",
                settings=RELAY | {"port": mail},
                sealed=Vault(keys.secret_keys).seal({"dkim_private_key": pem()}),
            )
        await followup.ask(
            "PUT",
            "/v1/sequences/letters",
            content=DOCUMENT,
            headers={"content-type": "application/yaml"},
        )
        await followup.ask("POST", "/v1/sequences/letters/publish")
        async with postfix(
            tmp_path / "mail",
            port=mail,
            aliases={BOUNCES: f"{account.id}@{READERS}"},
            transports={READERS: f"lmtp:inet:127.0.0.1:{listens}"},
        ) as server:
            yield MailPath(followup, server, ReturnTags(keys.link_key))


async def test_letters_of_a_sequence_arrive_signed_threaded_and_with_a_way_out(path):
    """What a lead finds in the mailbox is what RFCs 5322, 8058, 3834 and 6376 ask of a letter."""
    lead = await path.followup.lead(sequence="letters", email=f"{MAILBOX}@{DOMAIN}")
    await path.followup.play()
    (raw, first), (later, second) = await path.letters(2)
    attempts = await attempts_of(path.followup, lead)
    for octets, letter, attempt in zip((raw, later), (first, second), attempts, strict=True):
        assert letter["Message-ID"] == f"<{attempt['id']}@{OURS}>" == attempt["provider_ref"]
        assert letter["From"] == f"Ray <ray@{OURS}>"
        assert letter["Auto-Submitted"] == "auto-generated"
        assert letter["List-Unsubscribe"].startswith("<https://follow.roofs.example/u/")
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        returned = letter["Return-Path"].strip("<>")
        assert returned.startswith("bounces+")
        assert returned.endswith(f"@{RETURNS}")
        assert path.tags.read(tag_of(returned)).hex == attempt["id"].replace("-", "")
        assert len(tag_of(returned)) == LENGTH
        assert letter.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in letter.iter_parts()] == [
            "text/plain",
            "text/html",
        ]
        for kind in ("plain", "html"):
            words = letter.get_body((kind,)).get_content()
            assert "Robin" in words
            assert "1 Main St, Springfield" in words
        assert dkim.verify(octets, dnsfunc=published)
        assert not dkim.verify(octets.replace(b"One-Click", b"Two-Click"), dnsfunc=published)
    assert first["In-Reply-To"] is None
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert 'style="color: #333;"' in first.get_body(("html",)).get_content()


async def test_a_letter_that_comes_back_stops_further_letters_to_its_address(path):
    """A server elsewhere knows no such mailbox: its word comes as a notice, and is heeded."""
    lead = await path.followup.lead(sequence="letters", email=f"gone@{AWAY}")
    await path.followup.play(until=path.followup.clock())

    async def listed() -> bool:
        return bool((await path.followup.ask("GET", "/v1/suppressions"))["items"])

    await until(listed, within=60, what="the address to be listed")
    await path.followup.play(until=path.followup.clock() + timedelta(days=10))
    assert len(await attempts_of(path.followup, lead)) == 1
    whats = [item["what"] for item in await path.followup.timeline(lead)]
    assert "bounced" in whats
    assert path.server.letters == []


async def attempts_of(followup, lead) -> list[dict[str, object]]:
    """Every attempt that was made for a lead, oldest first."""
    touches = (await followup.run_of(lead))["touches"]
    found = []
    for touch in touches:
        answer = await followup.client.get(f"/v1/touches/{touch['id']}")
        if answer.is_success:
            found += answer.json()["attempts"]
    return sorted(found, key=lambda attempt: attempt["claimed_at"])
