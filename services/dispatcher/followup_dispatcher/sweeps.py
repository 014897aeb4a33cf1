"""Loops over the ledger: claims whose process is gone, and unknowns that can be asked about."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from followup_contracts.envelope import Message
from followup_database import Database, Transaction
from followup_directory import Account, Tenant, account_by_id, tenants_by_id
from followup_dispatcher import answers, ledger, usage
from followup_dispatcher.accounts import Accounts
from followup_dispatcher.ledger import Entry, Settlement
from followup_dispatcher.metrics import Metrics
from followup_dispatcher.providers.machine_clock import Clock, machine_clock
from followup_dispatcher.providers.port import Absent, Found, PastAttempt, Undecided
from followup_messaging.outbox import Outbox
from followup_runtime.loops import Tick

log = structlog.get_logger(__name__)

MOST = 100
AT_ONCE = 10

GRACE = timedelta(minutes=30)
"""How long a callback may still settle an attempt before a tenant's policy does."""


class StaleSweep:
    """Declares unknown the claims that no process can be working on any more."""

    name = "dispatcher:stale"

    def __init__(
        self,
        database: Database,
        *,
        outbox: Outbox,
        metrics: Metrics,
        stale_after: float,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._metrics = metrics
        self._stale_after = stale_after

    async def run_once(self) -> Tick:
        """One batch; the process may have died before the call, in it or after it."""
        async with self._database.transaction() as tx:
            found = await ledger.stale(tx, age_seconds=self._stale_after, most=MOST)
            moved = await ledger.settle(tx, [_gone(entry) for entry in found])
            await self._outbox.add(
                tx,
                [answers.event(e, answers.unknown(e, tx.now), tx.now) for e in moved.values()],
            )
        self._metrics.swept(len(moved))
        return Tick(worked=len(moved), again_in=0.0 if len(found) == MOST else 2.0)


class UnknownSweep:
    """Asks the vendor about unknown attempts, where it can be asked."""

    name = "dispatcher:unknown"

    def __init__(
        self,
        database: Database,
        *,
        outbox: Outbox,
        accounts: Accounts,
        now: Clock = machine_clock,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._accounts = accounts
        self._now = now

    async def run_once(self) -> Tick:
        """One batch: presence settles it, proven absence frees it, anything else waits."""
        async with self._database.transaction() as tx:
            entries = await ledger.unknowns_to_ask(tx, most=MOST)
            owners = await _accounts_of(tx, entries)
            tenants = await tenants_by_id(tx, sorted({entry.tenant_id for entry in entries}))
        gate = asyncio.Semaphore(AT_ONCE)

        async def resolve(entry: Entry) -> None:
            async with gate:
                if entry.of_nobody:
                    await self._end(entry)
                elif not await self._resolve(entry, owners.get(entry.account_id)):
                    await self._by_policy(entry, tenants.get(entry.tenant_id))

        # One vendor that hangs must not hold up what the others could tell.
        async with asyncio.TaskGroup() as group:
            for entry in entries:
                group.create_task(resolve(entry))
        return Tick(worked=len(entries), again_in=0.0 if len(entries) == MOST else 1.0)

    async def _resolve(self, entry: Entry, account: Account | None) -> bool:
        """Ask the vendor; False where it can't be asked at all."""
        provider = self._accounts.provider_of(account) if account else None
        if provider is None or provider.settling is None or entry.recipient is None:
            return False
        match await provider.find(_past(entry)):
            case Found(ref=ref):
                await self._settle(entry, _found(entry, ref))
            case Absent():
                await self._settle(entry, _absent(entry))
            case Undecided(reason=reason):
                log.info("unknown_undecided", attempt_id=str(entry.id), reason=reason)
        return True

    async def _by_policy(self, entry: Entry, tenant: Tenant | None) -> None:
        """Where nobody can be asked: shown, unless its tenant rather sends twice than never."""
        if tenant is None or entry.channel not in tenant.settings.resend_unknown:
            return
        if self._now() - entry.claimed_on >= GRACE:
            await self._settle(entry, _resent(entry))

    async def _end(self, entry: Entry) -> None:
        """What went to somebody unknown is over with its time: nobody could find out, or resend."""
        if self._now() - entry.claimed_on >= GRACE:
            await self._settle(entry, _over(entry))

    async def _settle(self, entry: Entry, settlement: Settlement) -> None:
        async with self._database.transaction() as tx:
            await usage.hold(tx, {entry.person_id})
            moved = await ledger.settle(tx, [settlement])
            if settlement.settled_by == "policy":
                for moving in moved.values():
                    await ledger.note(
                        tx,
                        moving,
                        {
                            "what": "settled",
                            "by": "policy",
                            "at": tx.now.isoformat(),
                            "rule": settlement.code,
                        },
                    )
            await self._outbox.add(tx, [_told(e, tx) for e in moved.values()])
            await usage.give_back(
                tx,
                [(e.person_id, e.touch_id) for e in moved.values() if e.state == "retry_later"],
            )


async def _accounts_of(tx: Transaction, entries: Sequence[Entry]) -> dict[UUID, Account]:
    owners: dict[UUID, Account] = {}
    for account_id in {entry.account_id for entry in entries}:
        account = await account_by_id(tx, account_id)
        if account is not None:
            owners[account_id] = account
    return owners


def _told(entry: Entry, tx: Transaction) -> Message:
    if entry.state == "retry_later":
        later = answers.later(entry, not_before=tx.now + timedelta(seconds=1), now=tx.now)
        return answers.event(entry, later, tx.now)
    if entry.state == "refused":
        return answers.event(entry, answers.refused(entry, tx.now), tx.now)
    return answers.event(entry, answers.sent(entry), tx.now)


def _past(entry: Entry) -> PastAttempt:
    return PastAttempt(
        attempt_id=entry.id,
        touch_id=entry.touch_id,
        to=entry.recipient or "",
        sender=entry.sender,
        text=entry.body or "",
        started_at=entry.claimed_on,
    )


def _gone(entry: Entry) -> Settlement:
    return Settlement(
        entry.touch_id, entry.id, "unknown", "sweep", reason="the process that held it is gone"
    )


def _found(entry: Entry, ref: str | None) -> Settlement:
    return Settlement(entry.touch_id, entry.id, "accepted", "record", provider_ref=ref)


def _resent(entry: Entry) -> Settlement:
    return Settlement(
        entry.touch_id,
        entry.id,
        "retry_later",
        "policy",
        code="resend_unknown",
        reason="nobody can be asked, and the tenant has this channel sent again",
    )


def _over(entry: Entry) -> Settlement:
    return Settlement(
        entry.touch_id,
        entry.id,
        "refused",
        "policy",
        code="expired",
        reason="it went to somebody unknown: nothing is kept to ask by, and its time is over",
    )


def _absent(entry: Entry) -> Settlement:
    return Settlement(
        entry.touch_id,
        entry.id,
        "retry_later",
        "record",
        code="absent",
        reason="the vendor's own record, past its settling time, does not hold it",
    )
