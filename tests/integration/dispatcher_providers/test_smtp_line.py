"""E-mail to a real SMTP server, and what a broken conversation means."""

import asyncio
import email
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from certificates import host

from followup_dispatcher.providers.port import (
    Accepted,
    Content,
    NotBegun,
    PastAttempt,
    Refused,
    RetryLater,
    Undecided,
    Unknown,
)
from followup_dispatcher.providers.smtp import smtp

LETTER = Content(
    text="Hi Dana,\n.a line with a dot\nRay",
    subject="Größe des Dachs",
    html="<p>Hi Dana</p>",
    headers={
        "List-Unsubscribe": "<https://follow.example/u/" + "A" * 152 + ">",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
)


@dataclass
class Relay:
    """What the server is to say at each stage, and what it was given."""

    sender: str = "250 OK"
    recipient: str = "250 OK"
    letter: str = "250 2.0.0 queued as 7A3"
    hook: Callable[[SMTP], object] | None = None
    letters: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    connections: list[SMTP] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    port: int = 0
    letter_came: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_MAIL(self, _server, _session, envelope, address, _options):  # noqa: N802
        self.commands.append("MAIL")
        if self.sender.startswith("2"):
            envelope.mail_from = address
        return self.sender

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        self.commands.append("RCPT")
        if self.recipient.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802
        self.letters.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        self.letter_came.set()
        if self.hook:
            outcome = self.hook(server)
            if asyncio.iscoroutine(outcome):
                await outcome
        return self.letter

    async def handle_RSET(self, _server, _session, _envelope):  # noqa: N802
        self.commands.append("RSET")
        return "250 OK"


def start(relay: Relay, **options):
    async def serve():
        def connection():
            relay.connections.append(SMTP(relay, hostname="relay.example", **options))
            return relay.connections[-1]

        server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
        relay.port = server.sockets[0].getsockname()[1]
        return server

    return serve()


@pytest.fixture
async def relay():
    running = Relay()
    server = await start(running)
    yield running
    server.close()
    for connection in running.connections:
        if connection.transport:
            connection.transport.abort()
    await server.wait_closed()


@pytest.fixture
async def line(relay):
    provider = smtp({"host": "127.0.0.1", "port": relay.port, "tls": "none"}, {})
    yield provider
    await provider.close()


@pytest.fixture
def letter(call):
    def build(**changes):
        values = {
            "channel": "email",
            "to": "dana@lead.example",
            "sender": "Ray Müller <ray@shop.example>",
            "content": LETTER,
        }
        return call(**(values | changes))

    return build


async def test_a_letter_arrives_whole(relay, line, letter):
    """Envelope, headers, both alternatives, the dot, and the attempt's own Message-ID."""
    outgoing = letter()
    own_id = f"<{outgoing.attempt_id}@shop.example>"
    assert await line.send(outgoing) == Accepted(own_id)
    ((sender, recipients, raw),) = relay.letters
    assert (sender, recipients) == ("ray@shop.example", ["dana@lead.example"])
    read = email.message_from_bytes(raw, policy=policy.SMTP)
    assert read["Message-ID"] == own_id
    assert read["From"].addresses[0].display_name == "Ray Müller"
    assert read["To"] == "dana@lead.example"
    assert read["Subject"] == "Größe des Dachs"
    assert read["Date"].datetime.tzinfo is not None
    unsubscribe = f"List-Unsubscribe: {LETTER.headers['List-Unsubscribe']}\r\n"
    assert unsubscribe.encode() in raw, "verbatim, not in encoded words"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read.get_content_type() == "multipart/alternative"
    text, markup = read.iter_parts()
    assert text.get_content().splitlines() == LETTER.text.splitlines()
    assert markup.get_content().strip() == LETTER.html


async def test_one_connection_carries_many_letters(relay, line, letter):
    """Opened ahead by warming."""
    await line.warm()
    for _ in range(3):
        assert isinstance(await line.send(letter()), Accepted)
    assert (len(relay.letters), len(relay.connections)) == (3, 1)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("451 4.3.0 try later", RetryLater("451 4.3.0", "put off at the recipient")),
        ("450 greylisted", RetryLater("450", "put off at the recipient")),
        ("550 5.1.1 no such user", Refused("550 5.1.1", "refused at the recipient", suppress=True)),
        ("550 5.2.1 disabled", Refused("550 5.2.1", "refused at the recipient", suppress=True)),
        ("552 5.2.2 full", RetryLater("552 5.2.2", "the mailbox is full")),
        ("550 5.7.1 policy", Refused("550 5.7.1", "refused at the recipient")),
        ("550 no", Refused("550", "refused at the recipient")),
    ],
)
async def test_a_refused_recipient(relay, line, letter, reply, expected):
    """Then the connection is tidied and carries the next letter."""
    relay.recipient = reply
    assert await line.send(letter()) == expected
    relay.recipient = "250 OK"
    assert isinstance(await line.send(letter()), Accepted)
    assert len(relay.connections) == 1
    assert relay.commands == ["MAIL", "RCPT", "RSET", "MAIL", "RCPT"]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("451 4.3.0 try later", RetryLater("451 4.3.0", "put off at the sender")),
        ("553 5.1.8 bad sender", Refused("553 5.1.8", "refused at the sender")),
        ("550 5.1.1 no", Refused("550 5.1.1", "refused at the sender")),
        (
            "550 5.7.1 not yours",
            RetryLater("550 5.7.1", "refused at the sender", account_wide=True, broken=True),
        ),
        (
            "530 authenticate",
            RetryLater("530", "refused at the sender", account_wide=True, broken=True),
        ),
    ],
)
async def test_a_refused_sender_never_blames_the_recipient(relay, line, letter, reply, expected):
    """Policy and credentials are the account's."""
    relay.sender = reply
    assert await line.send(letter()) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("451 4.7.1 later", RetryLater("451 4.7.1", "put off at the letter")),
        ("550 5.7.26 unauthenticated", Refused("550 5.7.26", "refused at the letter")),
        ("550 5.1.1 no such user", Refused("550 5.1.1", "refused at the letter", suppress=True)),
        ("554 5.6.0 spam", Refused("554 5.6.0", "refused at the letter")),
    ],
)
async def test_a_refused_letter(relay, line, letter, reply, expected):
    """A reply after the final dot is an answer: it was not accepted."""
    relay.letter = reply
    assert await line.send(letter()) == expected
    relay.letter = "250 OK"
    assert isinstance(await line.send(letter()), Accepted)


