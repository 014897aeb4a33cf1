"""The mail path against a real server: Debian's Postfix, where the tests run as root."""

from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from postfix import DOMAIN, MAILBOX, Postfix, installed, postfix

from followup_dispatcher.providers.port import Accepted, Content, Refused
from followup_dispatcher.providers.smtp import SmtpProvider, smtp

SENDER = "Ray <ray@roofs.example>"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Postfix]:
    installed()
    async with postfix(tmp_path) as running:
        yield running


@pytest.fixture
async def relay(server: Postfix) -> AsyncIterator[SmtpProvider]:
    settings = {"host": "127.0.0.1", "port": server.port, "tls": "none", "helo": "here.example"}
    provider = smtp(settings, {})
    yield provider
    await provider.close()


def to(name: str) -> dict[str, str]:
    return {"channel": "email", "sender": SENDER, "to": f"{name}@{DOMAIN}"}


async def test_a_letter_arrives_whole_and_once(server, relay, call):
    """Postfix takes it, and the mailbox holds it with its own id, ways out and both parts."""
    headers = {
        "List-Unsubscribe": "<https://follow.example/u/abc>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    content = Content(
        "Grüße, Dana",
        subject="Ihr Dach: für Dienstag",
        html="<p>Grüße</p>",
        headers=headers,
    )
    answer = await relay.send(call(**to(MAILBOX), content=content))
    assert isinstance(answer, Accepted)
    (octets,) = await server.delivered(1)
    letter = message_from_bytes(octets, policy=default)
    assert letter["Message-ID"] == answer.ref
    assert letter["Subject"] == "Ihr Dach: für Dienstag"
    assert letter["List-Unsubscribe"] == headers["List-Unsubscribe"]
    assert letter["List-Unsubscribe-Post"] == headers["List-Unsubscribe-Post"]
    assert letter.get_body(("plain",)).get_content().strip() == "Grüße, Dana"
    assert letter.get_body(("html",)).get_content().strip() == "<p>Grüße</p>"


async def test_a_mailbox_that_is_not_there_is_refused_for_good(server, relay, call):
    """550 5.1.1: the address is at fault, and the next letter goes by the same connection."""
    nobody = await relay.send(call(**to("nobody")))
    assert isinstance(nobody, Refused)
    assert nobody.suppress
    assert nobody.code == "550 5.1.1"
    assert isinstance(await relay.send(call(**to(MAILBOX))), Accepted)
    assert len(await server.delivered(1)) == 1


async def test_a_letter_that_is_too_big_is_the_letters_fault(server, relay, call):
    """What the server will not carry is refused, and no address is listed for it."""
    words = "a line of a letter that is far too long to be read\n" * 4000
    answer = await relay.send(call(**to(MAILBOX), content=Content(words, subject="long")))
    assert isinstance(answer, Refused)
    assert not answer.suppress
    assert server.letters == []
