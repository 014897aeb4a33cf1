"""What persons tell us, and what somebody of ours writes to them.

`reply.received`, `contact.opted_out`, `contact.opted_in`, `message.written`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import assert_never
from uuid import UUID

from followup_contracts import Message
from followup_contracts.events import (
    ContactOptedIn,
    ContactOptedOut,
    MessageWritten,
    ReplyReceived,
)
from followup_database import Transaction, new_id
from followup_scheduler.assigning import assign
from followup_scheduler.consequences import tell
from followup_scheduler.core.model import OptedOut, Ordered, ReplyRead, Stimulus
from followup_scheduler.core.reactions import left_over
from followup_scheduler.facts import ids_of
from followup_scheduler.handlers.belonging import belongs
from followup_scheduler.handlers.written import Messages
from followup_scheduler.runs import Run, RunStore
from followup_scheduler.store import answers, enrollments, journal
from followup_scheduler.store.answers import Answer
from followup_scheduler.store.journal import Entry
from followup_scheduler.store.tasks import NewTask
from followup_scheduler.undecided import let_go

Word = ReplyReceived | ContactOptedOut | ContactOptedIn | MessageWritten


class Replies:
    """Lets every live enrollment of a person decide on what the person said.

    The hold of a reply goes in the transaction that decides on it. One that finds no live
    enrollment, such as an answer to the last touch weeks later, is a person's to read.
    What somebody of ours writes pauses the runs of its lead, and is sent.
    """

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs
        self._messages = Messages(runs.outbox)

    async def handle(self, tx: Transaction, messages: Sequence[Message]) -> None:
        """Decide on these, in the order in which they were said."""
        words = sorted(
            ((message, word_of(message)) for message in messages), key=lambda pair: pair[1].at
        )
        said = [
            _answer(message.tenant_id, word.person_id, word)
            for message, word in words
            if isinstance(word, ReplyReceived) and word.person_id is not None
        ]
        if said:
            await answers.insert(tx, said)
        persons = {word.person_id for _, word in words if word.person_id is not None}
        names = await ids_of(tx, persons)
        live = await enrollments.live_of_persons(tx, {i for ids in names.values() for i in ids})
        runs = await self._runs.load(tx, {enrollment_id for enrollment_id, _ in live})
        decided, written = [], []
        for message, word in words:
            if word.person_id is None:
                continue
            theirs = names[word.person_id]
            if await self._decide(tx, runs.values(), message.tenant_id, word, theirs):
                decided.append((word.person_id, _held_as(message, word)))
                if isinstance(word, MessageWritten):
                    written.append((message.tenant_id, word))
        await self._runs.save(tx, runs.values())
        await self._messages.send(tx, written)
        if decided:
            await let_go(tx, self._runs.outbox, decided)

    async def _decide(
        self,
        tx: Transaction,
        runs: Iterable[Run],
        tenant_id: UUID,
        word: Word,
        names: frozenset[UUID],
    ) -> bool:
        """Decide on one word; False where its person turns out to be another tenant's."""
        known = [run for run in runs if run.enrollment.person_id in names]
        theirs = [run for run in known if belongs(run, tenant_id)]
        if known and not theirs:
            return False
        if isinstance(word, MessageWritten):
            of_lead = [run for run in theirs if run.enrollment.lead_id == word.lead_id]
            of_lead = [] if word.confirms else of_lead
            if word.lead_id != word.message_id:  # nobody's, who has no journal
                await _pause(tx, tenant_id, of_lead, word)
        elif theirs:
            hear(tx, theirs, word)
        else:
            await self._hear_alone(tx, tenant_id, word)
        return True

    async def _hear_alone(self, tx: Transaction, tenant_id: UUID, word: Word) -> None:
        """A word with nothing left to decide: its lead's journal has it, and maybe a person."""
        if not isinstance(word, ReplyReceived) or word.lead_id is None:
            return
        told = await journal.of_lead(tx, tenant_id, word.lead_id)
        if any(row["why"].get("reply") == str(word.reply_id) for row in told):
            return
        what, why = _line(word)
        entry = Entry(
            tenant_id, word.lead_id, word.person_id, word.enrollment_id, tx.now, what, why
        )
        await journal.insert(tx, [entry])
        await assign(tx, self._runs.outbox, _tasks(tenant_id, word, at=tx.now))


def _held_as(message: Message, word: Word) -> UUID:
    """The name of the hold that stands for a word, if one does."""
    match word:
        case ReplyReceived():
            return word.reply_id
        case MessageWritten():
            return word.message_id
        case _:
            return message.id


async def _pause(
    tx: Transaction, tenant_id: UUID, runs: Sequence[Run], word: MessageWritten
) -> None:
    """Pause these runs of a lead somebody of ours wrote to; the journal has it in any case."""
    if runs:
        hear(tx, runs, word)
        return
    what, why = _line(word)
    await journal.insert(
        tx, [Entry(tenant_id, word.lead_id, word.person_id, None, tx.now, what, why)]
    )


def word_of(message: Message) -> Word:
    """What was said; anything else has no business in this queue."""
    if not isinstance(message.data, Word):
        raise TypeError(f"{message.type} is not for this handler")
    return message.data


def hear(tx: Transaction, runs: Sequence[Run], word: Word) -> None:
    """Have every run of a person decide on a word of theirs."""
    what, why = _line(word)
    stimulus = _stimulus(word)
    for run in runs:
        run.entry(tx, what, **why)
        if stimulus is not None:
            tell(run, stimulus, now=tx.now)


def _stimulus(word: Word) -> Stimulus | None:
    match word:
        case ReplyReceived():
            return _read(word)
        case ContactOptedOut():
            return OptedOut(word.channel, word.at)
        case ContactOptedIn():
            return None
        case MessageWritten():
            return Ordered("pause", "somebody of ours wrote", word.at)
        case _:
            assert_never(word)


def _tasks(tenant_id: UUID, word: ReplyReceived, *, at: datetime) -> list[NewTask]:
    """What a person has to do about a reply that no run decides on: one task, or none."""
    task = left_over(_read(word), now=at)
    if task is None or word.lead_id is None:
        return []
    return [
        NewTask(
            id=new_id(),
            tenant_id=tenant_id,
            lead_id=word.lead_id,
            person_id=word.person_id,
            enrollment_id=None,
            kind=task.kind,
            reason=task.reason,
            due_at=task.due_at,
            created_at=at,
        )
    ]


def _answer(tenant_id: UUID, person_id: UUID, reply: ReplyReceived) -> Answer:
    return Answer(
        id=reply.reply_id,
        tenant_id=tenant_id,
        person_id=person_id,
        lead_id=reply.lead_id,
        touch_id=reply.touch_id,
        channel=reply.channel,
        intent=reply.intent,
        at=reply.at,
    )


def _read(reply: ReplyReceived) -> ReplyRead:
    return ReplyRead(reply.intent, reply.opt_out, reply.until, reply.at)


def _line(word: Word) -> tuple[str, dict[str, object]]:
    match word:
        case ReplyReceived():
            return "reply received", {
                "reply": str(word.reply_id),
                "channel": word.channel,
                "intent": word.intent,
                "opt_out": word.opt_out,
                "confidence": word.confidence,
                "touch": None if word.touch_id is None else str(word.touch_id),
            }
        case ContactOptedOut():
            return "opted out", {"channel": word.channel, "via": word.via}
        case ContactOptedIn():
            return "opted in", {"channel": word.channel, "via": word.via}
        case MessageWritten():
            what = "confirmed" if word.confirms else "written to"
            return what, {"channel": word.channel, "message": str(word.message_id)}
        case _:
            assert_never(word)
