"""Claiming: one transaction that looks at everything once more and commits the attempts.

What passes holds an attempt row, its place in the caps and its slot in the rates when
the transaction has committed; what does not pass is answered in the same transaction.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from followup_contracts.commands import SendTouch
from followup_contracts.envelope import Message
from followup_database import Database, Transaction
from followup_database.errors import is_outage
from followup_dispatcher import ledger, usage
from followup_dispatcher.answers import command_of, failed, publish, turned_down
from followup_dispatcher.budgets import left_today
from followup_dispatcher.capacity import Capacity, Promise
from followup_dispatcher.core.lease import Lease
from followup_dispatcher.core.validity import valid_for
from followup_dispatcher.core.verdict import Candidate, Defer, Pass, Skip, Verdict, decide
from followup_dispatcher.drafting import Draft, Drafter, Unsendable
from followup_dispatcher.ledger import Settlement
from followup_dispatcher.outages import patiently
from followup_dispatcher.picture import Picture, Surveyor, of_nobody
from followup_dispatcher.providers.port import Content, Provider
from followup_dispatcher.recall import recalled
from followup_dispatcher.reserving import Slotted, reserve
from followup_messaging import dead
from followup_messaging.outbox import Outbox
from followup_policy.caps import PastContact

LOST_RECHECK = timedelta(seconds=1)
INTERNAL = "it could not be carried out; the command is a dead letter"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A committed attempt: the right to make one call, once, while the lease lasts."""

    command: SendTouch
    tenant_id: UUID
    traceparent: str | None
    person_id: UUID
    attempt_id: UUID
    account_id: UUID
    provider: Provider
    to: str
    sender: str
    content: Content
    segments: int
    callback_url: str | None
    valid_for: timedelta | None
    lease: Lease
    starts_at: float
    first_at: datetime
    """When the touch's first attempt was claimed, by business time."""
    rehearsed: bool = False
    """Its tenant was in a dry run: `provider` stands in for the account's own."""
    confirms: bool = False
    """It tells its reader that what they have just asked for is done."""

    @property
    def pair(self) -> tuple[UUID, UUID]:
        """Touch and attempt: the ledger's key."""
        return self.command.touch_id, self.attempt_id


@dataclass(frozen=True, slots=True)
class Claims:
    """What a batch came to: claimed, and put off because its account holds its share."""

    claimed: tuple[Claimed, ...]
    postponed: Mapping[UUID, UUID]
    """Message → the account it waits for."""


@dataclass(frozen=True, slots=True)
class _Taking:
    """A batch while it is gone through: what passes, what is answered, who waits no longer."""

    drafts: list[Draft]
    answers: list[Message]
    tired: frozenset[UUID]
    promise: Promise


