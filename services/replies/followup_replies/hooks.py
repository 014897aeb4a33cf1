"""The door of the webhooks: whose account it is, and the body as it came.

Nothing is read before it is known to be genuine, and nothing kept.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from starlette.requests import Request

from followup_database import Database
from followup_directory import Account, SealBroken, Vault, account_by_id
from followup_replies.figures import Figures
from followup_replies.twilio.signature import (
    HEADER,
    SETTINGS_HEADER,
    Signing,
    genuine,
    secret_for,
)
from followup_runtime.problems import Problem

KEPT = 1.0
"""Seconds that an account is not looked up again while signatures fit its secrets."""
_MOST_KEPT = 10_000

BODY_BYTES = 64 * 1024
"""A text has 1,600 characters; a webhook of more than this is none of theirs."""
_MOST_FIELDS = 200

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hook:
    """A genuine webhook: its account, its form and its query."""

    account: Account
    form: dict[str, str]
    query: dict[str, str]


class Door:
    """Lets webhooks in. `public_url` is where providers reach us; None: as they ask."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        figures: Figures,
        *,
        public_url: str | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._kept: dict[UUID, tuple[float, Account]] = {}
        self._vault = vault
        self._figures = figures
        self._public_url = public_url

    async def account(self, account_id: UUID, provider: str) -> Account:
        """The account in a webhook's address; 404 unless it is one of this provider.

        A stopped one too: who says stop to it must be heard.
        """
        async with self._database.transaction() as tx:
            account = await account_by_id(tx, account_id)
        if account is None or account.provider != provider:
            raise Problem(404, detail="there is no such account", pointer="{account_id}")
        return account

    async def twilio(self, request: Request, account_id: UUID) -> Hook:
        """A webhook of Twilio's; 403 unless its signature is that of the account.

        Behind a proxy the address that was asked is not the one we see: the public one
        counts, with our path and the query as they came.
        """
        kept = self._recent(account_id)
        account = kept or await self.account(account_id, "twilio")
        fields = await _fields(request)
        if kept is not None and not self._signed(request, account, fields):
            # Its secret may be a second old.
            kept, account = None, await self.account(account_id, "twilio")
        if kept is None:
            if not self._signed(request, account, fields):
                raise self.refused("twilio")
            self._keep(account)
        # PostgreSQL holds no NUL in text; a genuine message must not be lost over one.
        form = {name.replace("\0", ""): value.replace("\0", "\ufffd") for name, value in fields}
        return Hook(account, form, dict(request.query_params))

    def _recent(self, account_id: UUID) -> Account | None:
        at, account = self._kept.get(account_id, (0.0, None))
        return account if self._monotonic() < at + KEPT else None

    def _keep(self, account: Account) -> None:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[account.id] = (self._monotonic(), account)

    def _signed(
        self, request: Request, account: Account, fields: Sequence[tuple[str, str]]
    ) -> bool:
        """Whether the signature is that of the account's secret."""
        signing = Signing.read(request.headers.get(SETTINGS_HEADER))
        secret = secret_for(signing, self._secrets(account))
        if secret is None:
            _log.warning("no secret to check webhooks with", account=str(account.id))
            return False
        return genuine(
            request.headers.get(HEADER, ""),
            url=self.url(request),
            fields=fields,
            secret=secret,
            algorithm=signing.algorithm,
        )

    def refused(self, provider: str) -> Problem:
        """The answer to what is not its sender's."""
        self._figures.refused(provider)
        return Problem(403, detail="the signature does not match")

    def url(self, request: Request, *, query: bool = True) -> str:
        """The address a provider has asked, to the letter."""
        asked = f"{request.url.scheme}://{request.url.netloc}"
        base = self._public_url.rstrip("/") if self._public_url else asked
        path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        tail: bytes = request.scope["query_string"] if query else b""
        return base + path.decode("latin-1") + (f"?{tail.decode('latin-1')}" if tail else "")

    def _secrets(self, account: Account) -> dict[str, str]:
        try:
            return self._vault.open(account.sealed)
        except SealBroken:
            # Ours to mend; until then the provider is to come again.
            _log.error("secrets do not open", account=str(account.id))
            raise Problem(
                503,
                detail="this account can't be checked at the moment",
                headers={"Retry-After": "5"},
            ) from None


async def _fields(request: Request) -> list[tuple[str, str]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if body and kind != "application/x-www-form-urlencoded":
        raise Problem(415, detail="this route reads application/x-www-form-urlencoded")
    try:
        return parse_qsl(
            body.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise Problem(400, detail="the body is no form in UTF-8") from None
