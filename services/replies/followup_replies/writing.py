"""A person of the tenant answers: kept, put under the fence, and handed on to be sent.

Whether and when it goes out is the dispatcher's to say, like of every touch. Known here at
once is only what no rule need be asked about: nobody to reach, or an address on the list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from followup_contracts.channels import CHANNELS, TRAITS
from followup_contracts.events import MessageWritten
from followup_contracts.payload import Channel
from followup_database import Transaction, new_id
from followup_directory import Written, put_templates
from followup_messaging.outbox import Outbox
from followup_people import LeadView, PersonView, person_by_address, stays, views
from followup_policy.wording import literal
from followup_replies.addresses import kind_of, match_key
from followup_replies.store import written
from followup_replies.store.written import Heard, NewWritten
from followup_suppression import AddressHasher, place_hold, standings

WRITABLE: tuple[Channel, ...] = tuple(c for c in CHANNELS if "voicemail" not in TRAITS[c].parts)
"""The channels on which people write; a call is made, and not written."""
LONGEST_SUBJECT = 200
LONGEST: Mapping[Channel, int] = {"sms": 1_600, "whatsapp": 4_096, "instagram": 1_000}
"""Characters of one message: Twilio's limit of a `Body` (twilio.com/docs/messaging/api), Meta's
of a text (developers.facebook.com/docs/whatsapp, developers.facebook.com/docs/messenger-platform).
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be said. Without a channel it is the one of the last message."""

    key: str
    text: str
    channel: Channel | None = None
    subject: str | None = None
    by: str | None = None

    @property
    def hashed(self) -> bytes:
        """The request, apart from its key."""
        parts = (self.text, self.channel or "", self.subject or "", self.by or "")
        return sha256("\0".join(parts).encode()).digest()


@dataclass(frozen=True, slots=True)
class Kept:
    """It is kept under this id, now or by the request that came before under its key."""

    id: UUID


@dataclass(frozen=True, slots=True)
class NoLead:
    """There is no such lead."""


@dataclass(frozen=True, slots=True)
class KeyTaken:
    """The key stands for another request."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """It cannot be said so: which field, and why."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """The address is on the suppression list."""


Answer = Kept | NoLead | KeyTaken | Unfit | Suppressed


@dataclass(frozen=True, slots=True)
class _Thread:
    """Where the conversation stands: the channel, and what was heard and said on it."""

    channel: Channel
    account_id: UUID | None = None
    sender: str | None = None
    subject: str | None = None
    letters: tuple[str, ...] = ()
    address: str | None = None
    """Where they wrote from; the words go there."""
    stranger: bool = False
    """Whether that is nobody's contact point."""


class Writing:
    """Takes messages that people of the tenant write."""

    def __init__(self, *, outbox: Outbox, hasher: AddressHasher) -> None:
        self._outbox = outbox
        self._hasher = hasher

    async def write(self, tx: Transaction, tenant_id: UUID, lead_id: UUID, asked: Asked) -> Answer:
        """Keep a message and hand it on, once for a key; automation of the lead pauses.

        The hold stands when this has committed: who answers the request waits for the fence.
        """
        before = await _before(tx, tenant_id, lead_id, asked)
        if before is not None:
            return before
        known = (await views(tx, [(lead_id, lead_id)])).get(lead_id)
        if known is None or not await stays(tx, tenant_id, known[0].id):
            return NoLead()
        thread = await _reached(tx, tenant_id, known[0], await _thread(tx, tenant_id, known, asked))
        message_id = new_id()
        unfit = _unfit(asked, thread) or await self._unreachable(
            tx, tenant_id, message_id, known[0], thread
        )
        if unfit is not None:
            return unfit
        return await self._keep(tx, tenant_id, message_id, known, asked, thread)

    async def _unreachable(
        self,
        tx: Transaction,
        tenant_id: UUID,
        message_id: UUID,
        person: PersonView,
        thread: _Thread,
    ) -> Unfit | Suppressed | None:
        channel, points = thread.channel, person.reached_by(thread.channel)
        address = thread.address or (points[0].address if points else None)
        if address is None:
            return Unfit("channel", f"there is no usable address for {channel}")
        hashed = self._hasher.hash(kind_of(channel), address)
        look = (message_id, tenant_id, channel, hashed, person.id, message_id)
        standing = (await standings(tx, [look]))[message_id]
        return Suppressed() if standing.suppressed else None

    async def _keep(
        self,
        tx: Transaction,
        tenant_id: UUID,
        message_id: UUID,
        known: tuple[PersonView, LeadView],
        asked: Asked,
        thread: _Thread,
    ) -> Answer:
        person, lead = known
        subject = _subject(asked, thread)
        words = Written(
            text=literal(asked.text),
            subject=None if subject is None else literal(subject),
            account_id=thread.account_id,
            sender=thread.sender,
            thread=thread.letters,
            address=thread.address,
            stranger=thread.stranger,
        )
        (template,) = await put_templates(
            tx, tenant_id, [(thread.channel, words.body())], person_id=person.id
        )
        message = NewWritten(
            id=message_id,
            tenant_id=tenant_id,
            key=asked.key,
            asked=asked.hashed,
            lead_id=lead.id,
            person_id=person.id,
            channel=thread.channel,
            subject=subject,
            body=asked.text,
            written_by=asked.by,
            template=template,
            at=tx.now,
        )
        if not await written.insert(tx, message):  # a request beside this one was first
            return await _before(tx, tenant_id, lead.id, asked) or KeyTaken()
        await place_hold(tx, tenant_id, person.id, message_id)
        event = MessageWritten(
            message_id=message_id,
            lead_id=lead.id,
            person_id=person.id,
            channel=thread.channel,
            template=template,
            at=tx.now,
        )
        await self._outbox.add(
            tx,
            [self._outbox.message(event, tenant_id=tenant_id, subject=message_id, time=tx.now)],
        )
        return Kept(message_id)


