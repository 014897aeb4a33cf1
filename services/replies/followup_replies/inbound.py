"""A message that came in: whose it is, what it means, and what it stops.

Written down, held and stopped in the caller's transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from followup_contracts import Message
from followup_contracts.events import ReplyReceived
from followup_contracts.payload import Channel
from followup_database import Transaction, new_id
from followup_directory import Account
from followup_messaging.outbox import Outbox
from followup_people import PersonView, hear, mark_contact_point, note_refusal, stays
from followup_policy.zones import Place, whereabouts
from followup_replies import confirming
from followup_replies.addresses import bare, kind_of, match_key
from followup_replies.core.automatic import AUTOMATIC
from followup_replies.core.intents import Intent
from followup_replies.core.mail import thread_of
from followup_replies.core.reading import InboundText, Reading, read
from followup_replies.core.refining import Opinion, refined
from followup_replies.figures import Figures
from followup_replies.matching import Matched, match
from followup_replies.stops import OPT_OUT, Stop, Stops
from followup_replies.store import messages
from followup_replies.store.messages import NewMessage
from followup_suppression import (
    AddressHasher,
    Kind,
    SuppressedChannel,
    place_hold,
    suppress,
)
from followup_suppression.replying import Named, ReplyAddresses

LONGEST_BODY = 32_000
"""Characters of a message that are kept and read; the rest is quotation or abuse."""

Answered = Literal["here", "by_message", "by_vendor"]
"""How a stop, a start or a call for help is answered: its webhook's answer is sent, a message
of ours is, or the vendor sends one of its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a long text a message is: `number` of `total`, counted from 1.

    `ref` is the same for all parts of a text, and may come again with a later one.
    """

    ref: str
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class Assembled:
    """What a message was put together from.

    `reply_id` is the id that its hold stands under already; `newest` is the part that has just
    come, if any: those before it were read when they came. `whole`: all parts are there.
    """

    reply_id: UUID
    newest: str | None
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A message as a provider hands it over.

    `vendor_id` is the same each time the provider tells of it. `vendor_opt_out`: what
    the provider itself took it for, and has answered. `payload` is what came, without
    what is attached. `meaning` is that of a key that was pressed: nothing is to be read.
    `opinion` is a classifier's, where one was asked. `answered`: how a stop is answered that
    the vendor has not told us to have answered. `part`: it is one of a long text's, and
    `assembled` what has been put together from such.
    """

    channel: Channel
    vendor_id: str
    sender: str
    recipient: str
    body: str
    subject: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    vendor_opt_out: Literal["STOP", "START", "HELP"] | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    meaning: Intent | None = None
    opinion: Opinion | None = None
    answered: Answered = "by_message"
    part: Part | None = None
    assembled: Assembled | None = None


