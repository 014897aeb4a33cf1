"""E-mail over SMTP (RFC 5321), to a relay that the account names.

A letter is accepted by the reply after its final dot. Up to DATA nothing has begun, so
connecting, MAIL and RCPT are bounded by the lease, which is looked at for the last time
immediately before DATA; from there on a lost link leaves the outcome open, and nobody can
be asked. The Message-ID is the attempt's, so that a mail log can answer a person.

Settings: `host`, `port`, `tls` ("starttls", the default, "tls" or "none"), `username`,
`connections` (1 to 50, default 10), `helo`, `bounce_address` (the envelope's sender),
`tls_ca` (PEM of a private authority), `verp` (default true: `bounce_address` gets each
letter's own tag, `bounces+TAG@…`), `dkim_domain`, `dkim_selector`. Secrets: `password`,
`dkim_private_key`.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from followup_contracts.payload import Channel
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.dkim_signing import Sign, signer
from followup_dispatcher.providers.machine_clock import Clock, machine_clock
from followup_dispatcher.providers.mail_message import BadAddress, compose, mailbox, message_id
from followup_dispatcher.providers.port import (
    CALL_LIMIT,
    Accepted,
    Answer,
    Call,
    Finding,
    NotBegun,
    PastAttempt,
    Refused,
    RetryLater,
    Undecided,
    Unknown,
)
from followup_dispatcher.providers.smtp_answers import Stage, meaning
from followup_dispatcher.providers.smtp_links import Link, Links
from followup_suppression.returning import tagged

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class _Letter:
    sender: str
    recipient: str
    message_id: str
    octets: bytes


class SmtpProvider:
    """A relay. A sender is an address, perhaps with a name: `Ray <ray@shop.example>`."""

    name = "smtp"
    channel: Channel = "email"
    settling: timedelta | None = None

    def __init__(
        self,
        links: Links,
        *,
        bounce_address: str | None = None,
        verp: bool = True,
        sign: Sign | None = None,
        clock: Clock = machine_clock,
    ) -> None:
        self._links = links
        self._bounce_address = bounce_address
        self._verp = verp
        self._sign = sign
        self._clock = clock

    async def warm(self) -> None:
        """Open a connection outside any lease."""
        try:
            async with asyncio.timeout(CALL_LIMIT):
                await self._links.fill()
        except (SMTPException, OSError, TimeoutError):
            return  # the first send meets the same trouble, and reports it

    async def send(self, call: Call) -> Answer:
        """One letter, handed over at most once."""
        try:
            letter = self._letter(call)
        except BadAddress as error:
            return Refused("address", str(error))
        ready = await self._ready(call, letter)
        return await self._hand_over(call, letter, ready) if isinstance(ready, Link) else ready

    async def find(self, attempt: PastAttempt) -> Finding:
        """SMTP keeps no record that could be asked."""
        return Undecided(f"SMTP cannot be asked; a mail log may know {attempt.attempt_id}")

    async def close(self) -> None:
        """Close the connections."""
        await self._links.close()

    def _letter(self, call: Call) -> _Letter:
        sender, recipient = mailbox(call.sender, "sender"), mailbox(call.to, "recipient")
        own_id = message_id(call.attempt_id, call.sender)
        octets = compose(
            call.content,
            sender=sender,
            recipient=recipient,
            message_id=own_id,
            now=self._clock(),
        )
        return _Letter(
            sender=self._return_path(call) or sender.addr_spec,
            recipient=recipient.addr_spec,
            message_id=own_id,
            octets=self._sign(octets) if self._sign else octets,
        )

    def _return_path(self, call: Call) -> str | None:
        tag = call.content.return_tag if self._verp else None
        address = self._bounce_address
        return tagged(address, tag) if address and tag else address

    async def _ready(self, call: Call, letter: _Letter) -> Link | Answer:
        """A link whose server takes sender and recipient, within the lease.

        A kept link that turns out to be dead is replaced once; nothing has begun.
        """
        left = call.time_left()
        if left <= 0:
            return NotBegun("lease over", ours=True)
        try:
            async with asyncio.timeout(min(left, CALL_LIMIT)):
                return await self._addressed(letter)
        except TimeoutError:
            return NotBegun("TimeoutError")

    async def _addressed(self, letter: _Letter) -> Link | Answer:
        while True:
            try:
                link = await self._links.take()
            except (SMTPException, OSError) as error:
                return _not_connected(error)
            answer = await self._envelope(link, letter)
            if answer is None:
                return link
            await self._links.release(link, keep=not isinstance(answer, NotBegun))
            if link.fresh or not isinstance(answer, NotBegun):
                return answer

    async def _envelope(self, link: Link, letter: _Letter) -> Answer | None:
        link.clean = False
        try:
            await link.client.mail(letter.sender)
            await link.client.rcpt(letter.recipient)
        except SMTPSenderRefused as refusal:
            return meaning(Stage.SENDER, refusal.code, refusal.message)
        except SMTPRecipientRefused as refusal:
            return meaning(Stage.RECIPIENT, refusal.code, refusal.message)
        except (SMTPException, OSError) as error:
            return NotBegun(type(error).__name__)
        except BaseException:
            await self._links.release(link, keep=False)
            raise
        return None

    async def _hand_over(self, call: Call, letter: _Letter, link: Link) -> Answer:
        keep = False
        try:
            if call.time_left() <= 0:
                keep = True
                return NotBegun("lease over", ours=True)
            async with asyncio.timeout(CALL_LIMIT):
                await link.client.data(letter.octets)
            keep, link.clean = True, True
            link.letters += 1
            return Accepted(letter.message_id)
        except SMTPResponseException as refusal:
            keep = True
            return meaning(Stage.LETTER, refusal.code, refusal.message)
        except (SMTPException, OSError, TimeoutError) as error:
            return Unknown(type(error).__name__)
        finally:
            await self._links.release(link, keep=keep)


def smtp(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> SmtpProvider:
    """An adapter from an account's settings (above)."""
    host, mode = read.text(settings, "host"), read.text(settings, "tls", "starttls")
    if mode not in _PORTS:
        raise ValueError('tls: "starttls", "tls" or "none"')
    username, password = read.optional(settings, "username"), secrets.get("password")
    if bool(username) != bool(password):
        raise ValueError("username: goes with the secret password, and neither alone")
    if password and mode == "none" and not _is_loopback(host):
        raise ValueError("tls: a password is not sent over an open line")
    port = int(read.number(settings, "port", default=_PORTS[mode], least=1, most=65_535))
    helo = read.text(settings, "helo", socket.gethostname() or "localhost")
    context = _context(settings) if mode != "none" else None

    def make() -> SMTP:
        return SMTP(
            hostname=host,
            port=port,
            username=username,
            password=password,
            local_hostname=helo,
            timeout=CALL_LIMIT,
            use_tls=mode == "tls",
            start_tls=mode == "starttls",
            tls_context=context,
        )

    size = int(read.number(settings, "connections", default=10, least=1, most=50))
    bounce = read.optional(settings, "bounce_address")
    return SmtpProvider(
        Links(make, size=size),
        bounce_address=mailbox(bounce, "bounce_address").addr_spec if bounce else None,
        verp=settings.get("verp") is not False,
        sign=signer(settings, secrets),
    )


def _context(settings: Mapping[str, Any]) -> ssl.SSLContext:
    authority = read.optional(settings, "tls_ca")
    try:
        return ssl.create_default_context(cadata=authority)
    except ssl.SSLError as error:
        raise ValueError("tls_ca: not a certificate in PEM") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _not_connected(error: Exception) -> RetryLater | NotBegun:
    """No link: the account's fault where the server said no, else nothing has begun."""
    match error:
        case SMTPAuthenticationError():
            return _broken(str(error.code), "the credentials were refused")
        case SMTPNotSupported():
            return _broken("starttls", "the server offers no such security")
        case SMTPResponseException():
            said = meaning(Stage.GREETING, error.code, error.message)
            return said if isinstance(said, RetryLater) else NotBegun("no sense in the greeting")
        case _:
            return NotBegun(type(error).__name__)


def _broken(code: str, reason: str) -> RetryLater:
    """A person has to mend the account."""
    return RetryLater(code, reason, account_wide=True, broken=True)
