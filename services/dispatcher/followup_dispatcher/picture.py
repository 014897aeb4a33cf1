"""The picture of a batch: everything the last word depends on, read in a few statements.

The number of statements does not grow with the batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from followup_contracts.channels import TRAITS, Channel
from followup_contracts.commands import SendTouch
from followup_contracts.envelope import Message
from followup_database import Transaction, together
from followup_directory import Account, Sender, Tenant, Written, ruled_tenants, templates
from followup_directory import accounts as directory_accounts
from followup_directory import senders as directory_senders
from followup_directory.written import Confirms
from followup_dispatcher import ledger, usage
from followup_dispatcher.answers import command_of
from followup_dispatcher.core.answering import last_heard
from followup_dispatcher.core.priority import Waiter, rank, waiter
from followup_dispatcher.core.verdict import Candidate, Defer, Skip
from followup_dispatcher.ledger import Entry
from followup_people import ContactPoint, LeadView, PersonView, present, views
from followup_policy.caps import PastContact
from followup_policy.house import HouseRules
from followup_policy.zones import Place, whereabouts
from followup_suppression import AddressHasher, Standing, standings

_UNUSED = usage.Usage()
_EVER = datetime.min.replace(tzinfo=UTC)
MOST_WAITING = 20
"""Of one person's touches that a cap put off, the newest."""

SUSPENDED_RECHECK = timedelta(hours=1)