class InboundDesk:
    """Takes messages in."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        hasher: AddressHasher,
        stops: Stops,
        figures: Figures,
        addresses: ReplyAddresses,
    ) -> None:
        self._outbox = outbox
        self._addresses = addresses
        self._hasher = hasher
        self._stops = stops
        self._figures = figures

    async def take(self, tx: Transaction, account: Account, inbound: Inbound) -> str | None:
        """Take a message in; returns what is to be answered at once, if anything.

        The caller waits for the fence before it answers. One that was seen before changes
        nothing and is answered as it was then.
        """
        tenant_id = account.tenant_id
        address = bare(inbound.channel, inbound.sender)
        ours = bare(inbound.channel, inbound.recipient)
        named = self._addresses.read(ours) if inbound.channel == "email" else None
        matched = await self.sender(tx, account, inbound, named=named)
        if named is not None and named.purpose == "unsubscribe":
            # Whatever the letter says: mail programs write these, mostly without a word.
            inbound = replace(inbound, vendor_opt_out="STOP")
        reading = _read(inbound, matched.person, tx)
        message = NewMessage(
            id=new_id() if inbound.assembled is None else inbound.assembled.reply_id,
            tenant_id=tenant_id,
            account_id=account.id,
            vendor_id=inbound.vendor_id,
            person_id=matched.person_id,
            lead_id=matched.lead_id,
            enrollment_id=matched.enrollment_id,
            touch_id=matched.touch_id,
            channel=inbound.channel,
            our_address=ours,
            address=address,
            address_hash=self.hashed(inbound.channel, address),
            subject=inbound.subject,
            body=inbound.body[:LONGEST_BODY],
            intent=reading.intent,
            opt_out=reading.opt_out,
            confidence=reading.confidence,
            until=reading.until,
            rules=reading.rules,
            payload=inbound.payload,
            at=tx.now,
            answer=(
                await confirming.confirmation(tx, tenant_id, reading, matched.person)
                if _is_ours_to_answer(inbound)
                else None
            ),
            thread=thread_of(inbound.headers) if inbound.channel == "email" else (),
            guessed=matched.guessed,
        )
        if not await messages.insert(tx, message):
            return await messages.answer_to(tx, tenant_id, account.id, inbound.vendor_id)
        tx.after_commit(lambda: self._figures.reply(message.channel, message.intent))
        answer = await self._carry_out(tx, message, reading)
        if named is not None and named.purpose == "unsubscribe":
            await self._leave(tx, tenant_id, matched)
        if answer is not None and await confirming.braked(tx, message):
            await messages.leave_unanswered(tx, tenant_id, message.id)
            return None
        if answer is None or inbound.answered == "here":
            return answer
        await confirming.send(tx, self._outbox, message)
        return None

    def hashed(self, channel: Channel, address: str) -> bytes:
        """What the list knows an address by."""
        return self._hasher.hash(kind_of(channel), address)

    async def sender(
        self, tx: Transaction, account: Account, inbound: Inbound, *, named: Named | None = None
    ) -> Matched:
        """Who wrote a message, and about what; nobody who is erased at this moment.

        `named` is what the address they wrote to names, if it is a signed one.
        """
        matched = await match(
            tx,
            account,
            inbound.channel,
            bare(inbound.channel, inbound.sender),
            ours=bare(inbound.channel, inbound.recipient),
            headers=inbound.headers,
            named=None if named is None else named.attempt_id,
        )
        person_id = matched.person_id
        if person_id is not None and not await stays(tx, account.tenant_id, person_id):
            return Matched(None)  # a stranger's now
        return matched

    def ends(self, tx: Transaction, inbound: Inbound, person: PersonView | None) -> bool:
        """Whether what there is of a text ends the messages before the rest is there.

        It does so in so many words; by its words on the whole where nobody known is held until
        the rest has come or is given up.
        """
        reading = _read(inbound, person, tx)
        return reading.opt_out and (reading.stated or person is None)

    async def _leave(self, tx: Transaction, tenant_id: UUID, matched: Matched) -> None:
        """List every address of who unsubscribes: they may write from another than we wrote to."""
        if matched.person is None:
            return
        entries: list[tuple[Kind, SuppressedChannel, bytes]] = [
            (point.kind, "all", self._hasher.hash(point.kind, point.address))
            for point in matched.person.emails
        ]
        await suppress(tx, tenant_id, entries, reason=OPT_OUT, via="email")

    async def _carry_out(
        self, tx: Transaction, message: NewMessage, reading: Reading
    ) -> str | None:
        """Everything that follows from a new message; what is answered after all."""
        told = await self._consequences(tx, message, reading)
        if message.opt_out:
            stop = Stop(
                tenant_id=message.tenant_id,
                person_id=message.person_id,
                channel=message.channel,
                address_hash=message.address_hash,
                via=message.channel,
            )
            if not await self._stops.stop(tx, stop, beside=told) and message.answer is not None:
                # Said before, and confirmed then.
                await messages.leave_unanswered(tx, message.tenant_id, message.id)
                return None
            return message.answer
        await self._outbox.add(tx, told)
        if reading.keyword == "start" and message.channel != "email":
            started = await self._stops.start(
                tx, message.tenant_id, message.person_id, phone_hash=message.address_hash
            )
            if not started and message.answer is not None:
                await messages.leave_unanswered(tx, message.tenant_id, message.id)
                return None
        return message.answer

    async def _consequences(
        self, tx: Transaction, message: NewMessage, reading: Reading
    ) -> list[Message]:
        """Hold the person, block a wrong address; what the scheduler is to be told."""
        if message.person_id is None:
            return []
        await place_hold(tx, message.tenant_id, message.person_id, message.id)
        if reading.intent == "not_interested" and not reading.opt_out:
            # Persons before their contact points, as where they are merged. Who says stop has
            # withdrawn consent, which is more.
            await note_refusal(tx, message.tenant_id, message.person_id, at=tx.now)
        if reading.intent not in AUTOMATIC:
            # On channels with a window for answers it opens here. A vendor's clock that is
            # ahead does not hold it open for longer.
            await hear(
                tx,
                message.tenant_id,
                message.person_id,
                channel=message.channel,
                match_key=match_key(message.channel, message.address),
                at=min(message.at, tx.now),
            )
        if reading.intent == "wrong_person":
            await mark_contact_point(
                tx,
                message.tenant_id,
                message.person_id,
                kind=kind_of(message.channel),
                address=match_key(message.channel, message.address),
                state="wrong",
            )
        event = ReplyReceived(
            reply_id=message.id,
            person_id=message.person_id,
            lead_id=message.lead_id,
            enrollment_id=message.enrollment_id,
            touch_id=message.touch_id,
            channel=message.channel,
            intent=message.intent,
            opt_out=message.opt_out,
            confidence=message.confidence,
            until=message.until,
            at=message.at,
        )
        return [
            self._outbox.message(
                event, tenant_id=message.tenant_id, subject=message.id, time=tx.now
            )
        ]


def _is_ours_to_answer(inbound: Inbound) -> bool:
    """Whether a text's stop, start or call for help is not answered by its vendor."""
    ours = inbound.answered != "by_vendor" and inbound.vendor_opt_out is None
    return ours and inbound.channel == "sms"


