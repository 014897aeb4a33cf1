"""A mail server as a vendor's stand-in: replies and broken lines as scripted."""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from email import message_from_bytes
from email.policy import SMTP as LETTER
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from followup_testkit.twilio import (
    Accept,
    CutAfter,
    CutBefore,
    Garbled,
    HalfBody,
    Silence,
    TooMany,
)
from followup_testkit.vendors import Asked, Dialect, Fault, Kept, Say, Told

SECRET = "s3cr3t-of-the-account"
USER = "shop"

SMTP_RELAY = Dialect(
    vendor="smtp",
    channel="email",
    takes=lambda _asked: True,
    proven=lambda _asked: True,
    attempt=lambda asked: asked.headers["message-id"].strip("<>").partition("@")[0],
    took=lambda _asked, ref: Told(250, f"2.0.0 Ok: queued as {ref}"),
    refusals={
        "refused": Told(554, "5.6.0 Message of dana@example.com rejected"),
        "opted_out": Told(550, "5.1.1 <dana@example.com>: no such user"),
        "crowded": Told(421, "4.7.28 Our system has detected an unusual rate of mail"),
        "broken": Told(553, "5.7.1 <ray@shop.example>: sender address not owned by user shop"),
    },
    unproven=Told(535, "5.7.8 Authentication credentials invalid"),
)
_AT = {"refused": "DATA", "opted_out": "RCPT", "crowded": "MAIL", "broken": "MAIL"}
"""At which command a server says so."""


class MailStub:
    """Plays a relay: letters are accepted unless `script` holds a fault for the next.

    `asked` is every letter whose last dot came, `held` what was accepted, by attempt.
    """

    def __init__(self, dialect: Dialect = SMTP_RELAY) -> None:
        self.dialect = dialect
        self.script: deque[Fault] = deque()
        self.asked: list[Asked] = []
        self.held: dict[str, Kept] = {}
        self.searches = 0
        self.base_url = ""
        self._released = asyncio.Event()
        self._connections: list[SMTP] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", 0)
        self.base_url = f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            if connection.transport:
                connection.transport.abort()
        await self._server.wait_closed()

    async def handle_MAIL(  # noqa: N802 - the server's names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        refusal = self._refusal("MAIL")
        if refusal is None:
            envelope.mail_from = address
        return refusal or "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802 - the server's names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        refusal = self._refusal("RCPT")
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802 - the server's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        asked = _asked(envelope)
        self.asked.append(asked)
        fault = self._refusal("DATA") or (self.script.popleft() if self.script else Accept())
        if isinstance(fault, str):
            return fault
        told = self._accepted(asked) if fault.accepted else Told(451, "4.3.0 went wrong")
        return await self._answer(server, fault, told)

    async def _answer(self, server: SMTP, fault: Fault, told: Told) -> str:
        match fault:
            case Garbled():
                return "It works!"
            case HalfBody():
                server.transport.write(b"250 2.0")
                server.transport.close()
            case CutBefore() | CutAfter():
                server.transport.abort()
            case Silence(seconds=seconds):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._released.wait(), seconds)
                server.transport.abort()
        return _spoken(told)

    def _accepted(self, asked: Asked) -> Told:
        ref = f"ref-{len(self.held) + 1}"
        self.held[self.dialect.attempt(asked) or ref] = Kept(ref, asked)
        return self.dialect.took(asked, ref)

    def _refusal(self, command: str) -> str | None:
        """What the script has for this command; it is used up."""
        match self.script[0] if self.script else None:
            case Say(what) if _AT[what] == command:
                said = what
            case TooMany() if _AT["crowded"] == command:
                said = "crowded"
            case _:
                return None
        self.script.popleft()
        return _spoken(self.dialect.refusals[said])

    def _connection(self) -> SMTP:
        connection = SMTP(
            self,
            hostname="relay.example",
            auth_require_tls=False,
            authenticator=self._proven,
        )
        self._connections.append(connection)
        return connection

    def _proven(self, *asked: Any) -> AuthResult:
        given = asked[-1]
        good = (given.login, given.password) == (USER.encode(), SECRET.encode())
        return AuthResult(success=good, handled=False)


def _asked(envelope: Envelope) -> Asked:
    octets: bytes = envelope.original_content
    letter = message_from_bytes(octets, policy=LETTER)
    headers = {name.lower(): str(value) for name, value in letter.items()}
    return Asked("DATA", envelope.mail_from or "", {"to": envelope.rcpt_tos[0]}, headers, octets)


def _spoken(told: Told) -> str:
    return f"{told.status} {told.body}"