@dataclass(slots=True)
class Picture:
    """One batch and what was read for it.

    `known` are commands whose touch the ledger holds; `open` are the ones to decide on.
    """

    known: list[tuple[Message, Entry]]
    open: list[Message]
    attempts: Mapping[UUID, Entry]
    people: Mapping[UUID, tuple[PersonView, LeadView]]
    tenants: Mapping[UUID, Tenant]
    houses: Mapping[UUID, HouseRules]
    accounts: Mapping[UUID, Sequence[Account]]
    senders: Mapping[UUID, Sequence[Sender]]
    standings: Mapping[UUID, Standing]
    history: Mapping[UUID, usage.Usage]
    written: Mapping[UUID, Written] = field(default_factory=dict)
    """Touch → its words with what they go on from, of those that belong to no sequence."""
    left: dict[UUID, int] = field(default_factory=dict)
    """Account → units of today's budget, of those where it decides which one is taken."""
    waiting: dict[UUID, tuple[Waiter, ...]] = field(default_factory=dict)
    """The touches put off by caps, of persons of whom that has changed in this batch."""
    counted: dict[UUID, list[PastContact]] = field(default_factory=dict)

    def candidate(self, message: Message, now: datetime) -> Candidate | Defer | Skip:
        """What there is to decide on, or why there is nothing."""
        command = command_of(message)
        tenant = self.tenants.get(message.tenant_id)
        if tenant is None or tenant.state == "deleted":
            return Skip("tenant", "the tenant is gone")
        if tenant.state != "active":
            return Defer("paused", "tenant", "the tenant is suspended", now + SUSPENDED_RECHECK)
        found = self.people.get(command.lead_id)
        standing = self.standings.get(command.touch_id)
        if found is None or standing is None:
            return Skip("erased", "the lead or its person is not there any more")
        person, lead = found
        address = self.address(command)
        if address is None:
            return Skip("no_contact_point", f"no usable address for {command.channel}")
        heard = last_heard(person.points, now=now) if command.answer else None
        return Candidate(
            command=command,
            standing=standing,
            where=whereabouts(place_of(person, address, command.channel)),
            consent=person.consent.get(command.channel, "unknown"),
            asked=lead.asked,
            audience=person.audience,
            history=self.contacts(command),
            waiting=self._waiting(command),
            asked_at=heard or lead.received_at,
            house=self.houses[tenant.id],
            answering=heard is not None,
            refused_at=person.refused.get(command.channel),
            confirms=self.confirms(command),
        )

    def address(self, command: SendTouch) -> ContactPoint | None:
        """Where a touch goes; an answer goes to where its person wrote from."""
        person, _ = self.people[command.lead_id]
        return address_of(person, command.channel, self.written.get(command.touch_id))

    def confirms(self, command: SendTouch) -> Confirms | None:
        """What a touch confirms that its reader has asked for; None for all others."""
        written = self.written.get(command.touch_id)
        return None if written is None else written.confirms

    def accounts_for(self, tenant: Tenant, recipient: str) -> Sequence[Account]:
        """The accounts that may serve this recipient.

        In the sandbox nothing leaves the house but to test recipients, whatever accounts a
        tenant has. Outside it nothing goes to the sandbox either: failing over to it would
        look like sending.
        """
        real = leaves_the_house(tenant, recipient)
        return [a for a in self.accounts.get(tenant.id, ()) if real == (a.provider != "sandbox")]

    def count(self, command: SendTouch, now: datetime) -> None:
        """A touch of this batch passed: it counts for the next of the same person."""
        contact = PastContact(str(command.touch_id), command.channel, now, command.contact_round)
        person_id = self.person_id(command)
        self.counted.setdefault(person_id, []).append(contact)
        if any(each.touch_id == contact.touch_id for each in self._waiting(command)):
            self._leave(person_id, contact.touch_id)

    def spend(self, account_id: UUID, units: int) -> None:
        """A touch of this batch was drafted for an account: so much less is left of its day."""
        if account_id in self.left:
            self.left[account_id] -= units

    def put_off(self, command: SendTouch, opens_at: datetime) -> None:
        """A cap has put a touch off: it waits for the place that opens then."""
        person_id = self.person_id(command)
        own = waiter(command, opens_at)
        self._leave(person_id, own.touch_id)
        self.waiting[person_id] = (*self.waiting[person_id], own)[-MOST_WAITING:]

    def _leave(self, person_id: UUID, touch_id: str) -> None:
        before = self.waiting.get(person_id, self._held(person_id).waiting)
        self.waiting[person_id] = tuple(each for each in before if each.touch_id != touch_id)

    def _waiting(self, command: SendTouch) -> tuple[Waiter, ...]:
        return tuple(
            each
            for person_id in _names(self.people[command.lead_id][0])
            for each in self.waiting.get(person_id, self._held(person_id).waiting)
        )

    def _held(self, person_id: UUID) -> usage.Usage:
        return self.history.get(person_id, _UNUSED)

    def person_id(self, command: SendTouch) -> UUID:
        """Whom the touch reaches today: persons may have been merged since it was planned."""
        found = self.people.get(command.lead_id)
        return command.person_id if found is None else found[0].id

    def before(self, person_id: UUID) -> tuple[PastContact, ...]:
        """The person's contacts before this batch, as kept under this id."""
        return self._held(person_id).contacts

    def attempts_before(self, touch_id: UUID) -> int:
        """The number of the touch's newest attempt."""
        entry = self.attempts.get(touch_id)
        return 0 if entry is None else entry.number

    def contacts(self, command: SendTouch) -> tuple[PastContact, ...]:
        """What else the touch's person was sent, under every id of theirs."""
        held = list(self.counted.get(self.person_id(command), ()))
        for person_id in _names(self.people[command.lead_id][0]):
            held += self.before(person_id)
        if not held:
            return ()
        own = str(command.touch_id)
        return tuple(contact for contact in held if contact.touch_id != own)