async def _before(
    tx: Transaction, tenant_id: UUID, lead_id: UUID, asked: Asked
) -> Kept | KeyTaken | None:
    """What the key stands for already, if for anything."""
    row = await written.by_key(tx, tenant_id, asked.key)
    if row is None:
        return None
    same = bytes(row["asked"]) == asked.hashed and row["lead_id"] == lead_id
    return Kept(row["id"]) if same else KeyTaken()


async def _thread(
    tx: Transaction, tenant_id: UUID, known: tuple[PersonView, LeadView], asked: Asked
) -> _Thread:
    """Where the last message came in, else where the last touch went out from."""
    person, lead = known
    channels: Sequence[Channel] = WRITABLE if asked.channel is None else (asked.channel,)
    heard = await written.last_heard(
        tx, tenant_id, lead.id, persons=[person.id, *person.former], channels=channels
    )
    sent = await written.last_sent(
        tx,
        tenant_id,
        lead.id,
        channels=channels if heard is None else (heard.channel,),
        touch=None if heard is None else heard.touch_id,
    )
    if heard is not None:
        return _heard_on(heard, None if sent is None else sent.sender)
    if sent is not None:
        return _Thread(sent.channel, sent.account_id, sent.sender)
    reached = [channel for channel in channels if person.reached_by(channel)]
    return _Thread(reached[0] if reached else channels[0])


async def _reached(
    tx: Transaction, tenant_id: UUID, person: PersonView, thread: _Thread
) -> _Thread:
    """The thread with the address in it that may be written to, if any did.

    One of the person's own while it is usable; or one that is nobody's, from which they
    answered us. Another's is never taken, nor one that is wrong by now or bounced.
    """
    if thread.address is None:
        return thread
    key = match_key(thread.channel, thread.address)
    for point in person.reached_by(thread.channel):
        if match_key(thread.channel, point.address) == key:
            return replace(thread, address=point.address)
    owner = await person_by_address(tx, tenant_id, kind_of(thread.channel), key)
    return replace(thread, stranger=True) if owner is None else replace(thread, address=None)


def _heard_on(heard: Heard, sender: str | None) -> _Thread:
    """The thread of a message that came in: from a mailbox they know, or the number they wrote to.

    A letter comes to a reply address, which is nobody's to write from.
    """
    return _Thread(
        heard.channel,
        heard.account_id,
        sender if heard.channel == "email" else heard.our_address,
        heard.subject,
        tuple(heard.thread or ()),
        heard.address,
    )


def _unfit(asked: Asked, thread: _Thread) -> Unfit | None:
    longest = LONGEST.get(thread.channel)
    if longest is not None and len(asked.text) > longest:
        return Unfit("text", f"{TRAITS[thread.channel].noun} has at most {longest} characters")
    if "subject" in TRAITS[thread.channel].requires:
        wanting = _subject(asked, thread) is None
        return Unfit("subject", "a letter that answers none needs a subject") if wanting else None
    if asked.subject is not None:
        return Unfit("subject", f"{TRAITS[thread.channel].noun} has no subject")
    return None


def _subject(asked: Asked, thread: _Thread) -> str | None:
    """The subject given, else that of the letter that is answered."""
    if "subject" not in TRAITS[thread.channel].requires:
        return None
    if asked.subject is not None or thread.subject is None:
        return asked.subject
    bare = thread.subject.strip()
    answered = bare if bare[:3].lower() == "re:" else f"Re: {bare}"
    return answered[:LONGEST_SUBJECT]