def _read(inbound: Inbound, person: PersonView | None, tx: Transaction) -> Reading:
    if inbound.meaning is None:
        reading = refined(_read_text(inbound, person, tx), inbound.opinion)
        return reading if inbound.assembled is None else _pieced(reading, inbound, person, tx)
    return Reading(
        intent=inbound.meaning,
        opt_out=False,
        keyword=None,
        confidence=1.0,
        until=None,
        rules=("a key",),
    )


def _read_text(inbound: Inbound, person: PersonView | None, tx: Transaction) -> Reading:
    return read(text_of(inbound, person), received=tx.now, zone=_zone(person))


def _pieced(
    reading: Reading, inbound: Inbound, person: PersonView | None, tx: Transaction
) -> Reading:
    """What a text of parts means, given what it means as far as it is there.

    A part that ends them alone does, whatever stands around it, and what ends is not taken back
    for want of the rest. Otherwise nobody can say what a text means that lacks a part, half
    words least of all: a person reads it.
    """
    assembled = inbound.assembled
    if assembled is None or reading.stated:
        return reading
    if assembled.newest is not None:
        alone = _read_text(replace(inbound, body=assembled.newest), person, tx)
        if alone.stated:
            return alone
    if assembled.whole or reading.opt_out:
        return reading
    return replace(reading, intent="other", keyword=None, confidence=0.0, rules=("a part",))


def text_of(inbound: Inbound, person: PersonView | None) -> InboundText:
    """What is to be read of a message."""
    return InboundText(
        channel=inbound.channel,
        body=inbound.body[:LONGEST_BODY],
        subject=inbound.subject,
        headers=inbound.headers,
        language=person.language if person else None,
        vendor_opt_out=inbound.vendor_opt_out,
    )


def _zone(person: PersonView | None) -> str:
    """Where "next week" is reckoned; of several candidates any will do for a day."""
    if person is None:
        return "UTC"
    phone = person.phones[0].address if person.phones else None
    return min(whereabouts(Place(phone=phone, **dict(person.place))).zones, default="UTC")