class ClaimDesk:
    """Claims batches of commands and renews claims whose lease ran out."""

    def __init__(
        self,
        database: Database,
        *,
        outbox: Outbox,
        surveyor: Surveyor,
        drafter: Drafter,
        capacity: Capacity,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._surveyor = surveyor
        self._drafter = drafter
        self._capacity = capacity
        self._clock = clock

    async def claim(
        self,
        messages: Sequence[Message],
        *,
        tired: frozenset[UUID] = frozenset(),
        promise: Promise | None = None,
    ) -> Claims:
        """Claim what may go out now; everything else is answered when this returns.

        Idempotent: a touch that is in the ledger is answered from the ledger. A command
        whose account holds its full share is postponed, or deferred if it is `tired` of
        waiting. When this raises, nothing has been claimed. `promise`: the places that are
        kept for these.
        """
        taken = self._clock()
        promise = promise or Promise(())
        promised = promise.mark()
        drafts: list[Draft] = []
        claimed: list[Slotted] = []
        try:
            async with self._database.transaction() as tx:
                picture = await self._surveyor.look(tx, messages)
                picture.left = await left_today(tx, picture, self._drafter.accounts)
                answers = await recalled(tx, picture)
                taking = _Taking(drafts, answers, tired, promise)
                postponed = await self._draft(tx, picture, taking)
                slotted, full = await reserve(tx, drafts)
                answers += [turned_down(draft.message, why, tx.now) for draft, why in full]
                claimed = await _enter(tx, slotted, picture)
                await self._outbox.add(tx, answers)
        except BaseException as error:
            self._drop(drafts)
            promise.go_back(promised)
            if claimed and isinstance(error, Exception) and is_outage(error):
                await patiently(lambda: self._take_back([one.draft for one in claimed]))
            raise
        entered = {one.draft.attempt_id for one in claimed}
        self._drop([draft for draft in drafts if draft.attempt_id not in entered])
        return Claims(
            tuple(self._claimed(one, taken, picture, tx.now) for one in claimed), postponed
        )

    def _drop(self, drafts: Sequence[Draft]) -> None:
        for draft in drafts:
            self._capacity.drop(draft.account.id)

    async def _take_back(self, drafts: Sequence[Draft]) -> None:
        """Undo a claim whose commit was cut off: it may stand, and nobody would call.

        The persons' caps are locked by it until it is over, one way or the other.
        """
        async with self._database.transaction() as tx:
            await usage.hold(tx, {draft.person_id for draft in drafts})
            gone = await ledger.release(
                tx, [(draft.command.touch_id, draft.attempt_id) for draft in drafts]
            )
            undone = [draft for draft in drafts if draft.attempt_id in gone]
            await usage.give_back(tx, [(d.person_id, d.command.touch_id) for d in undone])

    async def renew(self, batch: Sequence[Claimed]) -> list[Claimed]:
        """Look at everything once more for claims whose lease ran out; slot and caps are kept.

        What may not begin any more is released (its attempt deleted first) and answered;
        so is what was taken for lost meanwhile, for no byte of it went out.
        """
        taken = self._clock()
        async with self._database.transaction() as tx:
            # The picture locks the persons' caps, which come before attempts in every
            # transaction that needs both.
            picture = await self._surveyor.look(tx, [_message(one) for one in batch], renewing=True)
            ours = await ledger.claim_again(tx, [one.pair for one in batch])
            stopped: list[tuple[Claimed, Defer | Skip]] = []
            going: list[Claimed] = []
            for one in batch:
                lost = one.attempt_id not in ours
                still = _lost(tx.now) if lost else _still(one, picture, tx.now)
                if isinstance(still, Candidate):
                    limit = valid_for(one.command, where=still.where, now=tx.now, house=still.house)
                    lease = Lease(taken, self._clock)
                    going.append(replace(one, lease=lease, valid_for=limit))
                else:
                    stopped.append((one, still))
            await _let_go(tx, self._outbox, stopped)
        self.forget([one for one, _ in stopped])
        return going

    async def release(self, batch: Sequence[tuple[Claimed, str, timedelta]]) -> None:
        """Give up claims of which no byte was handed over: why, and when to try again."""
        async with self._database.transaction() as tx:
            await usage.hold(tx, {one.person_id for one, _, _ in batch})
            stopped = [
                (one, Defer("provider", "not_begun", reason, tx.now + pause))
                for one, reason, pause in batch
            ]
            await _let_go(tx, self._outbox, stopped)
        self.forget([one for one, _, _ in batch])

    async def fail(self, message: Message, *, burial: dead.Burial) -> None:
        """End the touch of a command that can't be carried out; the command is kept."""
        async with self._database.transaction() as tx:
            await dead.bury(tx, [burial])
            payload = failed(message, code="internal", reason=INTERNAL, now=tx.now)
            await self._outbox.add(tx, [publish(message, payload, tx.now)])

    def began(self, *, in_time: bool) -> None:
        """A claim came to its call: while its lease held, or too late for it."""
        self._capacity.began(in_time=in_time)

    def forget(self, batch: Sequence[Claimed]) -> None:
        """Count these out of what is in flight."""
        for one in batch:
            self._capacity.give_back(one.account_id)

    async def _draft(self, tx: Transaction, picture: Picture, taking: _Taking) -> dict[UUID, UUID]:
        """Add drafts, each with its place taken, and answers; returns what waits."""
        drafts, answers = taking.drafts, taking.answers
        postponed: dict[UUID, UUID] = {}
        for message in picture.open:
            drafted = await self._decide(tx, message, picture)
            match drafted:
                case Defer() | Skip():
                    answers.append(turned_down(message, drafted, tx.now))
                case Draft(account=account):
                    if self._has_room(drafted):
                        # At once: another batch may be put together while this one commits.
                        self._capacity.take(account.id)
                        taking.promise.keep(account.id)
                        picture.count(drafted.command, tx.now)
                        picture.spend(account.id, drafted.segments)
                        drafts.append(drafted)
                    elif message.id in taking.tired:
                        answers.append(turned_down(message, self._busy(drafted, tx.now), tx.now))
                    else:
                        postponed[message.id] = account.id
                case Unsendable():
                    answers.append(drafted.answer(message, tx.now))
        return postponed

    def _has_room(self, draft: Draft) -> bool:
        """An account on trial is let one call, when nothing else of it is under way."""
        free = self._capacity.free_for(draft.account.id)
        return free > 0 and (not draft.single or free == self._capacity.per_account)

    def _busy(self, draft: Draft, now: datetime) -> Defer:
        pause = timedelta(seconds=self._capacity.turn_of(draft.account.id))
        reason = f"account {draft.account.name} holds its share"
        return Defer("rate", "account_share", reason, now + pause)

    async def _decide(
        self, tx: Transaction, message: Message, picture: Picture
    ) -> Draft | Defer | Skip | Unsendable:
        candidate = picture.candidate(message, tx.now)
        if isinstance(candidate, Defer | Skip):
            return candidate
        verdict: Verdict = decide(candidate, now=tx.now)
        if not isinstance(verdict, Pass):
            if isinstance(verdict, Defer) and verdict.kind == "cap":
                picture.put_off(command_of(message), verdict.not_before)
            return verdict
        return await self._drafter.draft(tx, message, picture, where=candidate.where)

    def _claimed(self, slotted: Slotted, taken: float, picture: Picture, now: datetime) -> Claimed:
        draft = slotted.draft
        before = picture.attempts.get(draft.command.touch_id)
        return Claimed(
            command=draft.command,
            tenant_id=draft.tenant_id,
            traceparent=draft.traceparent,
            person_id=draft.person_id,
            attempt_id=draft.attempt_id,
            account_id=draft.account.id,
            provider=draft.provider,
            to=draft.to,
            sender=draft.sender,
            content=draft.content,
            segments=draft.segments,
            callback_url=draft.callback_url,
            valid_for=draft.valid_for,
            lease=Lease(taken, self._clock),
            starts_at=taken + slotted.starts_in,
            first_at=before.first_at or now if before is not None else now,
            rehearsed=draft.rehearsed,
            confirms=picture.confirms(draft.command) is not None,
        )


def _lost(now: datetime) -> Defer:
    reason = "the claim was taken for lost before its call began"
    return Defer("provider", "not_begun", reason, now + LOST_RECHECK)


def _still(one: Claimed, picture: Picture, now: datetime) -> Candidate | Defer | Skip:
    """Every check once more, and that it still goes where and by whom the checks mean.

    What they were made on where all of them pass, else why the call may not begin.
    """
    candidate = picture.candidate(_message(one), now)
    if isinstance(candidate, Defer | Skip):
        return candidate
    address = picture.address(one.command)
    tenant = picture.tenants[one.tenant_id]
    accounts = picture.accounts_for(tenant, one.to)
    usable = any(a.id == one.account_id and a.state == "active" for a in accounts)
    # A dry run that began or ended meanwhile has another provider called, or none.
    usable = usable and tenant.settings.dry_run == one.rehearsed
    if address is None or address.address != one.to or not usable:
        return Defer("provider", "changed", "its address or account changed meanwhile", now)
    verdict = decide(candidate, now=now)
    return candidate if isinstance(verdict, Pass) else verdict


async def _let_go(
    tx: Transaction, outbox: Outbox, stopped: Sequence[tuple[Claimed, Defer | Skip]]
) -> None:
    """Undo claims of which no byte went out; the persons' caps are locked already.

    One that a sweep has declared unknown is known better here: it is free again.
    """
    pairs = {one.attempt_id: one.pair for one, _ in stopped}
    gone = await ledger.release(tx, list(pairs.values()))
    freed = await ledger.settle(
        tx,
        [
            Settlement(touch, attempt, "retry_later", "answer", code="not_begun")
            for attempt, (touch, _) in pairs.items()
            if attempt not in gone
        ],
    )
    rounds = gone | {attempt: entry.round for attempt, entry in freed.items()}
    undone = [(one, why) for one, why in stopped if one.attempt_id in rounds]
    await usage.give_back(tx, [(one.person_id, one.command.touch_id) for one, _ in undone])
    await outbox.add(
        tx,
        [turned_down(_message(one, rounds[one.attempt_id]), why, tx.now) for one, why in undone],
    )


async def _enter(tx: Transaction, slotted: Sequence[Slotted], picture: Picture) -> list[Slotted]:
    """Commit attempts and caps; what another dispatcher claimed in this moment drops out."""
    ours = await ledger.claim(tx, [_row(one, picture) for one in slotted])
    entered = [one for one in slotted if one.draft.attempt_id in ours]
    contacts: dict[UUID, list[PastContact]] = {}
    for one in entered:
        command = one.draft.command
        person_id = one.draft.person_id
        held = contacts.setdefault(person_id, list(picture.before(person_id)))
        held.append(
            PastContact(
                str(command.touch_id),
                command.channel,
                tx.now,
                command.contact_round,
                one.draft.sender,
                # Names the letter (`Message-ID`), so that the next one can answer it.
                str(one.draft.attempt_id) if command.channel == "email" else None,
            )
        )
    await usage.save(tx, contacts, picture.waiting)
    return entered


def _row(one: Slotted, picture: Picture) -> dict[str, Any]:
    draft, command = one.draft, one.draft.command
    return {
        "touch_id": command.touch_id,
        "number": picture.attempts_before(command.touch_id) + 1,
        "id": draft.attempt_id,
        "tenant_id": draft.tenant_id,
        "enrollment_id": command.enrollment_id,
        "lead_id": command.lead_id,
        "person_id": draft.person_id,
        "channel": command.channel,
        "lane": command.lane,
        "round": command.round,
        "epoch": command.epoch,
        "step": command.step,
        "contact_round": command.contact_round,
        "account_id": draft.account.id,
        "provider": draft.account.provider,
        "sender": draft.sender,
        # Of nobody nothing is kept but ids: no erasure would find it.
        "recipient": None if of_nobody(command) else draft.to,
        "subject": draft.content.subject,
        "body": None if of_nobody(command) else draft.content.text,
        "template": command.template,
        "segments": draft.segments,
        "trace": draft.trace(starts_in=one.starts_in),
    }


def _message(one: Claimed, round_: int | None = None) -> Message:
    """Its command, as the round that asked for it last has it."""
    command = one.command
    if round_ is not None:
        command = command.model_copy(update={"round": round_})
    return Message(
        id=one.attempt_id,
        tenant_id=one.tenant_id,
        source="followup/dispatcher",
        subject=str(command.touch_id),
        time=command.due_at,
        data=command,
        traceparent=one.traceparent,
    )
