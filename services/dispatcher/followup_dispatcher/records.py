"""Recording answers: ledger, caps and events in one transaction for many of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import structlog

from followup_contracts.channels import TRAITS
from followup_contracts.envelope import Message
from followup_database import Database, Transaction
from followup_directory import set_account_state
from followup_dispatcher import answers, ledger, usage
from followup_dispatcher.capacity import Capacity
from followup_dispatcher.claims import Claimed
from followup_dispatcher.core.patience import retry_at
from followup_dispatcher.core.troubles import Troubles
from followup_dispatcher.ledger import Entry, Settlement
from followup_dispatcher.metrics import Metrics
from followup_dispatcher.outages import patiently
from followup_dispatcher.providers.port import Accepted, Refused, RetryLater, Unknown
from followup_messaging.failures import origin
from followup_messaging.outbox import Outbox
from followup_suppression import AddressHasher, suppress

log = structlog.get_logger(__name__)

MOST = 200
LINGER = 0.020


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider answered to an attempt, and when its call began (machine time)."""

    claimed: Claimed
    answer: Accepted | Refused | RetryLater | Unknown
    started: datetime


class Recorder:
    """Takes answers as they come and commits them in batches.

    An answer it holds is lost only with the process; the attempt is then swept into
    `unknown` and resolved from there. A database that is down is waited out.
    """

    name = "dispatcher:recorder"

    def __init__(
        self,
        database: Database,
        *,
        outbox: Outbox,
        capacity: Capacity,
        hasher: AddressHasher,
        metrics: Metrics,
        random: Random,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._capacity = capacity
        self._hasher = hasher
        self._metrics = metrics
        self._random = random
        self._troubles = Troubles()
        self._reports: asyncio.Queue[Report] = asyncio.Queue()
        self._open = 0

    @property
    def pending(self) -> int:
        """Answers that are not committed yet."""
        return self._open

    def report(self, report: Report) -> None:
        """Take an answer; it is committed within milliseconds.

        Its call is over, so its place is free: the next claim need not wait for the commit.
        """
        self._open += 1
        self._capacity.give_back(report.claimed.account_id)
        self._reports.put_nowait(report)

    async def run(self, stop: asyncio.Event) -> None:
        """Commit answers until told to stop and none is left."""
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not (stop.is_set() and self._reports.empty()):
                batch = await self._gather(stopping)
                if batch:
                    await self._commit(batch)
                    self._open -= len(batch)
        finally:
            stopping.cancel()

    async def _gather(self, stopping: asyncio.Future[Any]) -> list[Report]:
        first = asyncio.ensure_future(self._reports.get())
        waited: set[asyncio.Future[Any]] = {first} if stopping.done() else {first, stopping}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            first.cancel()
            return []
        batch = [first.result()]
        if not stopping.done():
            await asyncio.sleep(LINGER)
        while len(batch) < MOST and not self._reports.empty():
            batch.append(self._reports.get_nowait())
        return batch

    async def _commit(self, batch: Sequence[Report]) -> None:
        await self._commit_all(batch)
        for report in batch:
            self._metrics.answered(report.claimed.command.channel, type(report.answer).__name__)

    async def _commit_all(self, batch: Sequence[Report]) -> None:
        """One transaction; what can't be recorded is gone through one by one."""
        try:
            await patiently(lambda: self._record_all(batch))
        except Exception as error:  # noqa: BLE001 - one that fails must not take others along
            if len(batch) > 1:
                for report in batch:
                    await self._commit_all([report])
                return
            # Its attempt stays claimed and is swept into unknown: shown, not lost.
            log.error(
                "answer_not_recorded",
                attempt_id=str(batch[0].claimed.attempt_id),
                error=type(error).__name__,
                at=origin(error),
            )

    async def _record_all(self, batch: Sequence[Report]) -> None:
        async with self._database.transaction() as tx:
            await self._record(tx, batch)

    async def _record(self, tx: Transaction, batch: Sequence[Report]) -> None:
        unsent_people = {r.claimed.person_id for r in batch if _leaves_unsent(r)}
        await usage.hold(tx, unsent_people)
        moved = await ledger.settle(tx, [_settlement(report, tx.now) for report in batch])
        events: list[Message] = []
        unsent: list[Entry] = []
        for report in batch:
            entry = moved.get(report.claimed.attempt_id)
            if entry is None:
                continue  # settled before by a callback; what it said stands
            events.append(self._event(report, entry, tx.now))
            if entry.state in ("refused", "retry_later"):
                unsent.append(entry)
        await usage.give_back(tx, [(entry.person_id, entry.touch_id) for entry in unsent])
        await self._suppress(tx, batch)
        await self._stop_broken(tx, batch)
        await self._outbox.add(tx, events)

    def _event(self, report: Report, entry: Entry, now: datetime) -> Message:
        match report.answer:
            case RetryLater(after=after, crowded=crowded) if entry.state == "retry_later":
                not_before = retry_at(
                    now, attempt=entry.number, after=after, jitter=self._random.random()
                )
                payload = answers.later(entry, not_before=not_before, now=now, crowded=crowded)
            case _:
                settled = answers.of_entry(entry, now)
                if settled is None:
                    raise ValueError(f"an answer left the attempt {entry.state}")
                return _traced(answers.event(entry, settled, now), report)
        return _traced(answers.event(entry, payload, now), report)

    async def _stop_broken(self, tx: Transaction, batch: Sequence[Report]) -> None:
        """Stop accounts that a person has to mend; their touches wait, and none is lost."""
        for report in sorted(batch, key=lambda report: report.claimed.account_id):
            account_id, answer = report.claimed.account_id, report.answer
            match answer:
                case RetryLater(broken=True, code=code, reason=reason):
                    if self._troubles.broken(account_id, report.started):
                        await self._stop(tx, report, f"{code}: {reason}")
                case Accepted() | Refused():
                    self._troubles.well(account_id)
                case _:
                    pass

    async def _stop(self, tx: Transaction, report: Report, reason: str) -> None:
        claimed = report.claimed
        stopped = await set_account_state(
            tx, claimed.tenant_id, claimed.account_id, state="stopped", reason=reason
        )
        self._troubles.well(claimed.account_id)
        if stopped:
            log.error("account_stopped", account_id=str(claimed.account_id), reason=reason)
            provider, channel = claimed.provider.name, claimed.command.channel
            tx.after_commit(lambda: self._metrics.stopped(provider, channel))

    async def _suppress(self, tx: Transaction, batch: Sequence[Report]) -> None:
        """An address that a vendor calls opted out or dead is listed for its channel.

        Not for a confirmation: a vendor that has heard the stop itself refuses that, which
        tells nothing new, and the reader's START would not take back what the vendor said.
        """
        for report in sorted(batch, key=lambda report: report.claimed.to):
            claimed, answer = report.claimed, report.answer
            if isinstance(answer, Refused) and answer.suppress and not claimed.confirms:
                channel = claimed.command.channel
                kind = TRAITS[channel].address
                hashed = self._hasher.hash(kind, claimed.to)
                await suppress(
                    tx,
                    claimed.tenant_id,
                    [(kind, channel, hashed)],
                    reason=answer.code,
                    via=f"provider:{claimed.provider.name}",
                )


GIVE_UP_AFTER = timedelta(hours=24)
"""A touch no provider took within a day of its first attempt is over."""


def _leaves_unsent(report: Report) -> bool:
    return isinstance(report.answer, Refused | RetryLater)


def _settlement(report: Report, now: datetime) -> Settlement:
    claimed, answer = report.claimed, report.answer
    touch, attempt = claimed.pair
    match answer:
        case Accepted(ref=ref, segments=segments):
            return Settlement(
                touch,
                attempt,
                "accepted",
                "answer",
                provider_ref=ref,
                segments=max(segments, claimed.segments),
                started_on=report.started,
            )
        case Refused(code=code, reason=reason):
            return Settlement(
                touch,
                attempt,
                "refused",
                "answer",
                code=code,
                reason=reason,
                started_on=report.started,
            )
        case RetryLater(code=code, reason=reason, broken=broken):
            # The account's fault is not the touch's: it waits until the account is mended.
            over = not broken and now - claimed.first_at > GIVE_UP_AFTER
            return Settlement(
                touch,
                attempt,
                "refused" if over else "retry_later",
                "answer",
                code=f"gave_up:{code}" if over else code,
                reason=reason,
                started_on=report.started,
            )
        case Unknown(reason=reason):
            return Settlement(
                touch, attempt, "unknown", "answer", reason=reason, started_on=report.started
            )


def _traced(message: Message, report: Report) -> Message:
    return Message(
        id=message.id,
        tenant_id=message.tenant_id,
        source=message.source,
        subject=message.subject,
        time=message.time,
        data=message.data,
        traceparent=report.claimed.traceparent,
    )
