"""Provider accounts as the dispatcher uses them: adapter, breaker, choice.

Rows are read in every claiming transaction (a stopped account stops at once); the
adapters behind them live as long as the row does not change.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from followup_contracts.payload import Channel
from followup_directory import Account, SealBroken, Vault
from followup_dispatcher.core.breaker import Breaker
from followup_dispatcher.core.limits import AccountLimits, Budget, read_limits
from followup_dispatcher.providers.port import CALL_LIMIT, Provider, ProviderFactory

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """An account that may be used now, with its adapter.

    `single`: it has yet to show that it answers again, so one call may begin and no more.
    """

    account: Account
    provider: Provider
    limits: AccountLimits
    single: bool = False


@dataclass(frozen=True, slots=True)
class NoRoute:
    """No account of the channel can be used; `in_seconds` until one may be tried, if known."""

    reason: str
    in_seconds: float


UNUSABLE_RECHECK = 300.0
"""Seconds until a channel without a usable account is looked at again."""

STALE_AFTER = 60.0
"""Seconds after its pause in which a shut account still counts as shut."""


class Accounts:
    """Adapters by account, and what their breakers remember."""

    def __init__(
        self,
        factories: Mapping[tuple[str, Channel], ProviderFactory],
        vault: Vault,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._factories = factories
        self._vault = vault
        self._clock = clock
        self._providers: dict[UUID, tuple[object, Provider]] = {}
        self._breakers: dict[UUID, Breaker] = {}
        self._broken: dict[UUID, tuple[object, str]] = {}
        self._vendors: dict[UUID, tuple[str, Channel]] = {}
        self._limits: dict[UUID, AccountLimits] = {}
        self._bounds: dict[UUID, tuple[datetime | None, AccountLimits | None]] = {}
        self._reasons: dict[UUID, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def route(self, accounts: Sequence[Account], channel: Channel) -> Route | NoRoute:
        """The first of these accounts of the channel whose breaker lets a call through."""
        usable = [a for a in accounts if a.channel == channel and a.state == "active"]
        if not usable:
            return NoRoute(f"no active {channel} account", UNUSABLE_RECHECK)
        now, waits, reason = self._clock(), [], f"no {channel} account answers"
        for account in usable:
            breaker = self._breaker(account.id)
            if not breaker.allows(now):
                waits.append(breaker.reopens_in(now))
                continue
            provider = self._provider(account)
            if provider is not None:
                limits = self._limits[account.id]
                return Route(account, provider, limits, single=breaker.proving)
            reason = self._broken[account.id][1]
        return NoRoute(reason, max(1.0, min(waits)) if waits else UNUSABLE_RECHECK)

    def provider_of(self, account: Account) -> Provider | None:
        """The adapter of an account, whatever its breaker says (to ask about the past)."""
        return self._provider(account)

    def budgets(self, account: Account, *, now: datetime) -> tuple[Budget, ...]:
        """What bounds an account's days; nothing for one whose limits cannot be read.

        Its adapter is not made for that: nobody may ever need it.
        """
        version, limits = self._bounds.get(account.id, (None, None))
        if version != account.changed_at:
            limits = _readable(account)
            self._bounds[account.id] = (account.changed_at, limits)
        return limits.budgets(account.id, account.tenant_id, now=now) if limits else ()

    def begin(self, account_id: UUID) -> int | None:
        """A call is about to begin: its turn, to be named with its answer; None: it may not.

        Every call that was given a turn ends with `succeeded`, `passed` or `failed`.
        """
        begun = self._breaker(account_id).begun(self._clock())
        if begun is None:
            return None
        if begun != Breaker():
            self._breakers[account_id] = begun
        return begun.turn

    def succeeded(self, account_id: UUID, *, turn: int) -> None:
        """The account answered as it should, whatever became of the touch."""
        if account_id in self._breakers:
            self._breakers[account_id] = self._breakers[account_id].succeeded(turn=turn)

    def passed(self, account_id: UUID, *, turn: int) -> None:
        """A call never reached the account: a trial is still owed, nothing else is known."""
        if account_id in self._breakers:
            self._breakers[account_id] = self._breakers[account_id].passed(turn=turn)

    def failed(
        self,
        account_id: UUID,
        reason: str,
        *,
        turn: int,
        at_once: bool = False,
        pause: float | None = None,
    ) -> None:
        """The account did not answer, or refused us altogether."""
        now, before = self._clock(), self._breaker(account_id)
        after = before.failed(now, turn=turn, at_once=at_once, pause=pause)
        self._breakers[account_id] = after
        self._reasons[account_id] = reason
        if after.turn != before.turn:
            log.warning(
                "account_breaker_opened",
                account_id=str(account_id),
                reason=reason,
                seconds=round(after.reopens_in(now), 1),
            )

    def state_of(self, account_id: UUID) -> str:
        """`ok`, `open` or why no adapter could be made."""
        if account_id in self._broken:
            return self._broken[account_id][1]
        return "ok" if self._breaker(account_id).allows(self._clock()) else "open"

    def reason_of(self, account_id: UUID) -> str | None:
        """Why an account is not called for now, as its provider put it; None where it is."""
        if account_id in self._broken:
            return self._broken[account_id][1]
        shut = not self._breaker(account_id).allows(self._clock())
        return self._reasons.get(account_id) if shut else None

    def broken_off(self) -> Counter[tuple[str, Channel]]:
        """How many accounts of each vendor and channel are not called for now.

        One that nobody has wanted to call since its pause ended long ago is not among
        them: it may have been stopped.
        """
        recent = self._clock() - STALE_AFTER
        return Counter(
            self._vendors[account_id]
            for account_id, breaker in self._breakers.items()
            if breaker.until is not None and breaker.until > recent and account_id in self._vendors
        )

    async def close(self) -> None:
        """Close every adapter."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _, provider in self._providers.values():
            await provider.close()
        self._providers.clear()

    def _breaker(self, account_id: UUID) -> Breaker:
        return self._breakers.get(account_id, Breaker())

    def _provider(self, account: Account) -> Provider | None:
        version = account.changed_at
        known = self._providers.get(account.id)
        if known is not None and known[0] == version:
            return known[1]
        if self._broken.get(account.id, (None, ""))[0] == version:
            return None
        return self._make(account, version, known)

    def _make(
        self, account: Account, version: object, known: tuple[object, Provider] | None
    ) -> Provider | None:
        factory = self._factories.get((account.provider, account.channel))
        try:
            if factory is None:
                raise ValueError(f"no provider {account.provider!r} for {account.channel}")
            limits = read_limits(account.settings)
            provider = factory(account.settings, self._vault.open(account.sealed))
        except (ValueError, SealBroken) as error:
            self._broken[account.id] = (version, f"account {account.name}: {error}")
            log.warning("account_unusable", account_id=str(account.id), error=str(error))
            return None
        self._broken.pop(account.id, None)
        self._limits[account.id] = limits
        self._providers[account.id] = (version, provider)
        self._vendors[account.id] = (account.provider, account.channel)
        if known is not None:
            self._later(_retire(known[1]))
        # Connections are opened beside the claim, never inside its transaction.
        self._later(provider.warm())
        return provider

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _readable(account: Account) -> AccountLimits | None:
    try:
        return read_limits(account.settings)
    except ValueError:
        return None  # whoever would send by it is told why, and goes on to the next


async def _retire(provider: Provider) -> None:
    """Close an adapter that was replaced, once the calls it has begun must have ended."""
    await asyncio.sleep(2 * CALL_LIMIT)
    await provider.close()