async def test_a_link_lost_after_the_letter_leaves_it_open(relay, line, letter):
    """The server holds the letter; nobody said so."""
    relay.hook = lambda server: server.transport.abort()
    assert await line.send(letter()) == Unknown("SMTPServerDisconnected")
    assert len(relay.letters) == 1
    relay.hook = None
    assert isinstance(await line.send(letter()), Accepted), "the next takes a new link"


async def test_a_reply_that_does_not_come_leaves_it_open(relay, line, letter):
    """Cut off after the call's limit."""
    over = asyncio.Event()
    relay.hook = lambda _server: over.wait()
    assert isinstance(await line.send(letter()), Unknown)
    over.set()


async def test_a_kept_link_that_died_is_replaced(relay, line, letter):
    """Nothing had begun, so another may be opened within the same lease."""
    assert isinstance(await line.send(letter()), Accepted)
    relay.connections[0].transport.close()
    assert isinstance(await line.send(letter()), Accepted)
    assert len(relay.connections) == 2


async def test_a_lease_that_is_over_hands_nothing_over(relay, line, letter):
    """Neither before the envelope nor between it and DATA."""
    assert await line.send(letter(time_left=lambda: 0.0)) == NotBegun("lease over", ours=True)
    assert relay.commands == []
    looks = iter([1.0, -0.01])
    assert await line.send(letter(time_left=lambda: next(looks))) == NotBegun(
        "lease over", ours=True
    )
    assert relay.commands == ["MAIL", "RCPT", "RSET"]
    assert relay.letters == []
    assert isinstance(await line.send(letter()), Accepted)
    assert len(relay.connections) == 1


async def test_a_pool_that_is_full_has_not_begun(relay, letter):
    """Waiting for a link is bounded by the lease."""
    over = asyncio.Event()
    relay.hook = lambda _server: over.wait()
    provider = smtp({"host": "127.0.0.1", "port": relay.port, "tls": "none", "connections": 1}, {})
    busy = asyncio.create_task(provider.send(letter()))
    await relay.letter_came.wait()
    assert await provider.send(letter(time_left=lambda: 0.1)) == NotBegun("TimeoutError")
    over.set()
    assert isinstance(await busy, Accepted)
    assert isinstance(await provider.send(letter()), Accepted), "the slot came back"
    await provider.close()


async def test_a_server_that_is_not_there_has_not_begun(letter):
    """And warming bears it."""
    server = await start(gone := Relay())
    server.close()
    await server.wait_closed()
    provider = smtp({"host": "127.0.0.1", "port": gone.port, "tls": "none"}, {})
    await provider.warm()
    assert isinstance(await provider.send(letter()), NotBegun)
    await provider.close()


