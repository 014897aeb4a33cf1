"""A mail server's delivery: LMTP (RFC 2033), or SMTP for those who relay.

Mail for an account comes to `<account id>@` any domain, with or without a `+tag`, and to the
signed addresses of its letters (answers, unsubscribing, bounces); whoever routes mail himself
points those domains there. It has no log-in: it listens where
only the mail server reaches it. Accepted means committed, and past the fence.
"""

import asyncio
from typing import Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from followup_database import Database
from followup_directory import Account, account_by_id
from followup_replies.core.mail.parts import MOST_BYTES
from followup_replies.desk import FrontDesk
from followup_replies.email.arrivals import arrivals_of
from followup_replies.store import sent
from followup_suppression.replying import ReplyAddresses
from followup_suppression.returning import ReturnTags, tag_of

_LOG = structlog.get_logger(__name__)
_MOST_RECIPIENTS: Final = 20
_SILENCE: Final = 60.0
_NOBODY: Final = "550 5.1.1 nobody has this address"
_TAKEN: Final = "250 2.0.0 taken"
_LATER: Final = "451 4.3.0 not now, try again"


class Postbox:
    """What is done with letters that are delivered; the hooks of aiosmtpd."""

    def __init__(
        self,
        database: Database,
        desk: FrontDesk,
        *,
        addresses: ReplyAddresses,
        tags: ReturnTags,
    ) -> None:
        self._database = database
        self._desk = desk
        self._addresses = addresses
        self._tags = tags

    async def handle_RCPT(  # noqa: N802 - the library calls it so
        self,
        server: SMTP,  # noqa: ARG002 - the library's hook
        session: Session,  # noqa: ARG002 - the library's hook
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002 - the library's hook
    ) -> str:
        """Take a recipient that is an account of ours."""
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        if await self._account(address) is None:
            # A letter of ours that is not known to have gone out may be known in a moment.
            return _NOBODY if self._attempt(address) is None else _LATER
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - the library calls it so
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take the letter for each recipient; LMTP is answered for each."""
        del session
        raw = envelope.original_content
        if not isinstance(raw, bytes):
            return _LATER
        answers = [
            await self._take(raw, address, envelope.mail_from) for address in envelope.rcpt_tos
        ]
        if isinstance(server, LMTP):
            return "\r\n".join(answers)
        return next((answer for answer in answers if answer != _TAKEN), _TAKEN)

    async def handle_exception(self, error: Exception) -> str:
        """Let the mail server come again, and tell it nothing."""
        _LOG.error("mail.failed", error=type(error).__name__)
        return _LATER

    async def _take(self, raw: bytes, address: str, return_path: str | None) -> str:
        account = await self._account(address)
        if account is None:
            return _NOBODY
        arrivals = arrivals_of(raw, recipient=address, return_path=return_path)
        if not arrivals:
            _LOG.warning("mail.unreadable", account_id=str(account.id), size=len(raw))
            return "554 5.6.0 this can't be read"
        await self._desk.take(account, arrivals)
        return _TAKEN

    async def _account(self, address: str) -> Account | None:
        """The e-mail account whose id the local part is, or by which the letter named went out."""
        attempt_id = self._attempt(address)
        try:
            plain = UUID(address.partition("@")[0].partition("+")[0].strip("<>"))
        except ValueError:
            plain = None
        async with self._database.transaction() as tx:
            account_id = plain
            if account_id is None and attempt_id is not None:
                account_id = await sent.account_of(tx, attempt_id)
            account = None if account_id is None else await account_by_id(tx, account_id)
        return account if account is not None and account.channel == "email" else None

    def _attempt(self, address: str) -> UUID | None:
        """The attempt that a signed address names."""
        named = self._addresses.read(address.strip("<>"))
        if named is not None:
            return named.attempt_id
        tag = tag_of(address.strip("<>"))
        return None if tag is None else self._tags.read(tag.lower())


class MailListener:
    """Listens for a mail server while the service runs."""

    name = "replies:mail"

    def __init__(self, postbox: Postbox, listen: str) -> None:
        parts = urlsplit(listen)
        self._postbox = postbox
        self._kind: Literal["lmtp", "smtp"] = "smtp" if parts.scheme == "smtp" else "lmtp"
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 0
        self._listening = asyncio.Event()
        self.port = 0

    async def listening(self) -> int:
        """Wait until it listens; gives the port."""
        await self._listening.wait()
        return self.port

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop` is set."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._protocol, self._host, self._port)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        try:
            await stop.wait()
        finally:
            server.close()

    def _protocol(self) -> SMTP:
        protocol = LMTP if self._kind == "lmtp" else SMTP
        return protocol(
            self._postbox,
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            hostname="followup",
            ident="Followup",
            timeout=_SILENCE,
            loop=asyncio.get_running_loop(),
        )
