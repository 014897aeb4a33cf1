"""The door of the webhooks: `/hooks/{provider}/{account_id}/{kind}`, the same for every vendor.

Nothing is read before it is known to be genuine, and nothing kept.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from followup_database import Database
from followup_directory import Account, SealBroken, Vault, account_by_id
from followup_replies.desk import FrontDesk, Replayed
from followup_replies.errors import Unfit
from followup_replies.figures import Figures
from followup_replies.opinions import PATIENCE
from followup_replies.vendor import Arrival, Forged, Genuine, Hook, Unchecked, Vendor, Vendors
from followup_runtime.problems import Problem

KEPT = 1.0
"""Seconds that an account is not looked up again while signatures fit its secrets."""
_MOST_KEPT = 10_000
_RETRY = {"Retry-After": "5"}

_log = structlog.get_logger(__name__)


def machine_clock() -> datetime:
    """Now, in UTC; it never jumps with business time."""
    return datetime.now(UTC)


class Door:
    """Lets webhooks in. `public_url` is where vendors reach us; None: as they ask."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        vendors: Vendors,
        figures: Figures,
        *,
        public_url: str | None,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = machine_clock,
    ) -> None:
        self._database = database
        self._vault = vault
        self._vendors = vendors
        self._figures = figures
        self._public_url = public_url
        self._monotonic = monotonic
        self._clock = clock
        self._kept: dict[UUID, tuple[float, Account]] = {}

    def vendor(self, provider: str) -> Vendor:
        """The vendor of this name; 404 without one."""
        vendor = self._vendors.table.get(provider)
        if vendor is None:
            raise Problem(404, detail="there is no such provider", pointer="{provider}")
        return vendor

    async def admit(
        self, request: Request, vendor: Vendor, account_id: UUID, kind: str
    ) -> tuple[Hook, Genuine]:
        """A genuine webhook; 403 for any other, 503 while nobody can tell."""
        kept = self._recent(account_id, vendor.name)
        account = kept or await self._account(account_id, vendor.name)
        hook = self._hook(request, account, kind=kind, body=await request.body())
        checked = await vendor.check(hook)
        if kept is not None and not isinstance(checked, Genuine):
            # Its secret may be a second old.
            kept, account = None, await self._account(account_id, vendor.name)
            hook = replace(hook, account=account, secrets=self._secrets(account))
            checked = await vendor.check(hook)
        match checked:
            case Forged(why=why):
                self._figures.refused(vendor.name)
                _log.info("webhook_refused", account=str(account.id), why=why)
                raise Problem(403, detail="this is not signed as it must be")
            case Unchecked(why=why):
                _log.warning("webhook_unchecked", account=str(account.id), why=why)
                raise _later("this can't be checked at the moment")
            case Genuine():
                self._keep(account)
                return hook, checked

    def url(self, request: Request, *, query: bool = True) -> str:
        """The address a vendor has asked, to the letter.

        Behind a proxy it is not the one we see: the public one counts, with our path and
        the query as they came. Where another application has mounted us, its prefix is in
        the public one already.
        """
        path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        if self._public_url:
            base = self._public_url.rstrip("/")
            path = path.removeprefix(request.scope.get("root_path", "").encode())
        else:
            base = f"{request.url.scheme}://{request.url.netloc}"
        tail: bytes = request.scope["query_string"] if query else b""
        return base + path.decode("latin-1") + (f"?{tail.decode('latin-1')}" if tail else "")

    async def _account(self, account_id: UUID, provider: str) -> Account:
        """The account in a webhook's address; 404 unless it is one of this provider.

        A stopped one too: who says stop to it must be heard.
        """
        async with self._database.transaction() as tx:
            account = await account_by_id(tx, account_id)
        if account is None or account.provider != provider:
            raise Problem(404, detail="there is no such account", pointer="{account_id}")
        return account

    def _hook(self, request: Request, account: Account, *, kind: str, body: bytes) -> Hook:
        return Hook(
            kind=kind,
            method=request.method,
            url=self.url(request),
            query=dict(request.query_params),
            headers=_headers(request),
            body=body,
            account=account,
            secrets=self._secrets(account),
            at=self._clock(),
        )

    def _recent(self, account_id: UUID, provider: str) -> Account | None:
        at, account = self._kept.get(account_id, (0.0, None))
        fits = account is not None and account.provider == provider
        return account if fits and self._monotonic() < at + KEPT else None

    def _keep(self, account: Account) -> None:
        at, kept = self._kept.get(account.id, (0.0, None))
        if kept is account and self._monotonic() < at + KEPT:
            return
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[account.id] = (self._monotonic(), account)

    def _secrets(self, account: Account) -> Mapping[str, str]:
        try:
            return self._vault.open(account.sealed)
        except SealBroken:
            # Ours to mend; until then the vendor is to come again.
            _log.error("secrets do not open", account=str(account.id))
            raise _later("this account can't be checked at the moment") from None


def routes(door: Door, desk: FrontDesk) -> APIRouter:
    """The webhooks; not part of the API that keys can use, so not in its description."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/hooks/{provider}/{account_id}/{kind}", methods=["GET", "POST"])
    async def hook(request: Request, provider: str, account_id: UUID, kind: str) -> Response:
        """Whatever a vendor has to tell."""
        vendor = door.vendor(provider)
        if kind not in vendor.kinds:
            raise Problem(404, detail="there is no such webhook", pointer="{kind}")
        if request.method not in vendor.methods:
            raise Problem(405, headers={"Allow": ", ".join(sorted(vendor.methods))})
        return await within(vendor, _served(door, desk, request, vendor, account_id, kind))

    return router


async def _served(
    door: Door, desk: FrontDesk, request: Request, vendor: Vendor, account_id: UUID, kind: str
) -> Response:
    hook, genuine = await door.admit(request, vendor, account_id, kind)
    try:
        greeting = await vendor.greet(hook)
    except Unfit as error:
        raise unfit(error, vendor.unfit) from None
    if isinstance(greeting, Unchecked):
        raise _later("this can't be confirmed at the moment")
    if greeting is not None:
        return greeting
    arrivals = await _read(vendor, hook)
    # A second opinion must not cost the message: the vendor waits for the rest of it, too.
    seconds = min(PATIENCE, vendor.seconds / 3)
    taken = await desk.take(hook.account, arrivals, genuine=genuine, seconds=seconds)
    if isinstance(taken, Replayed):
        raise Problem(403, detail="this has been sent before")
    return vendor.answer(hook, taken)


async def _read(vendor: Vendor, hook: Hook) -> Sequence[Arrival]:
    try:
        return await vendor.read(hook)
    except Unfit as error:
        raise unfit(error, vendor.unfit) from None


def unfit(error: Unfit, status: int) -> Problem:
    """The answer to what is genuine and cannot be read."""
    return Problem(
        status, detail="missing, unreadable, or longer than it can be", pointer=str(error)
    )


async def within(vendor: Vendor, work: Coroutine[Any, Any, Response]) -> Response:
    """The answer to a webhook; 503 once the vendor has given up waiting."""
    try:
        async with asyncio.timeout(vendor.seconds):
            return await work
    except TimeoutError:
        raise _later("this took too long; nothing was lost") from None


def _later(detail: str) -> Problem:
    return Problem(503, detail=detail, headers=_RETRY)


def _headers(request: Request) -> dict[str, str]:
    """By name in lower case; of several of a name the last."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in request.scope["headers"]
    }