@pytest.mark.parametrize("greeting", [b"554 go away\r\n", b"421 busy\r\n"])
async def test_a_server_that_turns_us_away_is_the_accounts_trouble(letter, greeting):
    """The touch waits, the breaker opens."""

    async def turn_away(_reader, writer):
        writer.write(greeting)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(turn_away, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    provider = smtp({"host": "127.0.0.1", "port": port, "tls": "none"}, {})
    answer = await provider.send(letter())
    assert isinstance(answer, RetryLater)
    assert answer.account_wide
    await provider.close()
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Whoever vouches for the relay: itself."""
    return host("127.0.0.1", tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def secure(authority):
    """A relay that wants STARTTLS, then user `shop` with password `secret`."""
    running = Relay()

    def check(_server, _session, _envelope, _mechanism, data):
        good = (data.login, data.password) == (b"shop", b"secret")
        return AuthResult(success=good, handled=good)

    server = await start(
        running,
        tls_context=authority.serving(),
        require_starttls=True,
        auth_required=True,
        authenticator=check,
    )
    yield running
    server.close()
    for connection in running.connections:
        if connection.transport:
            connection.transport.abort()
    await server.wait_closed()


def secured(secure, authority, **changes):
    settings = {
        "host": "127.0.0.1",
        "port": secure.port,
        "username": "shop",
        "tls_ca": authority.pem,
    }
    return smtp(settings | changes, {"password": changes.pop("password", "secret")})


async def test_starttls_and_login(secure, authority, letter):
    """The default: no letter over an open line."""
    provider = secured(secure, authority)
    assert isinstance(await provider.send(letter()), Accepted)
    await provider.close()


async def test_a_certificate_nobody_vouches_for_has_not_begun(secure, authority, letter):
    """No letter goes to whoever is in between."""
    provider = secured(secure, authority, tls_ca=None)
    assert isinstance(await provider.send(letter()), NotBegun)
    assert secure.letters == []
    await provider.close()


async def test_wrong_credentials_are_the_accounts_trouble(secure, authority, letter):
    """The touch waits, the breaker opens."""
    provider = secured(secure, authority, password="wrong")
    answer = await provider.send(letter())
    assert answer == RetryLater(
        "535", "the credentials were refused", account_wide=True, broken=True
    )
    await provider.close()


async def test_a_server_without_starttls_gets_nothing(relay, letter):
    """Rather than falling back to an open line."""
    provider = smtp({"host": "127.0.0.1", "port": relay.port}, {})
    answer = await provider.send(letter())
    assert isinstance(answer, RetryLater | NotBegun)
    assert relay.letters == []
    await provider.close()


async def test_nobody_can_be_asked(line, letter):
    """SMTP has no record; the Message-ID is for a person and a mail log."""
    outgoing = letter()
    past = PastAttempt(
        outgoing.attempt_id, outgoing.touch_id, outgoing.to, outgoing.sender, "", datetime.now(UTC)
    )
    assert line.settling is None
    assert isinstance(await line.find(past), Undecided)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "dana",
        "dana@",
        "@lead.example",
        "a@b\r\nRCPT TO:<c@d>",
        "a@b.example>\r\nDATA",
        "döna@lead.example",
        "a b@c.example",
        "a@b.example, c@d.example",
        "Dana <a@b.example",
        "a@b@c.example",
        "a@b..example",
    ],
)
async def test_an_address_that_cannot_be_written_to_never_leaves(relay, line, letter, address):
    """Above all not one with a second command in it."""
    answer = await line.send(letter(to=address))
    assert isinstance(answer, Refused)
    assert answer.code == "address"
    assert relay.commands == []


async def test_an_international_domain_is_sent_in_punycode(relay, line, letter):
    """As SMTP without extensions carries it."""
    assert isinstance(await line.send(letter(to="dana@müller.example")), Accepted)
    assert relay.letters[0][1] == ["dana@xn--mller-kva.example"]


@pytest.mark.parametrize(
    ("settings", "secrets", "named"),
    [
        ({}, {}, "host"),
        ({"host": "h", "tls": "ssl"}, {}, "tls"),
        ({"host": "h", "port": 0}, {}, "port"),
        ({"host": "h", "username": "u"}, {}, "username"),
        ({"host": "h"}, {"password": "p"}, "username"),
        ({"host": "h", "tls": "none", "username": "u"}, {"password": "p"}, "tls"),
        ({"host": "h", "tls_ca": "nonsense"}, {}, "tls_ca"),
        ({"host": "h", "connections": 0}, {}, "connections"),
        ({"host": "h", "bounce_address": "x"}, {}, "bounce_address"),
    ],
)
def test_a_wrong_setting_is_named(settings, secrets, named):
    """So that the person who typed it knows where to look."""
    with pytest.raises(ValueError, match=named):
        smtp(settings, secrets)