class Surveyor:
    """Reads the picture of a batch, in the claiming transaction."""

    def __init__(self, hasher: AddressHasher) -> None:
        self._hasher = hasher

    async def look(
        self,
        tx: Transaction,
        messages: Sequence[Message],
        *,
        renewing: bool = False,
        looking: bool = False,
    ) -> Picture:
        """Everything about these commands; their persons' caps are locked until the commit.

        `renewing`: the touches are claimed by the caller itself, so an attempt in the
        ledger does not settle them. `looking`: nothing is locked, for nothing will be sent.
        """
        batch = list(_newest_round(messages).values())
        tenant_ids = sorted({m.tenant_id for m in batch})
        written = await _written(tx, batch)
        attempts, people, ruled, accounts = await together(
            tx,
            partial(ledger.latest, touch_ids=[command_of(m).touch_id for m in batch]),
            partial(views, pairs=[(command_of(m).lead_id, command_of(m).person_id) for m in batch]),
            partial(ruled_tenants, ids=tenant_ids),
            partial(directory_accounts, tenant_ids=tenant_ids),
        )
        known = [] if renewing else [(m, e) for m in batch if (e := _settled(m, attempts))]
        done = {command_of(message).touch_id for message, _ in known}
        # Of touches that compete for a place under a cap the more urgent is decided on first.
        open_ = sorted(
            (m for m in batch if command_of(m).touch_id not in done),
            key=lambda m: rank(command_of(m)),
        )
        strangers = _strangers(open_, written)
        people = {**people, **strangers}
        # Caps may keep us waiting, so who may be written to is looked at behind their lock.
        history = await (usage.read if looking else usage.lock)(tx, _persons(open_, people))
        senders, fence, there = await together(
            tx,
            partial(directory_senders, account_ids=[account.id for account in accounts]),
            partial(standings, looks=self._fence_rows(open_, people, written)),
            partial(present, ids=[person.id for person, _ in people.values()]),
        )
        # Whoever was erased while we waited is written to no more, though we read where they are.
        people = {
            lead_id: found
            for lead_id, found in people.items()
            if lead_id in strangers or found[0].id in there
        }
        return Picture(
            known=known,
            open=open_,
            attempts=attempts,
            people=people,
            tenants={tenant_id: tenant for tenant_id, (tenant, _) in ruled.items()},
            houses={tenant_id: house for tenant_id, (_, house) in ruled.items()},
            accounts=_by_tenant(accounts),
            senders=_by_account(senders),
            standings=fence,
            history=history,
            written=written,
        )

    def _fence_rows(
        self,
        messages: Sequence[Message],
        people: Mapping[UUID, tuple[PersonView, LeadView]],
        written: Mapping[UUID, Written],
    ) -> list[tuple[UUID, UUID, Channel, bytes | None, UUID, UUID]]:
        rows = []
        for message in messages:
            command = command_of(message)
            found = people.get(command.lead_id)
            answer = written.get(command.touch_id)
            address = address_of(found[0], command.channel, answer) if found else None
            hashed = self._hasher.hash(address.kind, address.address) if address else None
            rows += [
                (
                    command.touch_id,
                    message.tenant_id,
                    command.channel,
                    hashed,
                    person_id,
                    command.enrollment_id,
                )
                for person_id in (_names(found[0]) if found else (command.person_id,))
            ]
        return rows


def address_of(
    person: PersonView, channel: Channel, written: Written | None
) -> ContactPoint | None:
    """Where the person is reached on a channel: the first usable address of its kind.

    What was `written` to them goes to the address they wrote from, while it is usable.
    """
    points = person.reached_by(channel)
    if written is None or written.address is None:
        return points[0] if points else None
    known = next((point for point in points if point.address == written.address), None)
    if known is None and written.stranger:
        return _stranger(channel, written.address)
    return known or (points[0] if points else None)


def _stranger(channel: Channel, address: str) -> ContactPoint:
    """An address that nobody is known by: somebody wrote from it, in answer to us."""
    return ContactPoint(TRAITS[channel].address, address, "usable", _EVER)


def of_nobody(command: SendTouch) -> bool:
    """Whether it is for somebody of whom nothing is known but where they wrote from."""
    return command.lead_id == command.touch_id


