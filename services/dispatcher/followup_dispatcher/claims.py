"""Claiming: one transaction that looks at everything once more and commits the attempts.

What passes holds an attempt row, its place in the caps and its slot in the rates when
the transaction has committed; what does not pass is answered in the same transaction.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from followup_contracts.commands import SendTouch
from followup_contracts.envelope import Message
from followup_contracts.payload import Payload
from followup_database import Database, Transaction, new_id
from followup_dispatcher import ledger, rates, usage
from followup_dispatcher.answers import deferred, from_ledger, skipped
from followup_dispatcher.capacity import Capacity
from followup_dispatcher.core.lease import Lease
from followup_dispatcher.core.slots import Run, allot
from followup_dispatcher.core.verdict import Defer, Pass, Skip, Verdict, decide
from followup_dispatcher.drafting import Draft, Drafter, Unsendable
from followup_dispatcher.picture import Picture, Surveyor
from followup_dispatcher.providers.port import Content, Provider
from followup_messaging.outbox import Outbox
from followup_policy.caps import PastContact

AHEAD = {"now": timedelta(seconds=10), "later": timedelta(seconds=2)}
"""How far ahead of now a slot may lie; beyond it a touch is deferred and holds none."""

BUSY_RECHECK = timedelta(seconds=5)


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

    @property
    def pair(self) -> tuple[UUID, UUID]:
        """Touch and attempt: the ledger's key."""
        return self.command.touch_id, self.attempt_id


@dataclass(frozen=True, slots=True)
class Claims:
    """What a batch came to: claimed, and put off because an account holds its share."""

    claimed: tuple[Claimed, ...]
    postponed: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class _Slotted:
    draft: Draft
    starts_in: float


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
        self, messages: Sequence[Message], *, tired: frozenset[UUID] = frozenset()
    ) -> Claims:
        """Claim what may go out now; everything else is answered when this returns.

        Idempotent: a touch that is in the ledger is answered from the ledger. A command
        whose account holds its full share is postponed, or deferred if it is `tired` of
        waiting.
        """
        taken = self._clock()
        async with self._database.transaction() as tx:
            picture = await self._surveyor.look(tx, messages)
            answers = _answered(picture, tx.now)
            drafts, postponed = await self._draft(tx, picture, answers, tired)
            slotted = await _reserve(tx, drafts, answers)
            claimed = await _enter(tx, slotted, picture)
            await self._outbox.add(tx, answers)
        for one in claimed:
            self._capacity.take(one.draft.account.id)
        return Claims(tuple(self._claimed(one, taken) for one in claimed), tuple(postponed))

    async def renew(self, batch: Sequence[Claimed]) -> list[Claimed]:
        """Look at everything once more for claims whose lease ran out; slot and caps are kept.

        What may not begin any more is released (its attempt deleted first) and answered.
        """
        taken = self._clock()
        async with self._database.transaction() as tx:
            ours = await ledger.still_claimed(tx, [one.pair for one in batch])
            held = [one for one in batch if one.attempt_id in ours]
            picture = await self._surveyor.look(tx, [_message(one) for one in held], renewing=True)
            stopped: list[tuple[Claimed, Defer | Skip]] = []
            going: list[Claimed] = []
            for one in held:
                verdict = _still(one, picture, tx.now)
                if isinstance(verdict, Pass):
                    going.append(replace(one, lease=Lease(taken, self._clock)))
                else:
                    stopped.append((one, verdict))
            await self._let_go(tx, stopped)
        for one in batch:
            if one.attempt_id not in ours:
                self._capacity.give_back(one.account_id)
        for one, _ in stopped:
            self._capacity.give_back(one.account_id)
        return going

    async def release(self, batch: Sequence[tuple[Claimed, Defer]]) -> None:
        """Give up claims of which no byte was handed over; they may be tried again."""
        async with self._database.transaction() as tx:
            await self._let_go(tx, batch)
        for one, _ in batch:
            self._capacity.give_back(one.account_id)

    async def _draft(
        self, tx: Transaction, picture: Picture, answers: list[Message], tired: frozenset[UUID]
    ) -> tuple[list[Draft], list[Message]]:
        drafts: list[Draft] = []
        postponed: list[Message] = []
        shares: dict[UUID, int] = {}
        for message in picture.open:
            drafted = await self._decide(tx, message, picture)
            match drafted:
                case Defer() | Skip():
                    answers.append(_answer(message, drafted, tx.now))
                case Draft(account=account):
                    left = shares.setdefault(account.id, self._capacity.free_for(account.id))
                    if left <= 0 and message.id in tired:
                        answers.append(_answer(message, _busy(account.name, tx.now), tx.now))
                        continue
                    if left <= 0:
                        postponed.append(message)
                        continue
                    shares[account.id] = left - 1
                    picture.count(drafted.command, tx.now)
                    drafts.append(drafted)
                case Unsendable():
                    answers.append(drafted.answer(message, tx.now))
        return drafts, postponed

    async def _decide(
        self, tx: Transaction, message: Message, picture: Picture
    ) -> Draft | Defer | Skip | Unsendable:
        candidate = picture.candidate(message, tx.now)
        if isinstance(candidate, Defer | Skip):
            return candidate
        verdict: Verdict = decide(candidate, now=tx.now)
        if not isinstance(verdict, Pass):
            return verdict
        return await self._drafter.draft(tx, message, picture, explained=verdict.explained)

    async def _let_go(
        self, tx: Transaction, stopped: Sequence[tuple[Claimed, Defer | Skip]]
    ) -> None:
        gone = await ledger.release(tx, [one.pair for one, _ in stopped])
        released = [(one, why) for one, why in stopped if one.attempt_id in gone]
        await usage.give_back(tx, [(one.person_id, one.command.touch_id) for one, _ in released])
        await self._outbox.add(tx, [_answer(_message(one), why, tx.now) for one, why in released])

    def _claimed(self, slotted: _Slotted, taken: float) -> Claimed:
        draft = slotted.draft
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
        )