def _strangers(
    messages: Sequence[Message], written: Mapping[UUID, Written]
) -> dict[UUID, tuple[PersonView, LeadView]]:
    """Blank portraits of those whom nothing but a stop's confirmation may go to, by lead id."""
    return {
        command.lead_id: _blank(message)
        for message in messages
        if of_nobody(command := command_of(message))
        and (words := written.get(command.touch_id)) is not None
        and words.stranger
        and words.confirms == "stop"
    }


def _blank(message: Message) -> tuple[PersonView, LeadView]:
    command, tenant_id = command_of(message), message.tenant_id
    person = PersonView(
        id=command.person_id,
        tenant_id=tenant_id,
        first_name=None,
        last_name=None,
        language=None,
        audience="b2c",
        place={},
        attributes={},
        points=(),
        consent={},
    )
    lead = LeadView(
        id=command.lead_id,
        tenant_id=tenant_id,
        person_id=command.person_id,
        source="",
        external_id=None,
        asked=False,
        need=None,
        value=None,
        currency=None,
        attributes={},
        received_at=message.time,
        state="open",
    )
    return person, lead


async def _written(tx: Transaction, messages: Sequence[Message]) -> dict[UUID, Written]:
    """Touch → what was written, of those that are answers; one whose words are gone has none."""
    answers = [message for message in messages if command_of(message).answer]
    if not answers:
        return {}
    found = await templates(tx, [(m.tenant_id, command_of(m).template) for m in answers])
    return {
        command.touch_id: Written.of(found[key].body)
        for message in answers
        if (key := (message.tenant_id, (command := command_of(message)).template)) in found
    }


def leaves_the_house(tenant: Tenant, recipient: str) -> bool:
    """Whether a message to this address is meant for a provider and not for the sandbox."""
    if not tenant.settings.sandbox:
        return True
    return recipient.casefold() in {each.casefold() for each in tenant.settings.test_recipients}


def place_of(person: PersonView, address: ContactPoint, channel: Channel) -> Place:
    """What is known about where the person is; the phone counts whatever the channel."""
    phone = address.address if TRAITS[channel].address == "phone" else None
    if phone is None and person.phones:
        phone = person.phones[0].address
    return Place(
        stated_zone=person.place.get("stated_zone"),
        country=person.place.get("country"),
        state=person.place.get("state"),
        postal_code=person.place.get("postal_code"),
        city=person.place.get("city"),
        phone=phone,
    )


def _persons(
    messages: Sequence[Message], people: Mapping[UUID, tuple[PersonView, LeadView]]
) -> dict[UUID, UUID]:
    """Person → tenant under every id of theirs, for whoever is still there."""
    return {
        person_id: message.tenant_id
        for message in messages
        if (found := people.get(command_of(message).lead_id)) is not None
        for person_id in _names(found[0])
    }


def _names(person: PersonView) -> tuple[UUID, ...]:
    """Every id of a person: a hold or a contact may stand under one from before a merge."""
    return (person.id, *person.former)


def _newest_round(messages: Sequence[Message]) -> dict[UUID, Message]:
    newest: dict[UUID, Message] = {}
    for message in messages:
        touch = command_of(message).touch_id
        held = newest.get(touch)
        if held is None or command_of(held).round < command_of(message).round:
            newest[touch] = message
    return newest


def _settled(message: Message, attempts: Mapping[UUID, Entry]) -> Entry | None:
    entry = attempts.get(command_of(message).touch_id)
    return None if entry is None or entry.state == "retry_later" else entry


def _by_tenant(accounts: Sequence[Account]) -> dict[UUID, list[Account]]:
    held: dict[UUID, list[Account]] = {}
    for account in accounts:
        held.setdefault(account.tenant_id, []).append(account)
    return held


def _by_account(senders: Sequence[Sender]) -> dict[UUID, list[Sender]]:
    held: dict[UUID, list[Sender]] = {}
    for sender in senders:
        held.setdefault(sender.account_id, []).append(sender)
    return held