def _busy(account: str, now: datetime) -> Defer:
    return Defer("rate", "account_share", f"account {account} holds its share", now + BUSY_RECHECK)


def _still(one: Claimed, picture: Picture, now: datetime) -> Verdict:
    candidate = picture.candidate(_message(one), now)
    if isinstance(candidate, Defer | Skip):
        return candidate
    return decide(candidate, now=now)


def _answered(picture: Picture, now: datetime) -> list[Message]:
    """Answers for touches whose attempt the ledger already holds."""
    return [
        answer
        for message, entry in picture.known
        if (answer := from_ledger(message, entry, now)) is not None
    ]


async def _reserve(
    tx: Transaction, drafts: Sequence[Draft], answers: list[Message]
) -> list[_Slotted]:
    """Slots for the drafts, account and sender alike; what gets none is deferred."""
    groups: dict[str, list[Draft]] = defaultdict(list)
    wants: dict[str, rates.Want] = {}
    for draft in drafts:
        for key, limit in draft.limits:
            groups[key].append(draft)
            held = wants.get(key)
            wants[key] = rates.Want(
                key=key,
                tenant_id=draft.tenant_id,
                per_second=limit.per_second,
                burst=limit.burst,
                count=draft.segments + (held.count if held else 0),
                horizon=max(AHEAD[draft.command.lane], held.horizon if held else timedelta()),
            )
    runs = await rates.reserve(tx, [wants[key] for key in sorted(wants)])
    starts, full = _starts(groups, runs)
    slotted = []
    for draft in drafts:
        run = full.get(draft.attempt_id)
        if run is not None:
            why = Defer("rate", "rate", "the account's rate is used up", run.free_again)
            answers.append(_answer(draft.message, why, tx.now))
            continue
        start = starts.get(draft.attempt_id, tx.now)
        slotted.append(_Slotted(draft, max(0.0, (start - tx.now).total_seconds())))
    return slotted


def _starts(
    groups: Mapping[str, Sequence[Draft]], runs: Mapping[str, Run]
) -> tuple[dict[UUID, datetime], dict[UUID, Run]]:
    starts: dict[UUID, datetime] = {}
    full: dict[UUID, Run] = {}
    for key, members in groups.items():
        moments = allot(runs[key], [draft.segments for draft in members])
        for draft, moment in zip(members, moments, strict=True):
            if moment is None:
                full[draft.attempt_id] = runs[key]
            else:
                starts[draft.attempt_id] = max(moment, starts.get(draft.attempt_id, moment))
    return starts, full


async def _enter(tx: Transaction, slotted: Sequence[_Slotted], picture: Picture) -> list[_Slotted]:
    """Commit attempts and caps; what another dispatcher claimed in this moment drops out."""
    ours = await ledger.claim(tx, [_row(one, picture) for one in slotted])
    entered = [one for one in slotted if one.draft.attempt_id in ours]
    contacts: dict[UUID, list[PastContact]] = {}
    for one in entered:
        command = one.draft.command
        person_id = one.draft.person_id
        held = contacts.setdefault(person_id, list(picture.before(person_id)))
        held.append(
            PastContact(str(command.touch_id), command.channel, tx.now, command.contact_round)
        )
    await usage.save(tx, contacts)
    return entered


def _row(one: _Slotted, picture: Picture) -> dict[str, Any]:
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
        "recipient": draft.to,
        "subject": draft.content.subject,
        "body": draft.content.text,
        "template": command.template,
        "segments": draft.segments,
        "trace": draft.trace(starts_in=one.starts_in),
    }


def _answer(message: Message, why: Defer | Skip, now: datetime) -> Message:
    payload: Payload
    match why:
        case Defer():
            payload = deferred(message, why, now)
        case Skip():
            payload = skipped(message, why, now)
    return replace(message, id=new_id(), source="followup/dispatcher", time=now, data=payload)


def _message(one: Claimed) -> Message:
    return Message(
        id=one.attempt_id,
        tenant_id=one.tenant_id,
        source="followup/dispatcher",
        subject=str(one.command.touch_id),
        time=one.command.due_at,
        data=one.command,
        traceparent=one.traceparent,
    )
